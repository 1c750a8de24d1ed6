"""Full-text index over the sections of the guide's pages.

Sections are ranked by Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009);
a page is as good as its best section. Title, summary and keywords count for every section of their page.
A section that holds too little of the question is no hit, and each hit shows the passage of its section
that holds most of it.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.documentation.page import Page

MIN_COVERAGE = 0.5
"""Share of a question's words, weighted by rarity, that a section and its page must hold to be a hit."""
MIN_RELATIVE_SCORE = 0.4
"""Share of the best hit's score that another must have to be a hit."""
MAX_PASSAGE = 400
"""Characters of a passage."""
_K1 = 1.2
_B = 0.75
_ABOUT_WEIGHT = 0.5
_MARGIN = 1.5
# A word that no page has weighs less in a question than the rarest word of the guide.
_UNKNOWN = 3.0
_TITLE_WEIGHT = 2
_HEADING_WEIGHT = 3
_WORD = re.compile(r"[a-z0-9_]+")
_PHRASES = (
    # A question for a quantity is answered by a limit.
    (re.compile(r"\bhow (?:many|much|large|big|long)\b|\b(?:max|maximum|largest|longest|most)\b"), "limit"),
    (re.compile(r"\bback(?:ing)? up\b"), "backup"),
    (re.compile(r"\bread[- ]only\b"), "readonly"),
)
_OTHER_CODE = re.compile(r"^```(?!sql\n).*?^```$", re.MULTILINE | re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.:;]) (?=[A-Z`\d])")
_DOUBLED = re.compile(r"([bdgmnprt])\1$")
_ENDINGS = ("ing", "ions", "ion", "ed", "es", "s")
_STOP = frozenset(
    """
    a all an and any are as at be been between by can did do does doing for from get got had has have how i
    if in into is it its many may me mean means might must my now of on one or our out per same so some than
    that the them then their there these they this those through to up use using was we were what when where
    which while who why will with you your should would could not no number only about aurora amazon dsql
    support supported work works possible need want happen happens exist exists available best way
    """.split()  # noqa: SIM905 - a hundred quoted words would be harder to read
)


@dataclass(frozen=True)
class SearchHit:
    """A page that answers a question.

    Attributes:
        page: The page.
        heading: The heading of the section that answers.
        passage: The part of that section that holds most of the question, without Markdown's tables.
        score: BM25 of the section.
    """

    page: Page
    heading: str
    passage: str
    score: float


@dataclass(frozen=True)
class _Section:
    page: Page
    heading: str
    body: str
    own: Counter[str]
    about: Counter[str]


class SearchIndex:
    """Sections of pages, with the statistics that BM25 needs.

    Args:
        pages: The pages.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self._sections = tuple(section for page in pages for section in _sections(page))
        # What is said of a page is said once, however many sections it has.
        abouts = {section.page.slug: section.about for section in self._sections}
        documents = [*(section.own for section in self._sections), *abouts.values()]
        self._frequencies = Counter(word for document in documents for word in document)
        self._mean_length = sum(section.own.total() for section in self._sections) / max(
            1, len(self._sections)
        )

    def search(self, phrase: str, limit: int) -> tuple[SearchHit, ...]:
        """The pages that answer a phrase, the best first; at most ``limit``, none where none does."""
        return self._hits(phrase, limit, MIN_COVERAGE)

    def rank(self, phrase: str, limit: int) -> tuple[SearchHit, ...]:
        """The pages that share a word with a phrase, the best first; at most ``limit``."""
        return self._hits(phrase, limit, 0.0)

    def _hits(self, phrase: str, limit: int, floor: float) -> tuple[SearchHit, ...]:
        asked = {word: self._idf(word) for word in words(phrase)}
        weight = sum(idf if word in self._frequencies else _UNKNOWN for word, idf in asked.items())
        best: dict[str, tuple[float, _Section]] = {}
        for section in self._sections:
            held = sum(idf for word, idf in asked.items() if word in section.own or word in section.about)
            score = self._score(section, asked)
            if held and held >= floor * weight and score > best.get(section.page.slug, (0.0,))[0]:
                best[section.page.slug] = (score, section)
        ranked = sorted(best.values(), key=lambda found: -found[0])[:limit]
        least = floor and ranked[0][0] * MIN_RELATIVE_SCORE if ranked else 0.0
        return tuple(
            SearchHit(section.page, section.heading, _passage(section, asked), score)
            for score, section in ranked
            if score >= least
        )

    def _idf(self, word: str) -> float:
        having = self._frequencies[word]
        return math.log(1 + (len(self._sections) - having + 0.5) / (having + 0.5))

    def _score(self, section: _Section, asked: Mapping[str, float]) -> float:
        return self._bm25(section.own, asked) + _ABOUT_WEIGHT * self._bm25(section.about, asked)

    def _bm25(self, counts: Counter[str], asked: Mapping[str, float]) -> float:
        damping = _K1 * (1 - _B + _B * counts.total() / self._mean_length)
        return sum(
            idf * count * (_K1 + 1) / (count + damping)
            for word, idf in asked.items()
            if (count := counts[word])
        )


def _passage(section: _Section, asked: Mapping[str, float]) -> str:
    """The block that answers: the first, unless another holds clearly more of the question."""

    def weight(text: str) -> float:
        held = set(words(text))
        return sum(idf for word, idf in asked.items() if word in held)

    # A paragraph comes first because it answers; of a list or table each line answers something else.
    margin = 1.0 if section.body[:1] in ("|", "-") else _MARGIN
    block = _first_or_best(tuple(_blocks(section.body)), weight, margin)
    if len(block) <= MAX_PASSAGE:
        return block
    sentences = _SENTENCE_END.split(block)
    start = sentences.index(_first_or_best(sentences, weight, _MARGIN))
    return _cut(" ".join(sentences[start:]))


def _first_or_best(texts: Sequence[str], weight: Callable[[str], float], margin: float) -> str:
    best = max(texts, key=weight, default="")
    return best if not texts or weight(best) > margin * weight(texts[0]) else texts[0]


def words(text: str) -> list[str]:
    """The words of a text that carry meaning, lower-cased and without their endings.

    A name with underscores is a word, and so is each of its parts.
    """
    text = text.lower()
    for phrase, word in _PHRASES:
        text = phrase.sub(word, text)
    found = _WORD.findall(text)
    parts = [part for word in found if "_" in word for part in word.split("_")]
    return [_stem(word) for word in [*found, *parts] if word and word not in _STOP]


def _stem(word: str) -> str:
    """Take off the endings that English puts on one word: ``queries`` and ``query`` are the same."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) > 2), "")  # noqa: PLR2004 - shorter is no stem
    if ending and not word.endswith("ss"):
        word = _DOUBLED.sub(r"\1", word[: -len(ending)])
    return word.rstrip("e") if len(word) > len("use") else word


def _sections(page: Page) -> Iterator[_Section]:
    about = Counter(
        words(f"{page.title} {page.slug}") * _TITLE_WEIGHT + words(f"{page.summary} {page.keywords}")
    )
    for part in re.split(r"^## ", page.body, flags=re.MULTILINE):
        heading, _, body = part.partition("\n")
        if heading:
            body = _OTHER_CODE.sub("", body).strip()
            own = Counter(words(heading) * _HEADING_WEIGHT + words(body))
            yield _Section(page, heading.strip(), body, own, about)


def _blocks(body: str) -> Iterator[str]:
    """The paragraphs, list items, table rows and code blocks of a section, in order."""
    for paragraph in re.split(r"\n\n+", body):
        lines = paragraph.splitlines()
        if paragraph.startswith("```"):
            code = " ".join(line.strip() for line in lines[1:-1])
            yield from (code,) * (len(code) <= MAX_PASSAGE)
        elif paragraph.startswith("|"):
            # The second line is the rule below the head.
            head, _, *rows = (line.strip("| ").split(" | ") for line in lines)
            yield from ("; ".join(map("{}: {}".format, head, row)) for row in rows)
        elif re.match(r"(?:-|\d+\.) ", paragraph):
            yield from (re.sub(r"^(?:-|\d+\.) ", "", line) for line in lines)
        else:
            yield " ".join(lines)


def _cut(text: str) -> str:
    """A text cut at a word's end."""
    if len(text) <= MAX_PASSAGE:
        return text
    return text[: MAX_PASSAGE - 1].rpartition(" ")[0].rstrip(",;:") + "…"
