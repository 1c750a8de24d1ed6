"""Partitions of a script's tables: one plain table holds the rows of all.

(PostgreSQL documentation, "Table Partitioning": a key of the table has the columns that it is partitioned by,
so that it is a key of all rows together.)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from awslabs_dsql_mcp.dsql.types import SERIAL_TYPES
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import column_constraints, table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node, strings


@dataclass(frozen=True)
class Partitions:
    """The partitions of tables that a script makes.

    Attributes:
        roots: For a partition, the table whose rows it has a part of, over all levels.
        columns: For such a table, the names of its columns in order.
        own: For a partition, what its CREATE TABLE has and that of its table has not, as SQL: constraints,
            and columns that differ.
        lines: For a partition, the line of its CREATE TABLE.
        attached: Indexes and keys of partitions that are part of one of the table's.
        with_defaults: Tables and partitions with columns that have a default.
    """

    roots: dict[Name, Name] = field(default_factory=dict[Name, Name])
    columns: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    own: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    lines: dict[Name, int] = field(default_factory=dict[Name, int])
    attached: set[Name] = field(default_factory=set[Name])
    with_defaults: set[Name] = field(default_factory=set[Name])


def partitions(statements: Sequence[ScriptStatement]) -> Partitions:
    """Find the partitions of a script."""
    found = Partitions()
    parents: dict[Name, Name] = {}
    tables: dict[Name, ScriptStatement] = {}
    for statement in statements:
        top = statement.tree
        if statement.kind == "CreateStmt":
            table = relation_name(top["relation"])
            tables.setdefault(table, statement)
            if "partbound" in top:
                parents[table] = relation_name(top["inhRelations"][0]["RangeVar"])
            if any(map(_has_default, table_elements(top, "ColumnDef"))):
                found.with_defaults.add(table)
        elif statement.kind == "AlterTableStmt":
            _alter(found, parents, top)
    for partition in parents.keys() & tables.keys():
        root = partition
        for _ in parents:
            root = parents.get(root, root)
        if root in tables and "partspec" in tables[root].tree:
            found.roots[partition] = root
            found.columns[root] = _names(tables[root].tree)
            found.own[partition] = _own(tables[partition].tree, tables[root].tree)
            found.lines[partition] = tables[partition].item.line
    return found


def _alter(found: Partitions, parents: dict[Name, Name], top: Node) -> None:
    table = relation_name(top["relation"])
    for item in top["cmds"]:
        command: Node = item["AlterTableCmd"]
        if command["subtype"] == "AT_ColumnDefault":
            found.with_defaults.add(table)
        elif command["subtype"] == "AT_AttachPartition":
            attached = relation_name(command["def"]["PartitionCmd"]["name"])
            if top.get("objtype") == "OBJECT_INDEX":
                found.attached.add(attached)
            else:
                parents[attached] = table


def _own(partition: Node, root: Node) -> list[str]:
    with_columns = "partbound" not in partition
    if with_columns and _names(partition) != _names(root):
        return ["its columns in another order"]
    whole = set(_parts(root, with_columns=with_columns))
    return [part for part in _parts(partition, with_columns=with_columns) if part not in whole]


def _names(table: Node) -> list[str]:
    return [column["colname"] for column in table_elements(table, "ColumnDef")]


def redirect(statements: Iterable[ScriptStatement], found: Partitions) -> Iterator[ScriptStatement]:
    """Let rows that are added to a partition be added to its table, where that gives them the same values."""
    for statement in statements:
        top = statement.tree
        is_copy = statement.kind == "CopyStmt" and top.get("is_from")
        if statement.kind != "InsertStmt" and not is_copy:
            yield statement
            continue
        partition = relation_name(top["relation"])
        root = found.roots.get(partition)
        if root is None or not _is_same_row(found, top, partition, root):
            yield statement
            continue
        top["relation"]["schemaname"], top["relation"]["relname"] = root
        note = f"into {root[1]}, which has the rows of its partition {partition[1]}"
        yield replace(statement, text=None, note=note)


def _is_same_row(found: Partitions, top: Node, partition: Name, root: Name) -> bool:
    listed = strings(top.get("attlist")) or [item["ResTarget"]["name"] for item in top.get("cols", ())]
    return set(listed) == set(found.columns[root]) or found.with_defaults.isdisjoint((partition, root))


def _has_default(column: Node) -> bool:
    kinds = {constraint.get("contype") for constraint in column_constraints(column)}
    serial = not SERIAL_TYPES.keys().isdisjoint(strings(column.get("typeName", {}).get("names")))
    return serial or not kinds.isdisjoint(("CONSTR_DEFAULT", "CONSTR_IDENTITY"))


def _parts(top: Node, *, with_columns: bool) -> Iterator[str]:
    for item in top.get("tableElts", ()):
        column: Node = item.get("ColumnDef", {})
        if "Constraint" in item:
            yield _written({"Constraint": item["Constraint"]})
        elif with_columns and column:
            yield _written({"ColumnDef": {key: column[key] for key in column if key != "constraints"}})
        for constraint in column_constraints(column):
            if constraint["contype"] not in ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_NULL"):
                yield f"{column['colname']} {_written({'Constraint': constraint})}"


def _written(element: Node) -> str:
    """Write an element of a table as SQL, whatever its place in the script."""
    relation: Node = {"relname": "x", "inh": True, "relpersistence": "p"}
    top: Node = {"relation": relation, "tableElts": [element], "oncommit": "ONCOMMIT_NOOP"}
    return deparse.deparse("CreateStmt", top)
