"""Text shortened for display."""

_MIN_SENTENCE = 40


def truncate_sentence(text: str, limit: int) -> str:
    """Shorten a text to a limit, at the end of a sentence or clause, else of a word."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    end = max(cut.rfind(". "), cut.rfind("; "))
    return cut[: end + 1] if end >= _MIN_SENTENCE else cut.rpartition(" ")[0] + "…"
