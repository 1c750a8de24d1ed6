"""CREATE TABLE, ALTER TABLE and CREATE DOMAIN.

Recorded on clusters: the texts for types, TEMP, UNLOGGED, PARTITION, COLLATE, DEFERRABLE, identity columns,
limits, ADD COLUMN, and the common forms of ALTER TABLE. By likeness: those for the other clauses and forms,
for EXCLUDE, COMPRESSION and ALTER DOMAIN.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, cast

from awslabs_dsql_mcp.local_cluster.dialect import column_types
from awslabs_dsql_mcp.local_cluster.dialect.model import TableName
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import (
    TOO_LARGE,
    TOO_MANY_COLUMNS,
    Refusal,
    unsupported,
)
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

MAX_COLUMNS: Final = 255
MAX_KEY_COLUMNS: Final = 8
MAX_KEY_BYTES: Final = 2_000  # declared bytes
_MIN_LARGE_CACHE: Final = 65_536

_CLAUSES: Final = {
    "partspec": "PARTITION BY clause not supported for CREATE TABLE",
    "partbound": "PARTITION OF clause not supported for CREATE TABLE",
    "inhRelations": "INHERITS clause not supported for CREATE TABLE",
    "ofTypename": "OF clause not supported for CREATE TABLE",
    "options": "WITH clause not supported for CREATE TABLE",
    "tablespacename": "TABLESPACE clause not supported for CREATE TABLE",
    "accessMethod": "USING clause not supported for CREATE TABLE",
}

_ALTERS: Final = {
    "AlterColumnType": "ALTER COLUMN ... SET DATA TYPE",
    "SetNotNull": "ALTER COLUMN ... SET NOT NULL",
    "SetStatistics": "ALTER COLUMN ... SET STATISTICS",
    "SetOptions": "ALTER COLUMN ... SET",
    "ResetOptions": "ALTER COLUMN ... RESET",
    "SetCompression": "ALTER COLUMN ... SET COMPRESSION",
    "AlterColumnGenericOptions": "ALTER COLUMN ... OPTIONS",
    "ValidateConstraint": "VALIDATE CONSTRAINT",
    "ClusterOn": "CLUSTER ON",
    "DropCluster": "SET WITHOUT CLUSTER",
    "SetAccessMethod": "SET ACCESS METHOD",
    "SetLogged": "SET LOGGED",
    "SetUnLogged": "SET UNLOGGED",
    "DropOids": "SET WITHOUT OIDS",
    "SetTableSpace": "SET TABLESPACE",
    "SetRelOptions": "SET",
    "ResetRelOptions": "RESET",
    "EnableTrig": "ENABLE TRIGGER",
    "EnableAlwaysTrig": "ENABLE ALWAYS TRIGGER",
    "EnableReplicaTrig": "ENABLE REPLICA TRIGGER",
    "DisableTrig": "DISABLE TRIGGER",
    "EnableTrigAll": "ENABLE TRIGGER ALL",
    "DisableTrigAll": "DISABLE TRIGGER ALL",
    "EnableTrigUser": "ENABLE TRIGGER USER",
    "DisableTrigUser": "DISABLE TRIGGER USER",
    "EnableRule": "ENABLE RULE",
    "EnableAlwaysRule": "ENABLE ALWAYS RULE",
    "EnableReplicaRule": "ENABLE REPLICA RULE",
    "DisableRule": "DISABLE RULE",
    "AddInherit": "INHERIT",
    "DropInherit": "NO INHERIT",
    "AddOf": "OF",
    "DropOf": "NOT OF",
    "ReplicaIdentity": "REPLICA IDENTITY",
    "EnableRowSecurity": "ENABLE ROW SECURITY",
    "DisableRowSecurity": "DISABLE ROW SECURITY",
    "ForceRowSecurity": "FORCE ROW SECURITY",
    "NoForceRowSecurity": "NO FORCE ROW SECURITY",
    "GenericOptions": "OPTIONS",
    "AttachPartition": "ATTACH PARTITION",
    "DetachPartition": "DETACH PARTITION",
    "DetachPartitionFinalize": "DETACH PARTITION ... FINALIZE",
}
"""Refused subcommands as PostgreSQL's errors name them (tablecmds.c, ``alter_table_type_to_string``)."""


def create(statement: ParsedStatement) -> Refusal | None:
    """CREATE TABLE."""
    return refused_table(statement.tree.root)


def refused_table(top: Node) -> Refusal | None:
    """Say why a table cannot be made."""
    if (temporary := refused_persistence(top["relation"], "table", "TABLE")) is not None:
        return temporary
    for clause, message in _CLAUSES.items():
        if clause in top:
            return unsupported(message)
    if top.get("oncommit", "ONCOMMIT_NOOP") != "ONCOMMIT_NOOP":
        return unsupported("ON COMMIT clause not supported for CREATE TABLE")
    columns = {column.get("colname", ""): column for column in _elements(top, "ColumnDef")}
    if len(columns) > MAX_COLUMNS:
        return Refusal(TOO_MANY_COLUMNS, f"tables can have at most {MAX_COLUMNS} columns")
    found = (refused_column(column) for column in columns.values())
    return next(filter(None, found), None) or next(_refused_constraints(top, columns), None)


def alter(statement: ParsedStatement) -> Refusal | None:
    """ALTER TABLE, and what PostgreSQL's grammar takes for it: ALTER VIEW, ALTER INDEX, ALTER TYPE."""
    kind = str(statement.tree.root.get("objtype", "OBJECT_TABLE")).removeprefix("OBJECT_").replace("_", " ")
    if kind == "TYPE":
        return unsupported("ALTER TYPE not supported")
    if kind == "VIEW":
        return None
    if statement.asynchronous and len(statement.tree.root["cmds"]) > 1:
        return unsupported("unsupported ALTER TABLE ASYNC statement")
    for place in statement.tree.find("AlterTableCmd"):
        if (found := _refused_subcommand(place.node, kind, statement)) is not None:
            return found
    return None


def dropped(tree: Tree) -> tuple[TableName, list[str], list[str]] | None:
    """The table, columns and constraints of an ALTER TABLE that drops some; ``None`` for all else."""
    if tree.kind != "AlterTableStmt" or tree.root.get("objtype") != "OBJECT_TABLE":
        return None
    commands = [place.node for place in tree.find("AlterTableCmd")]
    columns = [command["name"] for command in commands if command.get("subtype") == "AT_DropColumn"]
    constraints = [command["name"] for command in commands if command.get("subtype") == "AT_DropConstraint"]
    relation: Node = tree.root["relation"]
    table = TableName(relation.get("schemaname"), relation["relname"])
    return (table, columns, constraints) if columns or constraints else None


def domain(statement: ParsedStatement) -> Refusal | None:
    """CREATE DOMAIN."""
    if "collClause" in statement.tree.root:
        return unsupported("COLLATE clause not supported")
    return column_types.refused_column(statement.tree.root["typeName"])


def altered_domain(statement: ParsedStatement) -> Refusal | None:
    """ALTER DOMAIN: its default, and taking its constraints away."""
    what = _DOMAIN_ALTERS.get(statement.tree.root.get("subtype", ""))
    return unsupported(f"unsupported ALTER DOMAIN {what} statement") if what else None


_DOMAIN_ALTERS: Final = {"C": "ADD CONSTRAINT", "O": "SET NOT NULL", "V": "VALIDATE CONSTRAINT"}


def refused_persistence(relation: Node, what: str, command: str) -> Refusal | None:
    """Say why nothing temporary or unlogged can be made."""
    persistence = "t" if relation.get("schemaname") == "pg_temp" else relation.get("relpersistence", "p")
    if persistence == "p":
        return None
    word = "TEMPORARY or TEMP" if persistence == "t" else "UNLOGGED"
    return unsupported(f"{word} {what} not supported for CREATE {command}")


def refused_column(column: Node) -> Refusal | None:
    """Say why a table cannot have a column."""
    type_name: Node = column.get("typeName", {})
    if (found := column_types.refused_column(type_name)) is not None:
        return found
    if "collClause" in column:
        return unsupported("COLLATE clause not supported")
    if "compression" in column:
        return unsupported("COMPRESSION clause not supported")
    return next(_refused_identity(column, type_name), None)


def with_cache_size(options: object) -> bool:
    """Whether a sequence's options give a cache size that Aurora DSQL takes."""
    sizes = [
        int(constant(option.get("arg")) or 0)
        for option in (item["DefElem"] for item in _list(options))
        if option.get("defname") == "cache"
    ]
    return bool(sizes) and (sizes[-1] == 1 or sizes[-1] >= _MIN_LARGE_CACHE)


def without_cache(what: str) -> Refusal:
    """The refusal of a sequence, or identity column, without the right cache size."""
    return unsupported(
        f"{what} is not supported without an explicit cache size. "
        "please define CACHE greater than or equal to 65536 or equal to 1"
    )


def refused_key_columns(count: int) -> Refusal | None:
    """Say why a key cannot have that many columns."""
    if count <= MAX_KEY_COLUMNS:
        return None
    message = f"more than {MAX_KEY_COLUMNS} column keys in an index are not supported"
    return Refusal(TOO_MANY_COLUMNS, message)


def _refused_identity(column: Node, type_name: Node) -> Iterator[Refusal]:
    for constraint in _constraints(column):
        if constraint.get("contype") != "CONSTR_IDENTITY":
            continue
        if not with_cache_size(constraint.get("options")):
            yield without_cache("identity column")
        if column_types.builtin(type_name) != "int8":
            shown = column_types.displayed(type_name)
            yield unsupported(f"datatype {shown} not supported, identity column type must be bigint")


def _refused_constraints(top: Node, columns: dict[str, Node]) -> Iterator[Refusal]:
    if any(map(_has_deferrable_key, columns.values())):
        yield _DEFERRABLE
    inline = [(constraint, [name]) for name, column in columns.items() for constraint in _constraints(column)]
    own = [(constraint, strings(constraint.get("keys"))) for constraint in _elements(top, "Constraint")]
    for constraint, keys in inline + own:
        if constraint.get("contype") == "CONSTR_EXCLUSION":
            yield unsupported("EXCLUDE constraint not supported")
        if constraint.get("contype") in _KEYS:
            if "deferrable" in constraint:
                yield _DEFERRABLE
            key = [columns[name]["typeName"] for name in keys if name in columns]
            yield from _refused_key(key, len(keys))


_KEYS: Final = ("CONSTR_PRIMARY", "CONSTR_UNIQUE")
_DEFERRABLE: Final = unsupported("DEFERRABLE constraint not supported")


def _has_deferrable_key(column: Node) -> bool:
    kinds = [constraint.get("contype") for constraint in _constraints(column)]
    later = ("CONSTR_ATTR_DEFERRABLE", "CONSTR_ATTR_DEFERRED")
    return any(kind in _KEYS and then in later for kind, then in pairwise(kinds))


def _refused_key(type_names: list[Node], count: int) -> Iterator[Refusal]:
    if (found := refused_key_columns(count)) is not None:
        yield found
    yield from filter(None, map(column_types.refused_key, type_names))
    if sum(map(column_types.declared_length, type_names)) > MAX_KEY_BYTES:
        yield Refusal(TOO_LARGE, f"key size greater than {MAX_KEY_BYTES} bytes not supported")


def _refused_subcommand(command: Node, kind: str, statement: ParsedStatement) -> Refusal | None:
    name = str(command.get("subtype", "")).removeprefix("AT_")
    if name == "ValidateConstraint" and statement.asynchronous:
        return None
    if name in _ALTERS:
        return unsupported(f"unsupported ALTER {kind} {_ALTERS[name]} statement")
    if name == "AddColumn":
        return _refused_addition(command["def"]["ColumnDef"])
    if name == "AddConstraint":
        return _refused_constraint(command["def"]["Constraint"])
    if name == "AddIdentity" and not with_cache_size(command["def"]["Constraint"].get("options")):
        return without_cache("identity column")
    return _refused_identity_change(command) if name == "SetIdentity" else None


def _refused_addition(column: Node) -> Refusal | None:
    if "collClause" in column:
        return unsupported("COLLATE clause not supported")
    if any(constraint.get("contype") != "CONSTR_NULL" for constraint in _constraints(column)):
        return unsupported("ALTER TABLE ADD COLUMN with constraint not supported")
    return refused_column(column)


def _refused_constraint(constraint: Node) -> Refusal | None:
    kind = constraint.get("contype")
    if kind in ("CONSTR_CHECK", "CONSTR_FOREIGN") and constraint.get("skip_validation"):
        return None
    if kind == "CONSTR_UNIQUE" and "indexname" in constraint:
        return _DEFERRABLE_ADDITION if "deferrable" in constraint else None
    return unsupported("unsupported ALTER TABLE ADD CONSTRAINT statement")


_DEFERRABLE_ADDITION: Final = unsupported(
    "ALTER TABLE / ADD CONSTRAINT UNIQUE / DEFERRED / INITIALLY DEFERRED not supported"
)


def _refused_identity_change(command: Node) -> Refusal | None:
    options: Node = command.get("def", {}).get("List", {})
    items = _list(options.get("items"))
    changes_cache = any(item["DefElem"].get("defname") == "cache" for item in items)
    return without_cache("identity column") if changes_cache and not with_cache_size(items) else None


def _constraints(column: Node) -> list[Node]:
    return [item["Constraint"] for item in _list(column.get("constraints"))]


def _elements(top: Node, kind: str) -> list[Node]:
    return [item[kind] for item in _list(top.get("tableElts")) if kind in item]


def _list(items: object) -> list[Node]:
    return cast("list[Node]", items or [])
