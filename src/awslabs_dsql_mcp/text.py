"""Text made to fit: others' text on one line, lines and lists cut to a length, numbers with their nouns."""

import json
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NewType

Shown = NewType("Shown", str)
"""Text as an answer shows it: no line of it begins with another's words, and nothing in it is hidden."""

MAX_LINE: Final = 20_000
"""Characters of a line of an answer; of a longer one the middle is left out."""

_MIN_SENTENCE = 40
_TAIL: Final = 300  # characters that a line which is cut in its middle keeps of its end
_LINE_BREAKS: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # those of str.splitlines
# Control characters but line feed and tab, separators of lines, surrogates, annotations, format controls, and
# what is ignored in display (Unicode Standard, section 5.21). U+200C, U+200D, U+FE0E, U+FE0F are of words and
# emoji, and stay.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def escape(text: str) -> str:
    r"""Write what does not show, and what cannot be encoded, as JSON writes it: ``\u001b``.

    Line feeds and tabs stay. JSON that is escaped says the same as before.
    """
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def fault_of(error: OSError) -> str:
    """Word a fault of the operating system: the file, and what the system says of it; no number."""
    return ": ".join(str(word) for word in (error.filename, error.strerror) if word) or str(error)


def as_line(text: str, limit: int = MAX_LINE) -> Shown:
    """Write a text on one line: line breaks are marked, hidden characters escaped, the middle cut.

    Args:
        text: Any text; nothing in it can begin a line.
        limit: Characters that are kept, at most.
    """
    line = escape(_LINE_BREAKS.sub("⏎", text))
    if len(line) <= limit:
        return Shown(line)
    tail = min(_TAIL, limit // 3)
    return Shown(f"{line[: limit - tail]}… ({len(line):,} characters) …{line[len(line) - tail :]}")


def truncate(text: str, limit: int) -> str:
    """Cut a text to at most ``limit`` characters, the last of them an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def truncate_counted(text: str, limit: int) -> str:
    """Cut a text after ``limit`` characters and add the length of the whole."""
    return text if len(text) <= limit else mark_cut(text[:limit], len(text))


def truncate_middle(text: str, limit: int) -> str:
    """Cut characters out of the middle of a text that is longer than the limit, and say how many."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} …[{len(text) - 2 * half:,} characters left out]… {text[-half:]}"


def visible_line(text: str) -> str:
    """Make one line of a text that nothing is lost of: line ends as ⏎, other invisible characters escaped."""
    line = escape(text.replace("\r\n", "\n").replace("\n", "⏎").replace("\t", " "))
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def mark_cut(shown: str, length: int) -> str:
    """Add to the beginning of a text that it is cut, and the number of characters of the whole."""
    return f"{shown}… ({length:,} characters)"


def truncate_sentence(text: str, limit: int) -> str:
    """Cut a text, as one line, at the end of a sentence or clause, else of a word."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    end = max(cut.rfind(". "), cut.rfind("; "))
    return cut[: end + 1] if end >= _MIN_SENTENCE else cut.rpartition(" ")[0] + "…"


def one_line(text: str, limit: int = 80) -> str:
    """Make one line of a text, with single spaces, and cut it; hidden characters are escaped."""
    head = text[: 10 * limit + 10_000]  # of megabytes, no more is looked at than can be shown
    line = escape(" ".join(head.split()))
    return truncate(line if len(head) == len(text) else f"{line}…", limit)


def truncate_lines(
    lines: Sequence[str], limit: int, noun: str = "", *, characters: int = MAX_LINE
) -> list[str]:
    """Cut a list after ``limit`` lines, or so many characters; one more line counts what is missing."""
    fitting = sum(total <= characters for total in accumulate(map(len, lines[:limit])))
    shown = list(lines[: max(1, fitting)])
    left = len(lines) - len(shown)
    return [*shown, f"… and {left:,} more {noun}".rstrip()] if left else shown


def pluralize(number: float, noun: str) -> str:
    """Write a number, rounded to a whole one, with its noun."""
    whole = round(number)
    ending = "es" if noun.endswith(("ch", "sh", "s", "x")) else "s"
    return f"{whole:,} {noun}{'' if whole == 1 else ending}"
