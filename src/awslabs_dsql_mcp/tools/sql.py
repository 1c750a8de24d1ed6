"""The SQL tools: a read, and a transaction."""

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from awslabs_dsql_mcp.core import results
from awslabs_dsql_mcp.core.answers import Answer, fence
from awslabs_dsql_mcp.core.limits import LARGEST_MESSAGE
from awslabs_dsql_mcp.core.ports import Database
from awslabs_dsql_mcp.core.results import Caps, Table
from awslabs_dsql_mcp.core.transactions import Query, Report, Unit
from awslabs_dsql_mcp.errors import RequestInvalid, StatementRefused

if TYPE_CHECKING:
    from awslabs_dsql_mcp.core.statements import Statement

T = TypeVar("T")
Value = str | int | float | bool | list[object] | dict[str, object] | None
_QUICK = 10_000  # characters that are parsed in well under a millisecond


class SqlTools:
    """Runs what agents write.

    Args:
        database: Where.
        allow_writes: Whether ``transact`` may change anything.
        caps: How much of a result is shown.
    """

    def __init__(self, database: Database, *, allow_writes: bool, caps: Caps) -> None:
        self._database = database
        self._allow_writes = allow_writes
        self._caps = caps

    async def readonly_query(self, sql: str, params: Sequence[Value] | None) -> Answer:
        """Run one read-only statement in a READ ONLY transaction.

        Args:
            sql: One statement, with ``%s`` where a value goes.
            params: The values.

        Raises:
            RequestInvalid: The values do not fit the placeholders.
            StatementRefused: The guard refused it.
            DsqlError: What `Database.run` raises.
        """
        query = _query(sql, params)
        (statement,) = await _off_loop(lambda: _judged([query.sql], writes=False), sql)
        report = await self._database.run(
            Unit((query,), read_only=True, may_leave_traces=statement.user_functions)
        )
        return _rows_answer(results.table(report.results[0], self._caps))

    async def transact(
        self, sql_list: Sequence[str], params_list: Sequence[Sequence[Value] | None] | None
    ) -> Answer:
        """Run statements in one transaction, all or nothing.

        Without writes allowed they are reads, all from one snapshot.

        Args:
            sql_list: The statements in order.
            params_list: The values for each statement's ``%s``, in the same order.

        Raises:
            RequestInvalid: The lists do not fit each other.
            StatementRefused: The guard refused one.
            DsqlError: What `Database.run` raises.
        """
        queries = _queries(sql_list, params_list)
        statements = await _off_loop(
            lambda: _judged([query.sql for query in queries], writes=self._allow_writes), *sql_list
        )
        unit = Unit(
            queries,
            read_only=not self._allow_writes,
            may_leave_traces=any(statement.user_functions for statement in statements),
        )
        return self._report_answer(await self._database.run(unit), read_only=unit.read_only)

    def _report_answer(self, report: Report, *, read_only: bool) -> Answer:
        tables = [results.table(result, self._caps) for result in report.results]
        outcome = "read from one snapshot" if read_only else report.outcome.replace("_", " ")
        attempts = f" after {report.attempts} attempts" if report.attempts > 1 else ""
        said = [f"{outcome}{attempts}: {results.count(len(tables), 'statement')}"]
        said += [f"{number}. {table.summary}" for number, table in enumerate(tables, 1)]
        rows = "\n".join(f"{number}:\n{t.text}" for number, t in enumerate(tables, 1) if t.text)
        return Answer(
            "\n".join(said) + ("\n" + fence(rows, kind="rows", mark=_mark()) if rows else ""),
            {
                "outcome": report.outcome,
                "attempts": report.attempts,
                "statements": [table.structured for table in tables],
            },
        )


def _rows_answer(table: Table) -> Answer:
    rows = "\n" + fence(table.text, kind="rows", mark=_mark()) if table.text else ""
    return Answer(table.summary + rows, table.structured)


def _mark() -> str:
    return secrets.token_hex(4)


def _queries(
    sql_list: Sequence[str], params_list: Sequence[Sequence[Value] | None] | None
) -> tuple[Query, ...]:
    if not sql_list:
        raise RequestInvalid("sql_list is empty.", hint="Give at least one statement.")
    if params_list is not None and len(params_list) != len(sql_list):
        raise RequestInvalid(
            f"params_list has {len(params_list)} entries for {len(sql_list)} statements.",
            hint="Give one list of values for each statement; null or [] for one without values.",
        )
    values = params_list if params_list is not None else [None] * len(sql_list)
    return tuple(
        _query(sql, params, index) for index, (sql, params) in enumerate(zip(sql_list, values, strict=True))
    )


def _query(sql: str, params: Sequence[Value] | None, index: int | None = None) -> Query:
    """Number the placeholders: the text that the guard checks is the text that is sent."""
    from awslabs_dsql_mcp.core.statements import bind_placeholders  # noqa: PLC0415 - see _judged

    if not params:
        return Query(sql)
    try:
        query = Query(bind_placeholders(sql, len(params)), tuple(_bound(value) for value in params))
    except ValueError as error:
        where = "" if index is None else f"Statement {index + 1}: "
        raise RequestInvalid(
            f"{where}{error}", hint="Write %s for each value, and %% for a percent sign."
        ) from None
    if len(query.sql.encode()) + sum(len(str(value).encode()) for value in query.params) > LARGEST_MESSAGE:
        raise RequestInvalid(
            "The statement and its values are larger than the 10 MiB that Aurora DSQL takes in a message.",
            hint="Send fewer or smaller values at once.",
        )
    return query


def _bound(value: Value) -> object:
    """Let the server give a JSON document the type of its place: json, jsonb or text."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(i, dict) for i in value)):
        return json.dumps(value, ensure_ascii=False)
    return value


async def _off_loop(work: Callable[[], T], *texts: str) -> T:
    """Keep the event loop free while long texts are parsed."""
    if sum(map(len, texts)) < _QUICK:
        return work()
    return await asyncio.to_thread(work)


def _judged(sent: Sequence[str], *, writes: bool) -> "list[Statement]":
    from awslabs_dsql_mcp.core import guard  # noqa: PLC0415 - a start without a statement need not pay for it

    refusal = (
        guard.check(sent[0], writes=writes)
        if len(sent) == 1
        else guard.check_transaction(sent, writes=writes)
    )
    if refusal is not None:
        raise StatementRefused(str(refusal), hint=None)
    return [guard.inspect(sql) for sql in sent]
