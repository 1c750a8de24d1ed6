"""Statements checked by the guard, with parameters and limits: from the request to what is sent."""

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, cast

from awslabs_dsql_mcp.database.model import ResultLimits, RowSink
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.dsql.limits import (
    MAX_MESSAGE_BYTES,
    MAX_PARAMETERS,
    MAX_ROWS,
    MAX_TRANSACTION_SECONDS,
)
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.guard import guard
from awslabs_dsql_mcp.guard.guard import IndexedRefusal, UnitVerdict, Verdict
from awslabs_dsql_mcp.json_text import ExactNumber, dumps
from awslabs_dsql_mcp.large_work import uncollected
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.statements import StatementInfo

Value = str | int | float | bool | list[object] | dict[str, object] | None
_FRAMING_BYTES = 1_024  # of a protocol message, around the text and its parameters
_GIVE_VALUES: Final = "Give the values in order, one for each %s."
_JOINED: Final = frozenset(f"{operator}%" for operator in ("=", "<", ">", "<=", ">=", "<>", "!=", "||", "~"))
_JOINED_PLACEHOLDER: Final = re.compile(r"[=<>|~]%s\b")
_MAX_ON_LOOP = 2_000  # characters that are parsed in a few milliseconds, whatever they are
_STATEMENT_COST = 100  # characters that are parsed in the time that a short statement takes
_NOT_LOOKED_AT: Final = frozenset({"not-text", "too-long", "too-complex"})
_VALUE_COST = 10  # characters that are parsed in the time that a value takes


@dataclass(frozen=True)
class PreparedStatements:
    """Statements that the guard lets pass.

    Attributes:
        queries: The statements as they are sent, but without a limit.
        statements: The kind and properties of each.
    """

    queries: tuple[Query, ...]
    statements: tuple[StatementInfo, ...]

    def unit(self, caps: ResultLimits, *, read_only: bool) -> UnitOfWork:
        """Make them a unit that asks for one row more than is shown: so a cut is noticed, and no more read.

        Args:
            caps: How much is shown of each.
            read_only: True if they run in a READ ONLY transaction.
        """
        queries = (
            replace(_limited(query, statement, caps.rows + 1), limits=caps)
            if takes_limit(statement, read_only=read_only)
            else replace(query, limits=caps)
            for query, statement in zip(self.queries, self.statements, strict=True)
        )
        return UnitOfWork(
            tuple(queries), read_only, may_change_session=self._leaves_traces(read_only=read_only)
        )

    def export_unit(self, sink: RowSink) -> UnitOfWork:
        """Make a read a unit all of whose rows go into a sink, in as much time as a transaction has.

        Args:
            sink: Receives the rows.
        """
        (query,) = self.queries
        return UnitOfWork(
            (replace(query, sink=sink),),
            read_only=True,
            may_change_session=self._leaves_traces(read_only=True),
            time_limit=MAX_TRANSACTION_SECONDS,
        )

    def _leaves_traces(self, *, read_only: bool) -> bool:
        # A view may call what sets something; what a read-only transaction set is gone with it.
        return any(
            statement.user_functions or (not read_only and statement.returns_rows)
            for statement in self.statements
        )


def takes_limit(statement: StatementInfo, *, read_only: bool) -> bool:
    """Check whether a statement does the same with a LIMIT.

    Not where it may write: a view, or a function behind a name of PostgreSQL's, may do so at each row.
    """
    return read_only and statement.limit_at is not None


def _limited(query: Query, statement: StatementInfo, rows: int) -> Query:
    at = statement.limit_at
    return replace(query, sql=f"{query.sql[:at]}\nLIMIT {rows}{query.sql[at:]}")


async def prepare(
    texts: Sequence[str], values: Sequence[Sequence[Value] | None], *, writes: bool
) -> PreparedStatements:
    """Check statements with the guard, off the event loop where they are long.

    Args:
        texts: The statements, with ``%s`` where a value goes.
        values: The values for each.
        writes: True if they may change anything.

    Raises:
        RequestInvalid: The values do not fit the placeholders, or are too large.
        StatementRefused: The guard refused one.
    """
    if len(texts) > MAX_ROWS:
        raise RequestInvalid(
            f"There are {len(texts):,} statements; a call takes at most {MAX_ROWS:,}: a transaction may not "
            "change more rows. Nothing was run.",
            hint="Give many rows to one INSERT, or load a file with load_rows.",
        )
    size = sum(map(len, texts)) + _STATEMENT_COST * len(texts) + _VALUE_COST * sum(map(_count, values))
    if size < _MAX_ON_LOOP:
        return _prepare(texts, values, writes=writes)
    return await asyncio.to_thread(uncollected()(_prepare), texts, values, writes=writes)


async def check(sql: str, params: Sequence[Value] | None, *, writes: bool) -> Verdict:
    """Check one statement with the guard, off the event loop where it is long, refused or not.

    Args:
        sql: The statement, with ``%s`` where a value goes.
        params: The values.
        writes: True if it may change anything.

    Raises:
        RequestInvalid: The values do not fit the placeholders.
    """
    if len(sql) + _VALUE_COST * _count(params) < _MAX_ON_LOOP:
        return _check([sql], [params], writes=writes).verdicts[0]
    return (await asyncio.to_thread(uncollected()(_check), [sql], [params], writes=writes)).verdicts[0]


def _count(params: Sequence[Value] | None) -> int:
    """Count values, those of a list each."""
    return sum(len(value) if isinstance(value, list | dict) else 1 for value in params or ())


def _prepare(
    texts: Sequence[str], values: Sequence[Sequence[Value] | None], *, writes: bool
) -> PreparedStatements:
    # Said where one might think that some of it was run: of a list, and of a change.
    outcome = " Nothing was run." if writes or len(texts) > 1 else ""
    verdict = _check(texts, values, writes=writes, outcome=outcome)
    if (refused := verdict.refusal) is not None:
        raise refused.refusal.to_error(where=refused.where, outcome=outcome)
    queries = tuple(
        _sendable(Query(one.sql, tuple(map(to_parameter, params or ()))))
        for one, params in zip(verdict.verdicts, values, strict=True)
    )
    return PreparedStatements(queries, tuple(one.statement for one in verdict.verdicts if one.statement))


def _check(
    texts: Sequence[str], values: Sequence[Sequence[Value] | None], *, writes: bool, outcome: str = ""
) -> UnitVerdict:
    for index, params in enumerate(values):
        if params and len(params) > MAX_PARAMETERS:
            where = f"Statement {index + 1}" if len(texts) > 1 else "The statement"
            raise RequestInvalid(
                f"{where} has {len(params):,} values; PostgreSQL's protocol takes at most "
                f"{MAX_PARAMETERS:,}.{outcome}",
                hint="Give a list as one value, = ANY(%s), or run several statements.",
            )
    counted = [(sql, len(params) if params else None) for sql, params in zip(texts, values, strict=True)]
    try:
        verdict = guard.check_statements(counted, writes=writes)
    except ValueError as error:
        hint = "Write %s for each value, and %% for a percent sign; or leave the values out."
        raise RequestInvalid(f"{error}{outcome}", hint=hint) from None
    if (refused := verdict.refusal) is not None:
        _explain_placeholder_error(refused, texts[refused.index], values[refused.index], outcome)
    for index, (sql, params, one) in enumerate(zip(texts, values, verdict.verdicts, strict=True)):
        if one.refusal is not None and one.refusal.rule in _NOT_LOOKED_AT:
            continue
        if not params and _JOINED_PLACEHOLDER.search(sql) and _has_joined_placeholder(sql):
            where = f"Statement {index + 1}: " if len(texts) > 1 else "The statement: "
            raise RequestInvalid(f"{where}%s has no value.{outcome}", hint=_GIVE_VALUES)
    return verdict


def _has_joined_placeholder(sql: str) -> bool:
    """Tell if a ``%s`` without values is read as an operator, such as ``<%``, and a column ``s``."""
    tokens = parser.tokens(sql)
    return any(
        operator.text in _JOINED and name.text == "s" and operator.end == name.start
        for operator, name in pairwise(tokens)
    )


def _explain_placeholder_error(
    refused: IndexedRefusal, sql: str, params: Sequence[Value] | None, outcome: str
) -> None:
    """Say in the caller's terms what the parser can only say of ``%`` and ``$1``.

    Raises:
        RequestInvalid: Values are missing, or stand where SQL takes none.
    """
    if refused.refusal.rule != "syntax":
        return
    where = refused.where or "The statement: "
    if not params and "%s" in sql:
        raise RequestInvalid(
            f"{where}%s has no value.{outcome}",
            hint=_GIVE_VALUES,
        )
    if params and refused.refusal.text.startswith(("$", "%")):
        raise RequestInvalid(
            f"{where}%s stands in line {refused.refusal.line}, column {refused.refusal.column}, where SQL "
            f"takes no value.{outcome}",
            hint="Write names into the SQL itself. For a list write = ANY(%s) instead of IN %s.",
        )


def _sendable(query: Query) -> Query:
    size = len(query.sql.encode()) + sum(len(str(value).encode()) for value in query.params)
    if size > MAX_MESSAGE_BYTES - _FRAMING_BYTES:
        raise RequestInvalid(
            "The statement and its values are larger than the 10 MiB that Aurora DSQL takes in a message.",
            hint="Send fewer or smaller values at once.",
        )
    return query


def to_parameter(value: Value) -> object:
    """Give a JSON value the form that says the same to the server.

    A document goes as text, so that its place decides: json, jsonb or text. A fraction goes as numeric,
    which keeps its digits; as a double it would lose some in a numeric column.

    Raises:
        RequestInvalid: An empty list: its text ``{}`` is an empty array to one type, an object to another.
    """
    if isinstance(value, dict) or (isinstance(value, list) and _holds_documents(value)):
        return dumps(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return _array(value)
    return value


def _array(items: list[object]) -> object:
    if not items:
        raise RequestInvalid(
            "An empty list has no type as a value.",
            hint="Write '{}'::int[] into the SQL for an empty array; for a JSON array give the text \"[]\".",
        )
    if not any(isinstance(item, float) for item in items):
        return items
    return [_number(item) if isinstance(item, float) or type(item) is int else item for item in items]


def _number(value: float) -> ExactNumber:
    if isinstance(value, ExactNumber):
        return value
    if not math.isfinite(value):
        raise RequestInvalid(
            f"{value} is not a number of JSON.", hint="Give it as a text: 'NaN', 'Infinity', '-Infinity'."
        )
    return ExactNumber(repr(value))


def _holds_documents(items: list[object]) -> bool:
    return any(
        isinstance(item, dict) or (isinstance(item, list) and _holds_documents(cast("list[object]", item)))
        for item in items
    )
