"""Edits that add our entry to a client's file, or remove it."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from awslabs_dsql_mcp.installer.formats import Format, NotEditable, Path, value_at
from awslabs_dsql_mcp.installer.launch import ServerEntry, is_ours, is_own_variable

_BOM = "\ufeff"
_COMMENTS = ("//", "/*", "#")
_ENVIRONMENTS = ("env", "envs", "environment")  # keys of a server's variables, by client


@dataclass(frozen=True)
class Put:
    """Set the value at a path."""

    path: Path
    value: object


@dataclass(frozen=True)
class Drop:
    """Remove the value at a path."""

    path: Path


Edit = Put | Drop


def with_entry(text: str, fmt: Format, path: Path, entry: ServerEntry) -> str:
    """Add an entry to a file's text.

    In an existing entry, command and arguments are replaced, and so are the variables that an installation
    sets; those of other names, and other fields, are unchanged. So are settings of the whole file that it has
    already.

    Raises:
        NotEditable: The text cannot be read, or edited without risk, or has another server at the path.
    """

    def plan(data: Mapping[str, object]) -> Iterator[Edit]:
        yield from (Put((key,), value) for key, value in entry.beside.items() if key not in data)
        yield from _install(value_at(data, path), path, entry)

    return _edit(text, fmt, plan)


def without_entry(text: str, fmt: Format, path: Path) -> str:
    """Remove the entry at a path from a file's text, and what holds nothing else; without it, all stays.

    Raises:
        NotEditable: As for ``with_entry``.
    """
    text = _edit(text, fmt, lambda data: _remove(value_at(data, path), path))
    while len(path) > 1:
        path = path[:-1]
        text = _without_empty(text, fmt, path)
    return text


def _without_empty(text: str, fmt: Format, path: Path) -> str:
    """Remove a mapping that holds nothing, not even a comment."""

    def plan(data: Mapping[str, object]) -> Iterator[Edit]:
        if value_at(data, path) == {}:
            yield Drop(path)

    without = _edit(text, fmt, plan)
    return without if _comments(without) == _comments(text) else text


def _comments(text: str) -> list[int]:
    """Count what may begin a comment; where one ends and the next begins (``*//*``), there is no ``//``."""
    apart = text.replace("*/", "*/ ")
    return [apart.count(mark) for mark in _COMMENTS]


def _install(present: object, path: Path, entry: ServerEntry) -> Iterator[Edit]:
    if present is None:
        yield Put(path, entry.full)
        return
    _require_ours(present, path)
    yield from _update(present, path, entry.required)
    yield from _variables_dropped(present, path, entry.required)


def dropped_variables(present: object, required: Mapping[str, object]) -> dict[str, list[str]]:
    """Name the variables of an earlier installation that a new one does not set, by the key of their mapping.

    Args:
        present: The entry that is there.
        required: The fields of the new one.
    """
    found = dict[str, list[str]]()
    for key in _ENVIRONMENTS:
        old, new = value_at(present, (key,)), value_at(required, (key,))
        names = cast("Mapping[str, object]", old if isinstance(old, Mapping) else {})
        kept = cast("Mapping[str, object]", new if isinstance(new, Mapping) else {})
        if gone := [name for name in names if is_own_variable(str(name)) and name not in kept]:
            found[key] = gone
    return found


def _variables_dropped(present: object, path: Path, required: Mapping[str, object]) -> Iterator[Edit]:
    for key, names in dropped_variables(present, required).items():
        old = cast("Mapping[str, object]", value_at(present, (key,)))
        if len(names) == len(old) and key not in required:
            yield Drop((*path, key))
        else:
            yield from (Drop((*path, key, name)) for name in names)


def _update(present: object, path: Path, value: object) -> Iterator[Edit]:
    """Set a value; of a mapping, only the members that differ."""
    if isinstance(present, Mapping) and isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, object]", value).items():
            yield from _update(value_at(cast("object", present), (key,)), (*path, key), inner)
    elif present != value:
        yield Put(path, value)


def _remove(present: object, path: Path) -> Iterator[Edit]:
    if present is not None:
        _require_ours(present, path)
        yield Drop(path)


def _require_ours(present: object, path: Path) -> None:
    if not isinstance(present, Mapping) or not is_ours(cast("object", present)):
        raise NotEditable(
            f"its entry {path[-1]!r} does not start this server; give ours another name with --name"
        )


def _edit(text: str, fmt: Format, plan: Callable[[Mapping[str, object]], Iterable[Edit]]) -> str:
    """Apply edits and verify that the result has these changes and no others."""
    bom, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    newline = "\r\n" if text.count("\n") == text.count("\r\n") > 0 else "\n"
    before = text.replace(newline, "\n")
    data = fmt.read(before)
    after, expected = before, deepcopy(dict(data))
    for edit in plan(data):
        after = _apply(after, fmt, edit)
        _expect(expected, edit)
    if not _reads_as(after, fmt, expected):
        raise NotEditable(f"it writes its {fmt.name} in a way that cannot be edited without risk")
    return bom + after.replace("\n", newline)


def _apply(text: str, fmt: Format, edit: Edit) -> str:
    return fmt.put(text, edit.path, edit.value) if isinstance(edit, Put) else fmt.drop(text, edit.path)


def _expect(data: dict[str, Any], edit: Edit) -> None:
    for key in edit.path[:-1]:
        if data.get(key) is None:  # YAML's empty value
            data[key] = {}
        data = data[key]
    if isinstance(edit, Put):
        data[edit.path[-1]] = edit.value
    else:
        del data[edit.path[-1]]


def _reads_as(text: str, fmt: Format, expected: Mapping[str, object]) -> bool:
    try:
        return _same(_pruned(fmt.read(text)), _pruned(expected))
    except NotEditable:
        return False


def _pruned(data: Mapping[str, object]) -> Mapping[str, object]:
    """Omit empty tables: in TOML a table without members disappears."""
    return {key: value for key, value in data.items() if value not in ({}, None)}


def _same(one: object, other: object) -> bool:
    """Compare data; a NaN, which TOML and YAML allow, equals itself."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        left, right = cast("Mapping[object, object]", one), cast("Mapping[object, object]", other)
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other
