"""Text made to fit: lines, sentences and lists cut to a length, and numbers with their nouns."""

from collections.abc import Sequence

_MIN_SENTENCE = 40


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
    line = text.replace("\r\n", "\n").replace("\n", "⏎").replace("\t", " ")
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
    """Make one line of a text and cut it; control characters and lone surrogates are replaced."""
    line = truncate(" ".join(text.split()), limit)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def truncate_lines(lines: Sequence[str], limit: int, noun: str = "") -> list[str]:
    """Cut a list after ``limit`` lines; one more line counts what is missing."""
    if len(lines) <= limit:
        return list(lines)
    return [*lines[:limit], f"… and {len(lines) - limit:,} more {noun}".rstrip()]


def pluralize(number: float, noun: str) -> str:
    """Write a number, rounded to a whole one, with its noun."""
    whole = round(number)
    ending = "es" if noun.endswith(("ch", "sh", "s", "x")) else "s"
    return f"{whole:,} {noun}{'' if whole == 1 else ending}"
