"""Tables of TOML texts set and taken out, comments and order left alone.

A new table goes to the end, where it cannot change the meaning of what is there; tomlkit changes single
values in place. What is taken out is cut by its lines: a comment above the next table stays.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from awslabs_dsql_mcp.installer.formats import Format, NotEditable, Path, value_at

# TOML 1.0, "String", "Comment", "Array": what may hold a line break or a bracket that means nothing.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|\n|[\[\]{}]|[^\[\]{}"\'#\n]+',
    re.DOTALL,
)


def read(text: str) -> Mapping[str, object]:
    """Read a text as data."""
    return cast("dict[str, object]", _document(text).unwrap())


def put(text: str, path: Path, value: object) -> str:
    """Give the text with a value at a path: a mapping that is new stands at the end, as a table."""
    if isinstance(value, dict) and value_at(read(text), path) is None:
        appended = text + _gap(text) + _table(path, cast("dict[str, object]", value))
        if _parses(appended):
            return appended
    document = _document(text)
    here: Any = document
    for key in path[:-1]:
        here = here.setdefault(key, tomlkit.table())
    here[path[-1]] = value if isinstance(value, dict) else tomlkit.parse(f"x = {_written(value)}")["x"]
    return tomlkit.dumps(document)


def drop(text: str, path: Path) -> str:
    """Give the text without the table or the value at a path."""
    if value_at(read(text), path) is None:
        return text
    cut = "".join(_without(text, path))
    if _parses(cut) and value_at(read(cut), path) is None:
        return cut
    document = _document(text)
    here: Any = document
    for key in path[:-1]:
        here = here[key]
    del here[path[-1]]
    return tomlkit.dumps(document)


TOML = Format("TOML", read, put, drop)


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:
        reason = str(error).split("\n", maxsplit=1)[0] or type(error).__name__
        raise NotEditable(f"it is not TOML: {reason}") from None


def _parses(text: str) -> bool:
    try:
        _document(text)
    except NotEditable:
        return False
    return True


def _gap(text: str) -> str:
    if not text or text.endswith("\n\n"):
        return ""
    return "\n" if text.endswith("\n") else "\n\n"


def _table(path: Path, value: Mapping[str, object]) -> str:
    """Write a table, its own values first, then the tables in it."""
    tables = {k: cast("dict[str, object]", v) for k, v in value.items() if isinstance(v, dict)}
    plain = {k: v for k, v in value.items() if k not in tables}
    lines = [f"[{'.'.join(map(_key, path))}]", *(f"{_key(k)} = {_written(v)}" for k, v in plain.items()), ""]
    own = "\n".join(lines)
    inner = (_table((*path, k), v) for k, v in tables.items())
    return "\n".join((own, *inner))


def _key(key: str) -> str:
    return tomlkit.key(key).as_string()


def _written(value: object) -> str:
    if isinstance(value, list):
        items = "".join(f"  {_written(item)},\n" for item in cast("list[object]", value))
        return f"[\n{items}]" if items else "[]"
    return tomlkit.item(value).as_string()


@dataclass(frozen=True)
class _Statement:
    """A line, or the lines of a value that goes over several.

    Attributes:
        text: The text, line break included.
        header: The path of the table that it begins, if it begins one.
    """

    text: str
    header: Path | None

    @property
    def is_remark(self) -> bool:
        return not self.text.strip() or self.text.lstrip().startswith("#")


def _statements(text: str) -> Iterator[_Statement]:
    held, depth = "", 0
    for match in _TOKEN.finditer(text):
        piece = match.group()
        held += piece
        depth += (piece in "[{") - (piece in "]}")
        if piece == "\n" and not depth:
            yield _Statement(held, _header(held))
            held = ""
    if held:
        yield _Statement(held, _header(held))


def _header(text: str) -> Path | None:
    """Name the table whose header this is."""
    if not text.lstrip().startswith("["):
        return None
    data, path = cast("Any", _document(text).unwrap()), list[str]()
    while data:
        if isinstance(data, list):
            data = data[0]  # pyright: ignore[reportUnknownVariableType] - any data
            continue
        key, data = next(iter(data.items()))  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType,reportUnknownVariableType] - any data
        path.append(str(key))  # pyright: ignore[reportUnknownArgumentType] - any data
    return tuple(path)


def _without(text: str, path: Path) -> Iterator[str]:
    """Leave out the tables below a path, but not the remarks that stand behind their last value."""
    inside, pending = False, list[str]()
    for statement in _statements(text):
        if statement.header is not None:
            was_inside, inside = inside, statement.header[: len(path)] == path
            if not (was_inside and inside):
                yield from _spaced(pending) if was_inside else ()
            pending = []
        if not inside:
            yield statement.text
        elif statement.is_remark:
            pending.append(statement.text)
        else:
            pending = []
    yield from _spaced(pending)


def _spaced(remarks: list[str]) -> list[str]:
    """Leave out the blank lines that only set the table apart."""
    first = next((i for i, remark in enumerate(remarks) if remark.strip()), len(remarks))
    return remarks[first:]
