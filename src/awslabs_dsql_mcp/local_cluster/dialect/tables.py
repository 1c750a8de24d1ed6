"""CREATE TABLE, ALTER TABLE and CREATE DOMAIN.

Recorded on clusters: the texts for types, TEMP, UNLOGGED, PARTITION, COLLATE, DEFERRABLE, identity columns,
limits, ADD COLUMN, and the common forms of ALTER TABLE. By likeness: those for the other clauses and forms,
for EXCLUDE, COMPRESSION and ALTER DOMAIN.
"""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.alter_table import refused_form
from awslabs_dsql_mcp.dsql.clauses import COLUMN_CLAUSES, KEY_CLAUSES, TABLE_CLAUSES, clauses_in
from awslabs_dsql_mcp.dsql.objects import OBJECTS, object_kind
from awslabs_dsql_mcp.dsql.unsupported import DOMAIN_FORMS
from awslabs_dsql_mcp.local_cluster.dialect import column_types
from awslabs_dsql_mcp.local_cluster.dialect.model import TableName
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import (
    INVALID_PARAMETER,
    TOO_LARGE,
    TOO_MANY_COLUMNS,
    Refusal,
    unsupported,
)
from awslabs_dsql_mcp.sql.definitions import (
    Key,
    column_constraints,
    has_cache_size,
    is_builtin,
    keys,
    option,
    table_elements,
)
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement


def create(statement: ParsedStatement) -> Refusal | None:
    """CREATE TABLE."""
    return refused_table(statement.tree.root)


def refused_table(top: Node) -> Refusal | None:
    """Say why a table cannot be made."""
    if (temporary := refused_persistence(top["relation"], "table", "TABLE")) is not None:
        return temporary
    for clause in clauses_in(top, TABLE_CLAUSES):
        return unsupported(f"{clause.spelled} clause not supported for CREATE TABLE")
    if top.get("oncommit", "ONCOMMIT_NOOP") != "ONCOMMIT_NOOP":
        return unsupported("ON COMMIT clause not supported for CREATE TABLE")
    columns = {column.get("colname", ""): column for column in table_elements(top, "ColumnDef")}
    if len(columns) > limits.MAX_COLUMNS:
        return Refusal(TOO_MANY_COLUMNS, f"tables can have at most {limits.MAX_COLUMNS} columns")
    found = (refused_column(column) for column in columns.values())
    return next(filter(None, found), None) or next(_refused_constraints(top, columns), None)


def alter(statement: ParsedStatement) -> Refusal | None:
    """ALTER TABLE, and what PostgreSQL's grammar takes for it: ALTER VIEW, ALTER INDEX, ALTER TYPE."""
    kind = object_kind(statement.tree.root).replace("_", " ")
    if kind == "TYPE":
        return unsupported("ALTER TYPE not supported")
    if kind not in OBJECTS:
        return unsupported(f"unsupported ALTER {kind} statement")
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


def edits(statement: ParsedStatement) -> list[tuple[int, int, str]]:
    """List the edits that leave the local cluster's own triggers on: there are no others to switch."""
    names = {str(place.node.get("subtype")) for place in statement.tree.find("AlterTableCmd")}
    if names.isdisjoint(_TRIGGER_FORMS):
        return []
    words, tokens = statement.words, statement.tokens
    return [
        (tokens[at].start, tokens[at + 2].end, "SET WITHOUT CLUSTER")
        for at in range(len(words) - 2)
        if words[at] in ("enable", "disable")
        and words[at + 1] == "trigger"
        and words[at + 2] in ("all", "user")
    ]


_TRIGGER_FORMS: Final = ("AT_EnableTrigAll", "AT_DisableTrigAll", "AT_EnableTrigUser", "AT_DisableTrigUser")


def domain(statement: ParsedStatement) -> Refusal | None:
    """CREATE DOMAIN."""
    if "collClause" in statement.tree.root:
        return unsupported("COLLATE clause not supported")
    return column_types.refused_column(statement.tree.root["typeName"])


def altered_domain(statement: ParsedStatement) -> Refusal | None:
    """ALTER DOMAIN: its default, and taking its constraints away."""
    what = DOMAIN_FORMS.get(statement.tree.root.get("subtype", ""))
    return unsupported(f"unsupported ALTER DOMAIN {what} statement") if what else None


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
    for clause in clauses_in(column, COLUMN_CLAUSES):
        return unsupported(f"{clause.spelled} clause not supported")
    return next(_refused_identity(column, type_name), None)


def refused_cache(what: str, options: object) -> Refusal | None:
    """Say why a sequence, or identity column, cannot have the cache size of its options, or none."""
    if has_cache_size(options):
        return None
    sizes = f"greater than or equal to {limits.MIN_LARGE_CACHE} or equal to {limits.SMALL_CACHE}"
    given = option(options, "cache")
    if given is None:
        return unsupported(
            f"{what} is not supported without an explicit cache size. please define CACHE {sizes}"
        )
    return Refusal(INVALID_PARAMETER, f"CACHE ({constant(given.get('arg'))}) must be {sizes}")


def refused_key_columns(count: int) -> Refusal | None:
    """Say why a key cannot have that many columns."""
    if count <= limits.MAX_KEY_COLUMNS:
        return None
    message = f"more than {limits.MAX_KEY_COLUMNS} column keys in an index are not supported"
    return Refusal(TOO_MANY_COLUMNS, message)


def _refused_identity(column: Node, type_name: Node) -> Iterator[Refusal]:
    for constraint in column_constraints(column):
        if constraint.get("contype") != "CONSTR_IDENTITY":
            continue
        if (found := refused_cache("identity column", constraint.get("options"))) is not None:
            yield found
        if not is_builtin(type_name, "int8"):
            shown = column_types.displayed(type_name)
            yield unsupported(f"datatype {shown} not supported, identity column type must be bigint")


def _refused_constraints(top: Node, columns: dict[str, Node]) -> Iterator[Refusal]:
    own = table_elements(top, "Constraint")
    inline = [constraint for column in columns.values() for constraint in column_constraints(column)]
    if any(constraint.get("contype") == "CONSTR_EXCLUSION" for constraint in own + inline):
        yield unsupported("EXCLUDE constraint not supported")
    if any(key.deferrable for key in keys(top)):
        yield unsupported("DEFERRABLE constraint not supported")
    for key in keys(top):
        yield from _refused_key(key)


def _refused_key(key: Key) -> Iterator[Refusal]:
    for clause in clauses_in(key.constraint, KEY_CLAUSES):
        yield unsupported(f"{clause.spelled} clause not supported")
    if (found := refused_key_columns(key.columns)) is not None:
        yield found
    yield from filter(None, map(column_types.refused_key, key.type_names))
    if key.declared_bytes > limits.MAX_DECLARED_KEY_BYTES:
        yield Refusal(TOO_LARGE, f"key size greater than {limits.MAX_DECLARED_KEY_BYTES} bytes not supported")


def _refused_subcommand(command: Node, kind: str, statement: ParsedStatement) -> Refusal | None:
    name = str(command.get("subtype", "")).removeprefix("AT_")
    if name == "ValidateConstraint" and statement.asynchronous:
        return None
    if (form := refused_form(name)) is not None:
        return unsupported(f"unsupported ALTER {kind} {form.spelled} statement")
    if name == "AddColumn":
        return _refused_addition(command["def"]["ColumnDef"])
    if name == "AddConstraint":
        return _refused_constraint(command["def"]["Constraint"])
    if name == "AddIdentity":
        return refused_cache("identity column", command["def"]["Constraint"].get("options"))
    return _refused_identity_change(command) if name == "SetIdentity" else None


def _refused_addition(column: Node) -> Refusal | None:
    if "collClause" in column:
        return unsupported("COLLATE clause not supported")
    if any(constraint.get("contype") != "CONSTR_NULL" for constraint in column_constraints(column)):
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
    changes_cache = option(options.get("items"), "cache") is not None
    return refused_cache("identity column", options.get("items")) if changes_cache else None
