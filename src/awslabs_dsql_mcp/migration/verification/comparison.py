"""Comparison of what is stored with what a plan was meant to store.

The rows of each INSERT with constants go to the cluster once more, as VALUES that are read as the INSERT read
them, and are compared there as text, column by column, with the rows of the same key: at most 1,000 rows a
query, whatever the size of the table.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.verification.definition_comparer import DefinitionComparer
from awslabs_dsql_mcp.migration.verification.findings import Comparison
from awslabs_dsql_mcp.migration.verification.meant import Batch, Meant, MeantTable, meant_by
from awslabs_dsql_mcp.output.tool_output import ReportProgress
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.text import one_line, pluralize

if TYPE_CHECKING:
    from awslabs_dsql_mcp.sql.parse_tree import Node

_COLUMNS: Final = (
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnum = ANY (k.conkey) "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' "
    "WHERE n.nspname = $1::text AND c.relname = $2::text ORDER BY a.attnum"
)
"""Columns of a table, in their order; NULL for one without columns, no row for one that is not there."""

_MAX_WITHOUT_KEY: Final = 3_000  # rows of a table without a key, which are compared as a whole
_MAX_NAMED: Final = 10
_LOOKS: Final = 50  # queries of the catalog in one transaction


@dataclass(frozen=True)
class _Column:
    """A column of a table that is there.

    Attributes:
        name: Its name.
        type: Its type, as SQL.
        is_key: It is part of the primary key.
    """

    name: str
    type: str
    is_key: bool


class Comparer:
    """Compares what is stored with what plans were meant to store.

    Args:
        database: Where the statements ran.
        clock: Monotonic seconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._definitions = DefinitionComparer(database)
        self._clock = clock

    async def compare(self, plan: MigrationPlan, report: ReportProgress, *, deadline: float) -> Comparison:
        """Compare all that a plan left, until the call's time is over."""
        found = Comparison()
        meant = await asyncio.to_thread(meant_by, plan)
        await self._objects(meant, plan, found)
        await self._definitions.compare(meant.definitions, found, is_over=lambda: self._clock() >= deadline)
        filled = [table for table in meant.tables.values() if table.batches or table.unknown]
        for number, table in enumerate(filled):
            name = ".".join(table.name)
            await report(number, len(filled), f"comparing {name}")
            if self._clock() >= deadline:
                found.not_compared.append(f"{name}: this call's time is over")
                continue
            try:
                await self._table(table, found, deadline)
            except DsqlError as error:
                found.not_compared.append(f"{name}: {one_line(error.message, 200)}")
        return found

    async def _ask(self, queries: Sequence[Query]) -> list[list[tuple[str | None, ...]]]:
        report = await self._database.run(UnitOfWork(tuple(queries), read_only=True))
        return [[tuple(row) for row in result.rows] for result in report.results]

    async def _objects(self, meant: Meant, plan: MigrationPlan, found: Comparison) -> None:
        objects = list(meant.objects.values())
        made = meant.definitions.identity_sequences()
        asked = [
            (one, query)
            for one in objects
            if (query := one.check.query) and not one.is_defined and query.params not in made
        ]
        for at in range(0, len(asked), _LOOKS):
            part = asked[at : at + _LOOKS]
            answers = await self._ask([query for _, query in part])
            for (one, _), rows in zip(part, answers, strict=True):
                found.objects += 1
                answer = rows[0][0] if rows else None
                if not one.check.applied(answer):
                    state = "still there" if one.check.expect_absent else "not there, or not valid"
                    found.differences.append(f"step {one.step}, {one.title}: {state}")
        steps: dict[str, list[int]] = {}
        for number in meant.unchecked:
            steps.setdefault(plan.steps[number - 1].statements[0].kind, []).append(number)
        found.not_compared += (
            f"{kind} ({_numbers(numbers)}): the catalog is not asked" for kind, numbers in steps.items()
        )

    async def _table(self, table: MeantTable, found: Comparison, deadline: float) -> None:
        name = ".".join(table.name)
        if table.unknown:
            found.not_compared.append(f"rows of {name}: {table.unknown}")
            return
        (rows,) = await self._ask([Query(_COLUMNS, table.name)])
        columns = [_Column(str(row[0]), str(row[1]), row[2] == "t") for row in rows if row[0] is not None]
        meant = sum(len(batch.rows) for batch in table.batches)
        if not rows:
            found.differences.append(f"{name}: the table is not there, and {pluralize(meant, 'row')} with it")
            return
        if table.is_new:
            await self._count(table, meant, found)
        given = [_given(table, batch, columns) for batch in table.batches]
        compared = [column for column in columns if all(column in one for one in given)]
        keys = [column for column in columns if column.is_key]
        has_keys = bool(keys) and all(key in compared for key in keys)
        rest = "rows without a constant for" if has_keys else "columns without a constant for each row"
        found.not_compared += (f"{name}: {told}" for told in _left_out(columns, given, rest))
        if not compared:
            return
        found.tables += 1
        if has_keys:
            await self._by_key(table, columns, given, found, deadline)
        elif meant <= _MAX_WITHOUT_KEY and len({batch.settings for batch in table.batches}) == 1:
            await self._whole(table, columns, compared, found)
        else:
            found.not_compared.append(f"values of {name}: the script does not give its primary key")

    async def _count(self, table: MeantTable, meant: int, found: Comparison) -> None:
        ((row,),) = await self._ask([Query(f"SELECT count(*) FROM {qualified_name(*table.name)}")])  # noqa: S608 - quoted
        if row[0] != str(meant):
            told = f"{'.'.join(table.name)}: {_rows(meant, 'was', 'were')} meant, {int(row[0] or 0):,} stored"
            found.differences.append(told)

    async def _by_key(
        self,
        table: MeantTable,
        columns: Sequence[_Column],
        given: Sequence[Sequence[_Column]],
        found: Comparison,
        deadline: float,
    ) -> None:
        name = ".".join(table.name)
        for number, (batch, compared) in enumerate(zip(table.batches, given, strict=True)):
            if self._clock() >= deadline:
                rest = sum(len(one.rows) for one in table.batches[number:])
                found.not_compared.append(f"{pluralize(rest, 'row')} of {name}: this call's time is over")
                return
            sql = await asyncio.to_thread(_keyed_query, table, batch, columns, compared)
            ((row,),) = (await self._ask([*map(Query, batch.settings), Query(sql)]))[-1:]
            missing, different, names, absent, unlike = row
            found.rows += len(batch.rows)
            where = f"{name}, step {batch.step}"
            if missing != "0":
                found.differences.append(f"{where}: {_rows(missing, 'is', 'are')} missing, such as {absent}")
            if different != "0":
                told = f"{where}: {_rows(different, 'differs', 'differ')} in {names}, such as {unlike}"
                found.differences.append(told)

    async def _whole(
        self, table: MeantTable, columns: Sequence[_Column], compared: Sequence[_Column], found: Comparison
    ) -> None:
        sql = await asyncio.to_thread(_whole_query, table, columns, compared)
        settings = table.batches[0].settings
        ((row,),) = (await self._ask([*map(Query, settings), Query(sql)]))[-1:]
        found.rows += sum(len(batch.rows) for batch in table.batches)
        name = ".".join(table.name)
        if row[0] != "0":
            found.differences.append(
                f"{name}: {_rows(row[0], 'is missing or differs', 'are missing or differ')}"
            )
        if table.is_new and row[1] != "0":
            found.differences.append(
                f"{name}: {_rows(row[1], 'is', 'are')} stored that the script does not have"
            )


def _rows(count: object, one: str, many: str) -> str:
    number = int(str(count))
    return f"{pluralize(number, 'row')} {one if number == 1 else many}"


def _numbers(steps: Sequence[int]) -> str:
    shown = ", ".join(map(str, steps[:_MAX_NAMED]))
    noun = "step" if len(steps) == 1 else "steps"
    return f"{noun} {shown}" + (f" and {len(steps) - _MAX_NAMED:,} more" if len(steps) > _MAX_NAMED else "")


def _positions(batch: Batch, columns: Sequence[_Column]) -> dict[str, int]:
    names = batch.columns or [column.name for column in columns[: len(batch.rows[0])]]
    return {name: at for at, name in enumerate(names)}


def _given(table: MeantTable, batch: Batch, columns: Sequence[_Column]) -> list[_Column]:
    """Choose the columns that a batch gives as constants, and that nothing changes afterwards."""
    computed = batch.computed()
    constant = {name for name, at in _positions(batch, columns).items() if at not in computed}
    return [column for column in columns if column.name in constant - table.changed]


def _left_out(columns: Sequence[_Column], given: Sequence[Sequence[_Column]], rest: str) -> Iterator[str]:
    """Say which columns are not compared: in no row, or in those of some batches.

    Args:
        columns: The columns of the table.
        given: Those that each batch gives.
        rest: What becomes of a column that only some batches give.
    """
    counts = {column.name: sum(column in one for one in given) for column in columns}
    if never := [name for name, count in counts.items() if not count]:
        yield f"columns that have no constant in the script: {', '.join(never)}"
    if partly := [name for name, count in counts.items() if 0 < count < len(given)]:
        yield f"{rest}: {', '.join(partly)}"


def _values(batches: Sequence[Batch], columns: Sequence[_Column], compared: Sequence[_Column]) -> str:
    lists: list[Node] = []
    for batch in batches:
        places = _positions(batch, columns)
        chosen = [places[column.name] for column in compared]
        lists += [{"List": {"items": [row[at] for at in chosen]}} for row in batch.rows]
    names = ", ".join(f"c{at}" for at in range(len(compared)))
    select: Node = {"valuesLists": lists, "limitOption": "LIMIT_OPTION_DEFAULT", "op": "SETOP_NONE"}
    return f"({deparse.deparse('SelectStmt', select)}) AS m ({names})"


def _keyed_query(
    table: MeantTable, batch: Batch, columns: Sequence[_Column], compared: Sequence[_Column]
) -> str:
    keys = [(at, column) for at, column in enumerate(compared) if column.is_key]
    joined = " AND ".join(f"s.{quote_identifier(key.name)} = m.c{at}::{key.type}" for at, key in keys)
    missing = f"s.{quote_identifier(keys[0][1].name)} IS NULL"
    unlike = {
        column.name: f"m.c{at}::{column.type}::text IS DISTINCT FROM s.{quote_identifier(column.name)}::text"
        for at, column in enumerate(compared)
        if not column.is_key
    }
    differs = f"NOT {missing} AND ({' OR '.join(unlike.values()) or 'false'})"
    names = ", ".join(
        f"CASE WHEN bool_or(NOT {missing} AND {test}) THEN {deparse.literal(name)} END"
        for name, test in unlike.items()
    )
    example = ", ', ', ".join(
        f"{deparse.literal(key.name + ' ')}, m.c{at}::{key.type}::text" for at, key in keys
    )
    return (
        f"SELECT count(*) FILTER (WHERE {missing}), count(*) FILTER (WHERE {differs}), "  # noqa: S608 - quoted
        f"concat_ws(', ', {names or 'NULL'}), min(concat({example})) FILTER (WHERE {missing}), "
        f"min(concat({example})) FILTER (WHERE {differs}) "
        f"FROM {_values([batch], columns, compared)} LEFT JOIN {qualified_name(*table.name)} s ON {joined}"
    )


def _whole_query(table: MeantTable, columns: Sequence[_Column], compared: Sequence[_Column]) -> str:
    meant = ", ".join(f"m.c{at}::{column.type}::text AS c{at}" for at, column in enumerate(compared))
    stored = ", ".join(f"{quote_identifier(c.name)}::text AS c{at}" for at, c in enumerate(compared))
    pairs = (("meant", "stored"), ("stored", "meant"))
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}) d)"  # noqa: S608 - ours
        for one, other in pairs
    )
    return (
        f"WITH meant AS (SELECT {meant} FROM {_values(table.batches, columns, compared)}), "  # noqa: S608 - quoted
        f"stored AS (SELECT {stored} FROM {qualified_name(*table.name)}) SELECT {counts}"
    )
