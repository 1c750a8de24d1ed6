"""Settings of a session at a place in a script: SET, RESET and set_config, read and written again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.lint.part import Part
from awslabs_dsql_mcp.migration.script.settings import session_calls
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.parse_tree import Node, constant

_LOCAL: Final = re.compile(r"\bLOCAL\s+", re.IGNORECASE)
_TRUE: Final = frozenset(("t", "true", "on", "yes", "y", "1"))


@dataclass(frozen=True)
class Change:
    """A change of a setting.

    Attributes:
        name: The setting, in lower case; empty for all.
        statement: The change as one of the session.
        is_reset: It is the default then.
        is_local: It is for the transaction alone.
    """

    name: str
    statement: str
    is_reset: bool
    is_local: bool = False


@dataclass
class SessionValues:
    """Settings of the session that are not the defaults, each with the statement that sets it."""

    _statements: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def any_set(self) -> bool:
        """Some setting is not the default."""
        return bool(self._statements)

    def take(self, part: Part) -> Part:
        """Take what a part changes for the session, and give the part back."""
        for change in changes(part):
            if not change.name:
                self._statements.clear()
            elif change.is_local:
                continue
            elif change.is_reset:
                self._statements.pop(change.name, None)
            else:
                self._statements[change.name] = change.statement
        return part

    def restored(self, name: str) -> str:
        """Write the statement that gives a setting the session's value again."""
        return self._statements.get(name) or f"RESET {name}"


def changes(part: Part) -> tuple[Change, ...]:
    """Read the changes of settings that a part of the fixed script makes."""
    if part.queries == () or (part.item.meta and part.queries is None) or part.statements:
        return ()
    if part.queries is not None:
        return (Change("", "RESET ALL", is_reset=True),) if part.queries[0].startswith("RESET ALL") else ()
    tree = part.tree
    if tree is not None and tree.kind == "VariableSetStmt":
        return tuple(_set(tree.root, part.item.text))
    return tuple(_configured(tree.root)) if tree is not None and tree.kind == "SelectStmt" else ()


def _set(top: Node, text: str) -> Iterator[Change]:
    kind, name = str(top.get("kind")), str(top.get("name", "")).lower()
    if kind == "VAR_RESET_ALL" or name:
        is_local = bool(top.get("is_local"))
        written = _LOCAL.sub("", text, count=1) if is_local else text
        yield Change(name, written, is_reset=kind != "VAR_SET_VALUE", is_local=is_local)


def _configured(top: Node) -> Iterator[Change]:
    for arguments in session_calls(top) or ():
        given = [constant(argument.get("TypeCast", {}).get("arg") or argument) for argument in arguments]
        name, value, is_local = (str(given[0]).lower(), given[1], str(given[2]).lower() in _TRUE)
        literal = "NULL" if value is None else deparse.literal(value)
        written = f"SELECT set_config({deparse.literal(name)}, {literal}, false)"
        yield Change(name, written, is_reset=value is None, is_local=is_local)
