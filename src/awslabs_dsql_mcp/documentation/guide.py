"""Our own pages about Aurora DSQL: what a page is, and which page answers a question.

Ranking is Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over the
sections of the pages: a page is as good as its best section. Title, summary and keywords count for
every section of their page.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

SCHEME = "dsql://guide/"
_K1 = 1.2
_B = 0.75
_TITLE_WEIGHT = 2
_HEADING_WEIGHT = 3
_WORD = re.compile(r"[a-z0-9_]+")
# Whoever asks for a quantity asks for a limit.
_QUANTITY = re.compile(r"\bhow (?:many|much|large|big|long)\b|\b(?:max|maximum|largest|longest|most)\b")
_ENDINGS = ("ing", "ions", "ion", "ed", "es", "s")
_STOP = frozenset(
    """
    a an and any are as at be by can do does for from get have how i if in into is it its me my of on or our
    so that the there this to use using was we what when where which who why will with you your should would
    could than then them they not no only about aurora dsql
    """.split()  # noqa: SIM905 - sixty quoted words would be harder to read
)


@dataclass(frozen=True)
class Page:
    """A page of the guide.

    Attributes:
        slug: Its name in ``dsql://guide/{slug}``.
        title: A few words.
        summary: One sentence.
        keywords: Words that people use for what the page is about.
        as_of: The date up to which its facts were checked, ISO 8601.
        sources: Where the facts come from: addresses and other records.
        body: Markdown, sections under ``##``.
    """

    slug: str
    title: str
    summary: str
    keywords: str
    as_of: str
    sources: str
    body: str

    @property
    def url(self) -> str:
        """The address of the page as a resource."""
        return SCHEME + self.slug

    @property
    def cited(self) -> tuple[str, ...]:
        """The words of the sources, addresses among them, the most important first."""
        return tuple(word.rstrip(";,") for word in self.sources.split())

    @property
    def text(self) -> str:
        """The whole page as Markdown."""
        return (
            f"# {self.title}\n\n{self.summary}\n\n{self.body}\n\n"
            f"As of {self.as_of}. Sources: {self.sources}\n"
        )


@dataclass(frozen=True)
class SearchHit:
    """A page that answers a question, and the heading of the section that does."""

    page: Page
    heading: str
    score: float


@dataclass(frozen=True)
class _Section:
    page: Page
    heading: str
    words: Counter[str]
    length: int


def parse_page(slug: str, text: str) -> Page:
    """Read a page from its file: a header of ``name: value`` lines between ``---``, then Markdown.

    Raises:
        ValueError: The header is not whole.
    """
    _, header, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in header.splitlines() if line)
    missing = {"title", "summary", "keywords", "as-of", "sources"} - fields.keys()
    if missing:
        raise ValueError(f"the page {slug} has no {', '.join(sorted(missing))}")
    return Page(
        slug=slug,
        title=fields["title"],
        summary=fields["summary"],
        keywords=fields["keywords"],
        as_of=fields["as-of"],
        sources=fields["sources"],
        body=body.strip(),
    )


@dataclass(frozen=True)
class Guide:
    """All pages, with the index over them, which is made at the first search."""

    pages: tuple[Page, ...]

    def page(self, slug: str) -> Page | None:
        """The page of that name, if there is one."""
        return next((page for page in self.pages if page.slug == slug), None)

    def search(self, phrase: str, limit: int) -> tuple[SearchHit, ...]:
        """The pages that have something to do with a phrase, the best first; at most ``limit``."""
        best: dict[str, SearchHit] = {}
        for section in self._sections:
            score = self._score(section, words(phrase))
            known = best.get(section.page.slug)
            if score > 0 and (known is None or score > known.score):
                best[section.page.slug] = SearchHit(section.page, section.heading, score)
        return tuple(sorted(best.values(), key=lambda hit: -hit.score)[:limit])

    def page_for_url(self, url: str) -> Page | None:
        """The page that stands for an address: itself, or the one that names it earliest in its sources."""
        if url.startswith(SCHEME):
            return self.page(url.removeprefix(SCHEME).partition("#")[0].strip("/"))
        address = url.partition("#")[0].partition("?")[0]
        citing = [page for page in self.pages if address in page.cited]
        return min(citing, key=lambda page: page.cited.index(address), default=None)

    def closest(self, url: str) -> Page | None:
        """The page closest to an address in Aurora DSQL's documentation, by the words in it."""
        hits = self.related(url, 1) if "dsql" in url else ()
        return hits[0].page if hits else None

    def related(self, url: str, limit: int) -> tuple[SearchHit, ...]:
        """The pages closest to an address: by the page that stands for it, or by the words in it."""
        page = self.page_for_url(url)
        phrase = f"{page.title} {page.keywords}" if page else urlsplit(url).path.rpartition("/")[2]
        hits = self.search(phrase, limit + 1)
        return tuple(hit for hit in hits if hit.page is not page)[:limit]

    @cached_property
    def _sections(self) -> tuple[_Section, ...]:
        return tuple(section for page in self.pages for section in _sections(page))

    @cached_property
    def _frequencies(self) -> Counter[str]:
        return Counter(word for section in self._sections for word in section.words)

    @cached_property
    def _mean_length(self) -> float:
        return sum(section.length for section in self._sections) / max(1, len(self._sections))

    def _score(self, section: _Section, asked: Sequence[str]) -> float:
        damping = _K1 * (1 - _B + _B * section.length / self._mean_length)
        return sum(
            self._idf(word) * count * (_K1 + 1) / (count + damping)
            for word in dict.fromkeys(asked)
            if (count := section.words[word])
        )

    def _idf(self, word: str) -> float:
        having = self._frequencies[word]
        return math.log(1 + (len(self._sections) - having + 0.5) / (having + 0.5))


def words(text: str) -> list[str]:
    """The words of a text that carry meaning, lower-cased and without their endings.

    A name with underscores is a word, and so is each of its parts.
    """
    found = _WORD.findall(_QUANTITY.sub("limit", text.lower()))
    parts = [part for word in found if "_" in word for part in word.split("_")]
    return [_stem(word) for word in [*found, *parts] if word and word not in _STOP]


def _stem(word: str) -> str:
    """Take off the endings that English puts on one word: ``queries`` and ``query`` are the same."""
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) > 2), "")  # noqa: PLR2004 - shorter is no stem
    if ending and not word.endswith("ss"):
        word = word[: -len(ending)]
    return word.rstrip("e") if len(word) > len("use") else word


def _sections(page: Page) -> Iterator[_Section]:
    about = Counter(
        words(f"{page.title} {page.slug}") * _TITLE_WEIGHT + words(f"{page.summary} {page.keywords}")
    )
    for part in re.split(r"^## ", page.body, flags=re.MULTILINE):
        heading, _, body = part.partition("\n")
        if heading:
            found = about + Counter(words(heading) * _HEADING_WEIGHT + words(body))
            yield _Section(page, heading.strip(), found, sum(found.values()))
