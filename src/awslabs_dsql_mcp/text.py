"""Texts cut to size."""

_MIN_SENTENCE = 40


def truncate_sentence(text: str, longest: int) -> str:
    """Cut a text at the end of a sentence or clause, else of a word."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    end = max(cut.rfind(". "), cut.rfind("; "))
    return cut[: end + 1] if end >= _MIN_SENTENCE else cut.rpartition(" ")[0] + "…"
