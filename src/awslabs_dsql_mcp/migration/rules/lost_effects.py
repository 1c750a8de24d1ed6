"""Changes of rows that would lack what a left-out default, trigger or rule does to them in PostgreSQL."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.operations import outputs
from awslabs_dsql_mcp.migration.rules.tables.columns import gives_value
from awslabs_dsql_mcp.migration.script.mentions import Name, mentions, nested, qualified_name, relation_name
from awslabs_dsql_mcp.sql.definitions import column_constraints
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_EVENTS: Final = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE"}
_MAX_BODIES: Final = 100  # of functions that one statement calls


def lost_effect(conversion: Conversion, draft: ConvertedStatement) -> str | None:
    """Say why the rows of a statement would differ from PostgreSQL's, as a clause; ``None`` if not."""
    lost = conversion.lost
    if not lost:
        return None
    if draft.kind == "CopyStmt":
        table = relation_name(draft.top["relation"])
        given = strings(draft.top.get("attlist"))
        return _default(conversion, table, given) or _acting(conversion, table, "INSERT", by_copy=True)
    return next(_of_tree(conversion, {draft.kind: draft.top}), None)


def note_default(conversion: Conversion, table: Name, before: Node, after: Node, line: int) -> None:
    """Take note of a column whose default is left out.

    Args:
        conversion: The script as far as it is read.
        table: Its table.
        before: Its definition in the script.
        after: Its definition as converted.
        line: Its line.
    """
    own = conversion.lost.defaults.setdefault(table, {})
    own.pop(before["colname"], None)
    domain = qualified_name(strings(before.get("typeName", {}).get("names")) or [""])
    inherited = conversion.lost.domains.get(domain)
    if any(map(gives_value, column_constraints(after))):
        return
    if any(map(gives_value, column_constraints(before))):
        own[before["colname"]] = line
    elif inherited is not None and "arrayBounds" not in before["typeName"]:
        own[before["colname"]] = inherited


def _of_tree(conversion: Conversion, tree: object) -> Iterator[str]:
    """Iterate over the reasons of a statement, and of the bodies of functions that it calls."""
    waiting: list[tuple[str, object]] = [("", tree)]
    seen: set[str] = set()
    while waiting and len(seen) < _MAX_BODIES:
        caller, inner = waiting.pop()
        for fields in nested(inner):
            for kind in _EVENTS.keys() & fields.keys():
                yield from (f"{caller}{why}" for why in _of_change(conversion, kind, fields[kind]))
        for call in mentions(inner).calls:
            name = strings(call.get("funcname"))[-1]
            if name not in seen:
                seen.add(name)
                waiting += [(f"{name}(): ", body) for body in conversion.lost.bodies.get(name, ())]


def _of_change(conversion: Conversion, kind: str, top: Node) -> Iterator[str]:
    table, event = relation_name(top["relation"]), _EVENTS[kind]
    targets: list[Node] = [item["ResTarget"] for item in top.get("targetList", ())]
    if kind == "InsertStmt":
        why = _default(conversion, table, _given(conversion, table, top))
        if why is not None:
            yield why
        conflict: Node = top.get("onConflictClause", {})
        targets = [item["ResTarget"] for item in conflict.get("targetList", ())]
    if targets:
        set_to = [target["name"] for target in targets if not _is_default(target["val"])]
        others = [name for name in _lost(conversion, table) if name not in {t["name"] for t in targets}]
        if (why := _default(conversion, table, [*set_to, *others])) is not None:
            yield why
        changed = frozenset(target["name"] for target in targets)
        if (why := _acting(conversion, table, "UPDATE", changed)) is not None:
            yield why
    if event != "UPDATE" and (why := _acting(conversion, table, event)) is not None:
        yield why


def _is_default(value: Node) -> bool:
    """Say if an assigned value is DEFAULT, alone or in its place of a row."""
    assigned: Node = value.get("MultiAssignRef", {})
    row: list[Node] = assigned.get("source", {}).get("RowExpr", {}).get("args", [])
    at = int(assigned.get("colno", 1)) - 1
    return "SetToDefault" in (row[at] if at < len(row) else value)


def _given(conversion: Conversion, table: Name, top: Node) -> list[str]:
    """List the columns that an INSERT gives values for."""
    names: list[str] = [item["ResTarget"]["name"] for item in top.get("cols", ())]
    made = conversion.tables.get(table)
    known = list(made.names) if made else list(conversion.source.tables.get(table, {}))
    order = names or conversion.view_columns.get(table) or known
    query: Node = top.get("selectStmt", {})
    rows: list[Node] = query.get("SelectStmt", {}).get("valuesLists", [])
    if not query:
        return []
    if not rows:
        return order[: len(names) or len(outputs(conversion, query))]
    values = [cast("list[dict[str, Any]]", row["List"]["items"]) for row in rows]
    width = min(map(len, values))
    return [
        name for at, name in enumerate(order[:width]) if not any("SetToDefault" in row[at] for row in values)
    ]


def _lost(conversion: Conversion, table: Name) -> dict[str, int]:
    lost = conversion.lost
    return {column: at for name in lost.base(table) for column, at in lost.defaults.get(name, {}).items()}


def _default(conversion: Conversion, table: Name, given: Sequence[str]) -> str | None:
    for column, line in _lost(conversion, table).items():
        if column not in given:
            return (
                f"{column} is not given, and its DEFAULT of line {line} is left out: write the value that "
                "PostgreSQL gives it"
            )
    return None


def _acting(
    conversion: Conversion,
    table: Name,
    event: str,
    columns: frozenset[str] = frozenset(),
    *,
    by_copy: bool = False,
) -> str | None:
    acting = conversion.lost.acting(table, event, columns, by_copy=by_copy)
    if acting is None or conversion.settings.is_replica:
        return None
    noun = " ".join(acting.split()[:2])  # "the trigger"
    return (
        f"in PostgreSQL {acting} acts on it, which is left out: write what {noun} does into the script; then "
        f"remove {noun}, or move it behind this statement"
    )
