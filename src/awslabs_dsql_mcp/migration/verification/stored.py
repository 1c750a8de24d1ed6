"""Definitions that are stored, read from the catalog as SQL."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.catalog.model import Column, Table
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.migration.script.mentions import Name
from awslabs_dsql_mcp.migration.verification.definitions import Definitions, Relation
from awslabs_dsql_mcp.migration.verification.statements import apply
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parser import ParseError

_OPTIONS: Final = (
    "s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle "
    "FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
)
_NAMES: Final = ("start", "increment", "minvalue", "maxvalue", "cache", "cycle")
_SEQUENCE: Final = f"SELECT {_OPTIONS} WHERE n.nspname = $1::text AND c.relname = $2::text"
_IDENTITIES: Final = (
    f"SELECT a.attname, {_OPTIONS} JOIN pg_catalog.pg_depend d ON d.objid = c.oid AND d.deptype = 'i' "
    "AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass "
    "JOIN pg_catalog.pg_class t ON t.oid = d.refobjid "
    "JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
    "WHERE tn.nspname = $1::text AND t.relname = $2::text"
)
_FUNCTIONS: Final = (
    "SELECT pg_catalog.pg_get_functiondef(p.oid) FROM pg_catalog.pg_proc p "
    "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
    "WHERE n.nspname = $1::text AND p.proname = $2::text AND p.prokind = 'f'"
)
_DOMAIN: Final = (
    "SELECT pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, "
    "(SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) "
    "FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') "
    "FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
    "WHERE n.nspname = $1::text AND t.typname = $2::text AND t.typtype = 'd'"
)
_GRANTS: Final = (
    "SELECT r.role, r.privilege, CASE c.relkind "
    "WHEN 'S' THEN pg_catalog.has_sequence_privilege(r.role, c.oid, r.privilege) "
    "ELSE pg_catalog.has_table_privilege(r.role, c.oid, r.privilege) END "
    "FROM unnest($3::text[], $4::text[]) r (role, privilege), pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1::text AND c.relname = $2::text "
    "AND (r.role = 'public' OR EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = r.role))"
)
_KIND: Final = (
    "SELECT c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1::text AND c.relname = $2::text"
)
KINDS: Final = {"r": "table", "v": "view", "i": "index", "S": "sequence", "m": "materialized view"}
"""Kinds of relations, by ``relkind``."""

Rows = Sequence[Sequence[str | None]]


def kind_query(name: Name) -> Query:
    """Ask for the kind of a relation: ``relkind``."""
    return Query(_KIND, name)


def sequence_queries(name: Name) -> tuple[Query, Query]:
    """Ask for the options of a sequence, and for its last number and whether it was given out."""
    return Query(_SEQUENCE, name), Query(f"SELECT last_value, is_called FROM {qualified_name(*name)}")  # noqa: S608 - quoted


def identities_query(name: Name) -> Query:
    """Ask for the options of a table's identity columns."""
    return Query(_IDENTITIES, name)


def functions_query(name: Name) -> Query:
    """Ask for the functions of a name, as CREATE FUNCTION statements."""
    return Query(_FUNCTIONS, name)


def domain_query(name: Name) -> Query:
    """Ask for a domain."""
    return Query(_DOMAIN, name)


def grants_query(name: Name, grants: Sequence[tuple[str, str]]) -> Query:
    """Ask which roles have which privileges on a relation, be it through another role."""
    roles, privileges = ([pair[at] for pair in grants] for at in (0, 1))
    return Query(_GRANTS, (*name, roles, privileges))


def sequence_options(row: Sequence[str | None]) -> dict[str, str]:
    """Read the options of a sequence."""
    return {name: value for name, value in zip(_NAMES, row, strict=True) if value is not None}


def add_identities(relation: Relation, rows: Rows) -> None:
    """Add the options of identity columns to a table."""
    for name, *options in rows:
        column = relation.columns.get(str(name), {})
        column |= {f"identity {key}": value for key, value in sequence_options(options).items()}


def functions(rows: Rows) -> Definitions:
    """Read functions."""
    return _read("; ".join(str(row[0]) for row in rows))


def domain(name: Name, row: Sequence[str | None]) -> Definitions:
    """Read a domain."""
    base, not_null, default, checks = row
    parts = [f"CREATE DOMAIN {qualified_name(*name)} AS {base}"]
    parts += [f"DEFAULT {default}"] if default is not None else []
    parts += ["NOT NULL"] if not_null == "t" else []
    return _read(" ".join([*parts, checks or ""]))


def relation(table: Table) -> Relation:
    """Read a table or a view."""
    name = (table.schema, table.name)
    try:
        found = _read(_view(table) if table.definition is not None else _table(table)).relations[name]
    except ParseError as error:
        found = Relation(table.kind, unknown=f"what the catalog says of it does not parse: {error.message}")
    found.kind = table.kind
    found.invalid = [index.name for index in table.indexes if not index.valid]
    found.comments = {column.name: column.comment for column in table.columns} | {"": table.comment}
    return found


def _view(table: Table) -> str:
    return f"CREATE VIEW {table.title} AS {table.definition}"


def _table(table: Table) -> str:
    parts = [_column(column) for column in table.columns]
    own = [one for one in table.constraints if one.kind in "pucf"]
    parts += [f"CONSTRAINT {quote_identifier(one.name)} {one.definition}" for one in own]
    keys = {one.name for one in own if one.kind in "pu"}
    indexes = [one.definition for one in table.indexes if not one.primary and one.name not in keys]
    return ";\n".join([f"CREATE TABLE {table.title} ({', '.join(parts)})", *indexes])


def _column(column: Column) -> str:
    parts = [quote_identifier(column.name), column.type]
    if column.collation is not None:
        parts.append(f"COLLATE {quote_identifier(column.collation)}")
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.default}) STORED")
    elif column.identity is not None:
        parts.append(f"GENERATED {column.identity} AS IDENTITY")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def _read(sql: str) -> Definitions:
    found = Definitions(is_stored=True)
    for tree in trees(sql):
        apply(tree, found)
    return found
