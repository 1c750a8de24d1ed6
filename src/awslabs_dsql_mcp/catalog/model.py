"""What is in the database, as values: the rows that `catalog_queries` asks for, folded into tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql import identifiers
from awslabs_dsql_mcp.sql.identifiers import TableName

Row = Sequence[str | None]

_KINDS: Final = {"r": "table", "v": "view", "m": "materialized view", "p": "table", "f": "foreign table"}
_IDENTITIES: Final = {"a": "ALWAYS", "d": "BY DEFAULT"}


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its name.
        type: With its modifiers: ``numeric(12,2)``.
        not_null: Whether it is NOT NULL.
        default: The expression of its default, or of what it is generated from.
        identity: ``ALWAYS`` or ``BY DEFAULT``.
        generated: Whether it is generated from other columns.
        collation: Where it is not the type's own.
        comment: What COMMENT ON says.
        cache: An identity's CACHE, where the catalog tells it.
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
        definition: As SQL; one that was never validated ends in NOT VALID.
        table: The table that has it.
        columns: Its columns, in order.
        target: For a foreign key, the table that it refers to.
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
        unique: Whether it is unique.
        primary: Whether it is the primary key's.
        valid: Whether queries use it; one that is being built, or whose build failed, is not valid.
        definition: The whole CREATE INDEX statement.
        job: What sys.jobs says about its build, for one that is not valid.
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
        width: How many columns it has.
        estimate: Rows by the last statistics; ``None`` when there are none.
        comment: What COMMENT ON says.
        definition: A view's query.
        role: The current role.
        privileges: Which of USAGE (of its schema), SELECT, INSERT, UPDATE, DELETE the role has.
        columns: In table order.
        constraints: Its own.
        referenced_by: Foreign keys of other tables that refer to it.
        indexes: By name.
    """

    schema: str
    name: str
    kind: str
    width: int
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
        """Its name with the schema, as SQL."""
        return identifiers.qualified_name(self.schema, self.name)


@dataclass(frozen=True)
class Page:
    """A part of the list of tables.

    Attributes:
        tables: In the order of their names.
        left: How many come behind them.
    """

    tables: tuple[Table, ...]
    remaining: int


def fold_page(results: Sequence[Result]) -> Page:
    """Fold the results of `page_queries`."""
    heads = results[0].rows
    left = int(heads[0][7] or 0) - len(heads) if heads else 0
    return Page(_tables(results), left)


def fold_tables(name: TableName, results: Sequence[Result]) -> tuple[Table, ...]:
    """Fold the results of `table_queries` into one table for each schema that has the name.

    Raises:
        RequestInvalid: No table of that name; the error names the nearest.
    """
    tables = _tables(results[1:])
    if not tables:
        known = [(str(schema), str(table)) for schema, table in results[0].rows]
        raise RequestInvalid(
            f"There is no table or view {name}.",
            code="unknown_table",
            hint=identifiers.suggestion(name.table, known),
        )
    return tables


def with_jobs(tables: Sequence[Table], jobs: Result) -> tuple[Table, ...]:
    """Add to indexes that are not valid what the rows of `jobs_query` say of their builds."""
    said: dict[str, str] = {}
    for oid, name, job, status, details in jobs.rows:
        told = f"job {job} {status}" + (f": {details}" if details else "")
        said |= {key: told for key in (oid, name) if key is not None}
    return tuple(replace(table, indexes=_type_text(table, said)) for table in tables)


def _type_text(table: Table, said: Mapping[str, str]) -> tuple[Index, ...]:
    return tuple(
        index
        if index.valid
        else replace(index, job=said.get(index.oid) or said.get(f"{table.schema}.{index.name}"))
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
        mine = parts[str(row[0])]
        (mine.own if row[1] == "t" else mine.foreign).append(_constraint(row))
    for row in indexes:
        parts[str(row[0])].indexes.append(_index(row))
    body = {str(row[0]): row for row in bodies}
    return tuple(_whole(head, body[head.oid], parts[head.oid]) for head in heads)


def _head(row: Row) -> _Head:
    oid, schema, name, kind, estimate, comment, width, _ = row
    rows = int(estimate or -1)
    known = rows if kind in ("r", "p", "m") and rows >= 0 else None
    return _Head(
        str(oid), Table(str(schema), str(name), _KINDS[kind or "r"], int(width or 0), known, comment)
    )


def _whole(head: _Head, body: Row, parts: _Parts) -> Table:
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
