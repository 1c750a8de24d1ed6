"""Sequences of a script that become identities of the columns that take their defaults from them.

A dump writes a serial as a table, a sequence, and a default. It is one identity if nothing else can tell: the
sequence serves one column, nothing used either before they were joined, and the default stays.
"""

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from awslabs_dsql_mcp.dsql.limits import MAX_IDENTIFIER_BYTES
from awslabs_dsql_mcp.migration.analysis.uses import ANY_TABLE, Uses
from awslabs_dsql_mcp.migration.script.mentions import Name, object_name, qualified_name, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.definitions import column_constraints, is_whole_number, option, table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node, strings


class IdentityColumn(NamedTuple):
    """The column that a sequence becomes the identity of.

    Attributes:
        table: Its table.
        column: Its name.
        at: Place of the statement that sets the default.
    """

    table: Name
    column: str
    at: int


def identities(
    statements: Sequence[ScriptStatement],
    used: Uses,
    relations: Container[Name],
    partitions: Container[Name],
) -> dict[Name, IdentityColumn]:
    """Find the sequences and their columns.

    Args:
        statements: The script.
        used: What its statements do with tables.
        relations: Tables, views and sequences that it makes.
        partitions: Tables that it makes partitions of others, which are left out.
    """
    changed: dict[tuple[Name, str], list[int]] = {}
    made = {
        relation_name(statement.tree["sequence"]): at
        for at, statement in enumerate(statements)
        if statement.kind == "CreateSeqStmt"
    }
    if not made:
        return {}
    defaults: dict[Name, list[IdentityColumn]] = {name: [] for name in made}
    others: dict[Name, list[tuple[int, ScriptStatement]]] = {name: [] for name in made}
    for at, statement in enumerate(statements):
        for column in changed_defaults(statement):
            changed.setdefault(column, []).append(at)
        own = {sequence: column for sequence, column in _defaults(statement, at) if sequence in made}
        for sequence, column in own.items():
            defaults[sequence].append(column)
        for name in {name for name in _named(statement) if name in made and name not in own}:
            if at > made[name]:
                others[name].append((at, statement))
    return {
        name: found[0]
        for name, found in defaults.items()
        if len(found) == 1
        and found[0].table not in partitions
        and changed[found[0].table, found[0].column][-1] == found[0].at
        and (name == (own := _own_name(found[0])) or own not in relations)
        and _joins(statements, used, made[name], found[0], others[name])
    }


def _defaults(statement: ScriptStatement, at: int) -> Iterator[tuple[Name, IdentityColumn]]:
    if statement.kind != "AlterTableStmt":
        return
    for item in statement.tree["cmds"]:
        command: Node = item["AlterTableCmd"]
        call: Node = command.get("def", {}).get("FuncCall", {})
        if command["subtype"] == "AT_ColumnDefault" and strings(call.get("funcname"))[-1:] == ["nextval"]:
            for name, _ in statement.mentions.sequences:
                yield name, IdentityColumn(relation_name(statement.tree["relation"]), command["name"], at)


def changed_defaults(statement: ScriptStatement) -> Iterator[tuple[Name, str]]:
    """Iterate over the columns that a statement gives another default."""
    if statement.kind == "AlterTableStmt":
        for item in statement.tree["cmds"]:
            command: Node = item["AlterTableCmd"]
            if command["subtype"] in ("AT_ColumnDefault", "AT_AddIdentity", "AT_DropIdentity"):
                yield relation_name(statement.tree["relation"]), command["name"]


def _named(statement: ScriptStatement) -> Iterator[Name]:
    """Iterate over what a statement names and a sequence might be."""
    if statement.kind == "CreateSeqStmt":
        return
    yield from (name for name, _ in statement.mentions.sequences)
    yield from map(relation_name, statement.mentions.relations)
    for item in (statement.tree.get("object", {}), *statement.tree.get("objects", ())):
        if parts := object_name(item):
            yield qualified_name(parts)


def _joins(
    statements: Sequence[ScriptStatement],
    used: Uses,
    sequence: int,
    column: IdentityColumn,
    others: list[tuple[int, ScriptStatement]],
) -> bool:
    table = _table(statements, column)
    if table is None or len(_own_name(column)[1].encode()) > MAX_IDENTIFIER_BYTES:
        return False
    if not _is_owned(statements[sequence], others) or _is_retyped(statements, column):
        return False
    return (
        all(_is_harmless(statement, at, table, column) for at, statement in others)
        and not any(
            use.effect == "change" if use.table == ANY_TABLE else not use.gives(column.column)
            for use in used.between(column.table, table, column.at)
        )
        and sequence < column.at
    )


def _own_name(column: IdentityColumn) -> Name:
    """Name the sequence that the identity of a column is given."""
    return column.table[0], f"{column.table[1]}_{column.column}_seq"


def _is_owned(made: ScriptStatement, others: list[tuple[int, ScriptStatement]]) -> bool:
    """Say if a sequence is dropped with a column, as that of a serial is."""
    altered = (statement for _, statement in others if statement.kind == "AlterSeqStmt")
    return any(
        option(statement.tree.get("options"), "owned_by") is not None for statement in (made, *altered)
    )


def _is_retyped(statements: Sequence[ScriptStatement], column: IdentityColumn) -> bool:
    """Say if a column is given a type that an identity cannot have."""
    return any(
        item["AlterTableCmd"]["subtype"] == "AT_AlterColumnType"
        and item["AlterTableCmd"]["name"] == column.column
        and not is_whole_number(item["AlterTableCmd"]["def"]["ColumnDef"]["typeName"])
        for statement in statements
        if statement.kind == "AlterTableStmt" and relation_name(statement.tree["relation"]) == column.table
        for item in statement.tree["cmds"]
    )


def _table(statements: Sequence[ScriptStatement], column: IdentityColumn) -> int | None:
    """Find the CREATE TABLE of a column of whole numbers."""
    for at in range(column.at - 1, -1, -1):
        statement = statements[at]
        if statement.kind == "CreateStmt" and relation_name(statement.tree["relation"]) == column.table:
            columns = table_elements(statement.tree, "ColumnDef")
            own = [c for c in columns if c["colname"] == column.column and _is_required_integer(c)]
            return at if own and not statement.tree.get("if_not_exists") else None
    return None


def _is_required_integer(column: Node) -> bool:
    kinds = {constraint.get("contype") for constraint in column_constraints(column)}
    required = not kinds.isdisjoint(("CONSTR_NOTNULL", "CONSTR_PRIMARY"))
    return required and is_whole_number(column.get("typeName", {}))


def _is_harmless(statement: ScriptStatement, at: int, table: int, column: IdentityColumn) -> bool:
    if statement.kind == "AlterSeqStmt":
        owned = option(statement.tree.get("options"), "owned_by") is not None
        return owned if at < column.at else True
    if statement.kind == "SelectStmt":
        called = [strings(call.get("funcname"))[-1] for call in statement.mentions.calls]
        return called == ["setval"] and at > column.at
    if statement.kind == "AlterTableStmt":
        return all(item["AlterTableCmd"]["subtype"] == "AT_ChangeOwner" for item in statement.tree["cmds"])
    return statement.kind == "AlterOwnerStmt" or (
        statement.kind in ("CommentStmt", "GrantStmt") and at > table
    )
