"""Texts cut to size."""

_SHORTEST_ADVICE = 40


def clip(text: str, longest: int) -> str:
    """Cut a text at the end of a sentence or clause, else of a word."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    end = max(cut.rfind(". "), cut.rfind("; "))
    return cut[: end + 1] if end >= _SHORTEST_ADVICE else cut.rpartition(" ")[0] + "…"
