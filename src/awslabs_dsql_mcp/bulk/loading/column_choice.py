"""Choice of columns: which of a source's are loaded, and into which of the table's."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import closest
from awslabs_dsql_mcp.text import truncate

_MAX_WRITTEN: Final = 1_000  # characters of a value of ``columns``

Columns = Sequence[str] | Mapping[str, str] | None
"""Names of a source's columns to load; or the table's column for each; ``None`` for all, by their names."""


@dataclass(frozen=True)
class ColumnChoice:
    """The columns of a source that are loaded.

    Attributes:
        sources: Their names in the source.
        targets: The table's columns that they go into, by name.
        left_out: The source's columns that are not loaded.
        caution: Sentences on how their names were found, for where they do not fit.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    caution: str = ""


def choose(names: Sequence[str], columns: Columns, caution: str = "") -> ColumnChoice:
    """Choose the columns of a source.

    Args:
        names: The source's columns.
        columns: What the caller wants.
        caution: Sentences on how their names were found, for where they do not fit.

    Raises:
        RequestInvalid: The caller names a column that the source does not have.
    """
    if columns is None:
        return ColumnChoice(tuple(names), tuple(names), caution=caution)
    wanted = columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
    sources = [find_name(name, names) for name in wanted]
    if missing := [name for name, source in zip(wanted, sources, strict=True) if source is None]:
        near = closest(missing[0], names)
        guess = f"Did you mean {', '.join(near)}? " if near else ""
        pairs = zip(wanted, sources, strict=True)
        meant = [source or next(iter(closest(name, names)), "") for name, source in pairs]
        into = zip(meant, wanted.values(), strict=True)
        usable = {name: target or name for name, target in into if name}
        raise RequestInvalid(
            f"The rows have no column {', '.join(map(repr, missing[:5]))}; nothing was loaded. They have: "
            f"{_listed(names)}.",
            hint=f"{guess}Name those that they have: "
            f"{written(usable if isinstance(columns, Mapping) else list(usable))}. {caution}".rstrip(),
        )
    chosen = tuple(source for source in sources if source is not None)
    targets = tuple(target or name for name, target in wanted.items())
    return ColumnChoice(chosen, targets, tuple(name for name in names if name not in chosen), caution)


def written(columns: Mapping[str, str] | Sequence[str]) -> str:
    """Write a value of ``columns`` that can be sent, or the beginning of a long one."""
    return f"columns={truncate(json.dumps(columns, ensure_ascii=False), _MAX_WRITTEN)}"


def find_name(name: str, names: Iterable[str]) -> str | None:
    """Find a name, also one that differs by case or by space around it if it is the only one."""
    known = list(names)
    if name in known:
        return name
    alike = [one for one in known if one.strip().lower() == name.strip().lower()]
    return alike[0] if len(alike) == 1 else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "") if names else "none"  # noqa: PLR2004 - as shown


def refuse_repeated(names: Sequence[str], choice: ColumnChoice, caution: str = "") -> None:
    """Refuse a choice of a column whose name a file has twice.

    Args:
        names: The file's columns.
        choice: Those that are chosen.
        caution: Sentences on how their names were found.

    Raises:
        RequestInvalid: There is one.
    """
    twice = next((name for name in choice.sources if names.count(name) > 1), None)
    if twice:
        raise RequestInvalid(
            f"The file has two columns {twice[:80]!r}; nothing was loaded.",
            hint=f"Rename one in its first line, or list the other columns in columns. {caution}".rstrip(),
        )
