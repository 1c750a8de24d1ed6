"""The fenced blocks of the documents, and the command lines in them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# The guide and the skill have tests of their own (tests/integration/documentation/test_guide_sql.py).
_DOCUMENTS: Final = (*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob("packaging/*.md"))
# Within sentences the program's own commands stand without its name, too.
_COMMAND: Final = re.compile(r"(?:awslabs-dsql-mcp|uvx|uv tool|uv cache|local|clusters|roles) ")
_SHORT: Final = re.compile(r"^(local|clusters|roles)(?= )")


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        document: The path of its document.
        language: What it says to be written in; empty if nothing.
        text: Its lines.
    """

    document: str
    language: str
    text: str


BLOCKS: Final = tuple(
    Block(path.relative_to(TOP).as_posix(), *found)
    for path in _DOCUMENTS
    for found in _BLOCK.findall(path.read_text(encoding="utf-8"))
)


def block(document: str, language: str) -> str:
    """The one block of a document in a language."""
    (found,) = (each.text for each in BLOCKS if (each.document, each.language) == (document, language))
    return found


def lines(text: str) -> list[str]:
    """The command lines of a block, each whole."""
    return [line.rstrip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def commands() -> list[str]:
    """The command lines of README and ``docs/``, each once, with those of the program within sentences."""
    pages = [path for path in _DOCUMENTS if path.name == "README.md" and path.parent == TOP]
    pages += [path for path in _DOCUMENTS if path.parent == TOP / "docs"]
    names = {path.relative_to(TOP).as_posix() for path in pages}
    shown = [
        line
        for each in BLOCKS
        if each.document in names and each.language == "sh"
        for line in lines(each.text)
    ]
    prose = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", re.sub(_BLOCK, "", prose)))
    said = [span for span in spans if _COMMAND.match(span) and "…" not in span]
    said = [_SHORT.sub(r"awslabs-dsql-mcp \1", span) for span in said]
    return list(dict.fromkeys([*shown, *(span for span in said if not any(span in line for line in shown))]))


def line_with(*words: str) -> str:
    """The one command line that has these words."""
    found = [line for line in commands() if all(word in line for word in words)]
    assert len(found) == 1, (words, found)
    return found[0]
