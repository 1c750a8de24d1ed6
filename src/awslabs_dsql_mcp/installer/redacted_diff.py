"""Diffs of configuration files without secrets.

A client's file has keys and tokens of other servers, and a line may have more than our change. Only changed
lines are shown, and in them only words of our entry; values of variables only if they are not secret.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.terminal import coloured

_HIDDEN = "***"
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s"\'{}\[\],:=]+')
_STRUCTURE = frozenset({"true", "false", "null", "-", "|", ">"})
_PUBLIC_VARIABLES = frozenset({"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"}) | {
    variable for option in OPTIONS for variable in option.variables
}


def redacted_diff(before: str, after: str, name: str, visible: Iterable[object]) -> str:
    """Write a unified diff without context.

    Args:
        before: The text before.
        after: The text after.
        name: The file's name, for the header.
        visible: Keys and our entries as data: the words that may be shown.
    """
    ours = {word for item in visible for word in _words(item)}
    words = ours | {piece for word in ours for piece in _WORD.findall(word)} | _STRUCTURE
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=0, lineterm="")
    return "\n".join(line if place < 2 else _mask(line, words) for place, line in enumerate(lines))  # noqa: PLR2004 - the head


def in_colours(diff: str) -> str:
    """Write a diff as a terminal shows it: what goes in red, what comes in green."""
    colours = {"+": "green", "-": "red", "@": "dim"}
    return "\n".join(
        coloured(line, "bold" if place < 2 else colours[line[0]])  # noqa: PLR2004 - the head
        for place, line in enumerate(diff.splitlines())
    )


def _words(item: object) -> Iterator[str]:
    if isinstance(item, Mapping):
        for key, value in cast("Mapping[str, object]", item).items():
            yield key
            if key in {"env", "envs", "environment"} and isinstance(value, Mapping):
                yield from _variables(cast("Mapping[str, object]", value))
            else:
                yield from _words(value)
    elif isinstance(item, list):
        for inner in cast("list[object]", item):
            yield from _words(inner)
    else:
        yield str(item)


def _variables(env: Mapping[str, object]) -> Iterator[str]:
    for key, value in env.items():
        yield key
        if key in _PUBLIC_VARIABLES:
            yield str(value)


def _mask(line: str, words: set[str]) -> str:
    if line.startswith("@@"):
        return line
    return line[0] + _WORD.sub(lambda match: _mask_word(match.group(), words), line[1:])


def _mask_word(word: str, words: set[str]) -> str:
    quote = word[0] if word[0] in "\"'" else ""
    bare = word[1:-1].replace("\\\\", "\\") if quote else word
    parts = bare.strip("[]").split(".") if not quote else [bare]  # a table's name in TOML
    return word if bare in words or all(part in words for part in parts) else f"{quote}{_HIDDEN}{quote}"
