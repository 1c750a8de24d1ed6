"""Tables, columns, constraints and indexes of a database, built from the rows of `queries`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql import identifiers
from awslabs_dsql_mcp.sql.identifiers import TableName, qualified_name

Row = Sequence[str | None]

PROGRESS_TABLE: Final = "dsql_mcp_progress"
"""Name of the table in which this server records batches (`bulk.progress_table`)."""

_MAX_NAMED: Final = 10  # tables of a schema that an error names
_OWN: Final = "this server's own: runs of batch_write, load_rows and migrate, for a few days"
_KINDS: Final = {"r": "table", "v": "view", "m": "materialized view", "p": "table", "f": "foreign table"}
_IDENTITIES: Final = {"a": "ALWAYS", "d": "BY DEFAULT"}


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its name.
        type: Type with modifiers: ``numeric(12,2)``.
        not_null: The column is NOT NULL.
        default: Expression of the default, or of a generated column.
        identity: ``ALWAYS`` or ``BY DEFAULT``.
        generated: The column is generated from other columns.
        collation: Collation, if it is not the type's default.
        comment: Comment (COMMENT ON).
        cache: CACHE of an identity column, if the catalog has it.
    """

    name: str
    type: str
    not_null: bool
    default: str | None
    identity: str | None
    generated: bool
    collation: str | None
    comment: str | None
    cache: str | None = None


@dataclass(frozen=True)
class Constraint:
    """A constraint, or a foreign key of another table that refers to this one.

    Attributes:
        name: Its name.
        kind: ``p`` primary key, ``u`` unique, ``c`` check, ``f`` foreign key (pg_constraint.contype).
        definition: Definition as SQL; it ends in NOT VALID if the constraint is not validated.
        table: The table that has it.
        columns: Columns, in order.
        target: Referenced table of a foreign key.
    """

    name: str
    kind: str
    definition: str
    table: TableName
    columns: tuple[str, ...]
    target: TableName | None


@dataclass(frozen=True)
class Index:
    """An index.

    Attributes:
        oid: Its object id.
        name: Its name.
        unique: The index is unique.
        primary: The index belongs to the primary key.
        valid: Queries can use the index; false while it is built and after a failed build.
        definition: The CREATE INDEX statement.
        job: State of the job that builds it (sys.jobs), if it is not valid.
    """

    oid: str
    name: str
    unique: bool
    primary: bool
    valid: bool
    definition: str
    job: str | None = None


@dataclass(frozen=True)
class Table:
    """A table or view.

    Attributes:
        schema: Its schema.
        name: Its name.
        kind: ``table``, ``view`` ….
        column_count: Number of columns.
        estimate: Number of rows by the last statistics; ``None`` without statistics.
        comment: Comment (COMMENT ON).
        definition: Query of a view.
        role: The current role.
        privileges: Privileges of the role: USAGE (on the schema), SELECT, INSERT, UPDATE, DELETE.
        columns: In table order.
        constraints: Constraints of the table.
        referenced_by: Foreign keys of other tables that refer to this one.
        indexes: By name.
    """

    schema: str
    name: str
    kind: str
    column_count: int
    estimate: int | None
    comment: str | None
    definition: str | None = None
    role: str = ""
    privileges: frozenset[str] = frozenset()
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    referenced_by: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()

    @property
    def title(self) -> str:
        """Qualified name, as SQL."""
        return identifiers.qualified_name(self.schema, self.name)


@dataclass(frozen=True)
class Page:
    """A part of the list of tables.

    Attributes:
        tables: Tables in the order of their names.
        remaining: Number of tables after them.
    """

    tables: tuple[Table, ...]
    remaining: int


def fold_page(results: Sequence[Result]) -> Page:
    """Build a page from the results of `page_queries`."""
    heads = results[0].rows
    remaining = int(heads[0][7] or 0) - len(heads) if heads else 0
    return Page(_tables(results), remaining)


def fold_tables(name: TableName, results: Sequence[Result]) -> tuple[Table, ...]:
    """Build the tables of a name, one for each schema that has it, from the results of `table_queries`.

    Raises:
        RequestInvalid: There is no table of that name; the error suggests the closest one.
    """
    tables = _tables(results[1:])
    if not tables:
        known = [(str(schema), str(table)) for schema, table in results[0].rows]
        _require_no_schema(name, known)
        raise RequestInvalid(
            f"There is no table or view {name}.",
            code="unknown_table",
            hint=identifiers.suggestion(name.table, known),
        )
    return tables


def _require_no_schema(name: TableName, known: Sequence[tuple[str, str]]) -> None:
    inside = [qualified_name(*one) for one in known if name.schema is None and one[0] == name.table]
    if inside:
        more = f" and {len(inside) - _MAX_NAMED} more" if len(inside) > _MAX_NAMED else ""
        raise RequestInvalid(
            f"{name} is a schema, no table or view.",
            code="unknown_table",
            hint=f"Name one of its tables: {', '.join(inside[:_MAX_NAMED])}{more}.",
        )


def with_jobs(tables: Sequence[Table], jobs: Result) -> tuple[Table, ...]:
    """Add the state of their jobs, from the rows of `index_jobs_query`, to indexes that are not valid."""
    states: dict[str, str] = {}
    for oid, name, job, status, details in jobs.rows:
        state = f"job {job} {status}" + (f": {details}" if details else "")
        states |= {key: state for key in (oid, name) if key is not None}
    return tuple(replace(table, indexes=_indexes_with_jobs(table, states)) for table in tables)


def _indexes_with_jobs(table: Table, states: Mapping[str, str]) -> tuple[Index, ...]:
    return tuple(
        index
        if index.valid
        else replace(index, job=states.get(index.oid) or states.get(f"{table.schema}.{index.name}"))
        for index in table.indexes
    )


class _Head(NamedTuple):
    oid: str
    table: Table


@dataclass
class _Parts:
    """The rows about one table, by kind."""

    columns: list[Column] = field(default_factory=list[Column])
    own: list[Constraint] = field(default_factory=list[Constraint])
    foreign: list[Constraint] = field(default_factory=list[Constraint])
    indexes: list[Index] = field(default_factory=list[Index])


def _tables(results: Sequence[Result]) -> tuple[Table, ...]:
    heads = [_head(row) for row in results[0].rows]
    if len(results) == 1:
        return tuple(head.table for head in heads)
    bodies, columns, constraints, indexes, *rest = (result.rows for result in results[1:])
    caches = {(row[0], row[1]): row[2] for row in rest[0]} if rest else {}
    parts = {head.oid: _Parts() for head in heads}
    for row in columns:
        parts[str(row[0])].columns.append(_column(row, caches.get((row[0], row[1]))))
    for row in constraints:
        table = parts[str(row[0])]
        (table.own if row[1] == "t" else table.foreign).append(_constraint(row))
    for row in indexes:
        parts[str(row[0])].indexes.append(_index(row))
    body = {str(row[0]): row for row in bodies}
    return tuple(
        _build(head, body[head.oid], parts[head.oid]) if head.oid in body else head.table for head in heads
    )


def _head(row: Row) -> _Head:
    oid, schema, name, kind, estimate, comment, width, _ = row
    rows = int(estimate or -1)
    known = rows if kind in ("r", "p", "m") and rows >= 0 else None
    if name == PROGRESS_TABLE:
        comment = comment or _OWN
    return _Head(
        str(oid), Table(str(schema), str(name), _KINDS[kind or "r"], int(width or 0), known, comment)
    )


def _build(head: _Head, body: Row, parts: _Parts) -> Table:
    return replace(
        head.table,
        definition=body[1],
        role=str(body[2]),
        privileges=frozenset((body[3] or "").split()),
        columns=tuple(parts.columns),
        constraints=tuple(parts.own),
        referenced_by=tuple(parts.foreign),
        indexes=tuple(parts.indexes),
    )


def _column(row: Row, cache: str | None) -> Column:
    _, name, kind, not_null, default, identity, generated, collation, comment = row
    return Column(
        name=str(name),
        type=str(kind),
        not_null=not_null == "t",
        default=default,
        identity=_IDENTITIES.get(identity or ""),
        generated=bool(generated),
        collation=collation,
        comment=comment,
        cache=cache,
    )


def _constraint(row: Row) -> Constraint:
    _, _, name, kind, definition, schema, table, columns, target_schema, target = row
    return Constraint(
        name=str(name),
        kind=str(kind),
        definition=str(definition),
        table=TableName(schema, str(table)),
        columns=tuple((columns or "").split("\n")),
        target=None if target is None else TableName(target_schema, target),
    )


def _index(row: Row) -> Index:
    _, oid, name, unique, primary, valid, definition = row
    return Index(str(oid), str(name), unique == "t", primary == "t", valid == "t", str(definition))
