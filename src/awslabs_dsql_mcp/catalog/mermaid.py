"""Entity relationship diagrams in Mermaid (mermaid.js.org, "Entity Relationship Diagrams")."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from awslabs_dsql_mcp.catalog.model import Column, Constraint, Page, Table
from awslabs_dsql_mcp.sql.identifiers import TableName

MAX_TABLES: Final = 100
_MAX_FULL: Final = 30  # tables; with more, only keys are drawn
_MAX_CHARACTERS: Final = 20_000  # of tables; likewise of foreign keys
_SHORT_TYPES: Final = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "character varying": "varchar",
    "character": "char",
    "double precision": "float8",
}
# Characters that Mermaid does not accept in a type or a name become underscores.
_NOT_WORD: Final = re.compile(r"[^\w]+", re.ASCII)
_MODIFIER: Final = re.compile(r"\([^)]*\)")


def diagram(page: Page) -> list[str]:
    """Draw tables, their columns and their foreign keys.

    Args:
        page: Tables with full details; views are omitted.
    """
    tables = [table for table in page.tables if table.kind == "table"]
    entities = ["\n".join(_entity(table, only_keys=len(tables) > _MAX_FULL)) for table in tables]
    if sum(map(len, entities)) > _MAX_CHARACTERS:
        entities = ["\n".join(_entity(table, only_keys=True)) for table in tables]
    drawn = _fitting(entities)
    relations = list(_relations(tables[: len(drawn)]))
    connected = _fitting(relations)
    missing = page.remaining + len(entities) - len(drawn)
    omitted = [f"%% {missing} more tables and views are not drawn"] if missing else []
    if len(connected) < len(relations):
        omitted.append(f"%% {len(relations) - len(connected)} more foreign keys are not drawn")
    return ["erDiagram", *omitted, *"\n".join(drawn).splitlines(), *connected]


def _fitting(texts: Sequence[str]) -> Sequence[str]:
    return texts[: sum(total <= _MAX_CHARACTERS for total in accumulate(len(text) + 1 for text in texts))]


def _entity(table: Table, *, only_keys: bool) -> Iterator[str]:
    roles = _roles(table.constraints)
    yield f"  {_quoted(f'{table.schema}.{table.name}')} {{"
    for column in table.columns:
        if not only_keys or column.name in roles:
            yield f"    {_attribute(column, roles.get(column.name, ''))}"
    yield "  }"


def _roles(constraints: Sequence[Constraint]) -> dict[str, str]:
    """Map columns to the keys that they belong to, as Mermaid writes them."""
    roles: dict[str, list[str]] = {}
    for kind, role in (("p", "PK"), ("f", "FK"), ("u", "UK")):
        for constraint in constraints:
            for column in constraint.columns if constraint.kind == kind else ():
                roles.setdefault(column, []).append(role)
    return {column: ", ".join(dict.fromkeys(names)) for column, names in roles.items()}


def _attribute(column: Column, role: str) -> str:
    base = _MODIFIER.sub("", column.type).replace("  ", " ")
    name = _word(column.name)
    comment = _quoted(column.name) if name != column.name else ""
    return " ".join(part for part in (_word(_SHORT_TYPES.get(base, base)), name, role, comment) if part)


def _relations(tables: Sequence[Table]) -> Iterator[str]:
    drawn = {TableName(table.schema, table.name) for table in tables}
    for table in tables:
        optional = {column.name for column in table.columns if not column.not_null}
        for key in table.constraints:
            if key.target in drawn:
                target = f"{key.target.schema}.{key.target.table}"
                one = "o|" if optional & set(key.columns) else "||"
                label = _quoted(", ".join(key.columns))
                yield f"  {_quoted(f'{table.schema}.{table.name}')} }}o--{one} {_quoted(target)} : {label}"


def _word(text: str) -> str:
    word = _NOT_WORD.sub("_", text).strip("_")
    return word if word[:1].isalpha() else f"c_{word}"


def _quoted(text: str) -> str:
    clean = "".join(c if c.isprintable() and c not in '"\\' else "'" for c in text)
    return f'"{clean}"'
