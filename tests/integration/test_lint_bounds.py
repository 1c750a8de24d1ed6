"""What bounds dsql-lint: its time, the caller's patience, and that there may be none."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from mcp import Client

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.model import ResultLimits
from awslabs_dsql_mcp.errors import StatementFailed, StatementRefused, TimedOut
from awslabs_dsql_mcp.lint.program import LintProgram
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.dsql_lint import DsqlLint, LintAdvice
from awslabs_dsql_mcp.tools.transact import Transact, TransactRequest
from support.client_helpers import call

ENDLESS = "SELECT 1" + " + 1" * 200_000  # dsql-lint 0.2.22 has not read it after ten minutes
SLOW = "".join(  # it reads this for more than a second
    f"CREATE TABLE t{number} ({', '.join(f'c{column} text' for column in range(250))});\n"
    for number in range(60)
)
CREATE_INDEX = "CREATE INDEX bounds_i ON bounds (id)"


def linting() -> list[psutil.Process]:
    """The dsql-lint processes that this process and its servers have started."""
    return [p for p in psutil.Process().children(recursive=True) if _name(p).startswith("dsql-lint")]


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:  # it has ended meanwhile
        return ""


async def until_linting(*, some: bool) -> None:
    """Wait until dsql-lint runs, or none does any more."""
    while bool(linting()) is not some:  # noqa: ASYNC110 - no event tells of another's processes
        await asyncio.sleep(0)


async def test_linting_has_a_time_limit_and_leaves_no_process() -> None:
    with pytest.raises(TimedOut, match=r"longer than 0\.2 s"):
        await LintProgram().lint(ENDLESS, timeout=0.2)
    assert not linting()


async def test_a_cancelled_lint_leaves_no_process(reader: Client) -> None:
    task = asyncio.ensure_future(call(reader, "dsql_lint", sql=SLOW))
    await asyncio.wait_for(until_linting(some=True), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    await asyncio.wait_for(until_linting(some=False), 5)
    assert not (await call(reader, "dsql_lint", sql="SELECT 1")).is_error


async def refusal(advice: LintAdvice | None) -> StatementRefused:
    """What ``transact`` says of an index without ASYNC."""
    async with AsyncExitStack() as stack:
        tools = Transact(
            LazyDatabase(Settings(), stack),
            allow_writes=True,
            confirmation=ChangeConfirmation("never"),
            limits=ResultLimits(),
            lint_advice=advice,
        )
        with pytest.raises(StatementRefused) as refused:
            await tools.transact(TransactRequest([CREATE_INDEX]))
        return refused.value


async def test_a_refusal_says_how_the_statement_is_written_for_aurora_dsql() -> None:
    plain, advised = await refusal(None), await refusal(LintAdvice())
    assert (plain.message, plain.code) == (advised.message, advised.code)
    assert "CREATE INDEX ASYNC bounds_i" in (advised.hint or "")


async def test_what_only_the_cluster_refuses_gets_advice_too() -> None:
    error = StatementFailed("Statement 1: unsupported", sqlstate="0A000", hint="Look it up.")
    await LintAdvice().add(error, [CREATE_INDEX])
    told = "Look it up. Written for Aurora DSQL: CREATE INDEX ASYNC bounds_i ON bounds (id)"
    assert error.hint == told
    other = StatementFailed("Statement 1: no such table", sqlstate="42P01", hint="Look it up.")
    await LintAdvice().add(other, [CREATE_INDEX])
    assert other.hint == "Look it up."


@pytest.mark.parametrize("sql", ["TRUNCATE t", "CREATE EXTENSION x", "LOCK TABLE t"])
async def test_what_has_no_form_in_aurora_dsql_gets_no_second_advice(sql: str) -> None:
    error = StatementFailed("Statement 1: unsupported", sqlstate="0A000", hint="Look it up.")
    await LintAdvice().add(error, [sql])
    assert error.hint == "Look it up."


async def test_without_dsql_lint_the_findings_are_told_and_its_absence(tmp_path: Path) -> None:
    told = await DsqlLint(LintProgram(tmp_path / "gone"), characters=1_000).dsql_lint(CREATE_INDEX, fix=True)
    assert "CREATE INDEX ASYNC bounds_i" in told.text
    assert "AWS's dsql-lint was not heard: dsql-lint does not start" in told.text


async def test_more_statements_than_are_linted_are_refused_at_once(reader: Client) -> None:
    told = await call(reader, "dsql_lint", sql="SELECT 1;\n" * 20_001)
    assert told.text.startswith(
        "Error (request_invalid): sql has 20,001 statements; at most 20,000 are linted"
    )
    assert "a part at a time" in told.text
    (tool,) = (one for one in (await reader.list_tools()).tools if one.name == "dsql_lint")
    assert "Up to 20,000 statements" in str(tool.input_schema)


async def test_what_is_to_be_mended_by_hand_comes_first_and_is_cut_last(reader: Client) -> None:
    fixable = "\n".join(f"CREATE INDEX i{n} ON t USING hash (c{n}, d{n});" for n in range(60))
    reply = await call(reader, "dsql_lint", sql=f"{fixable}\nTRUNCATE t;\nLISTEN x;")
    assert "line 61 (by hand)" in reply.text.splitlines()[1]
    assert reply.facts["findings"][0]["fix"] == "unfixable"


@pytest.mark.parametrize(
    ("sql", "following"),
    [
        ("CREATE INDEX i ON t (a);", "run the fixed script with psql; job_status tells"),
        ("LOCK TABLE t;", "run the fixed script with psql."),
        ("TRUNCATE t; LOCK TABLE t;", "mend the lines by hand, then run the fixed script with psql."),
    ],
)
async def test_a_fixed_script_has_a_next_step(reader: Client, sql: str, following: str) -> None:
    reply = await call(reader, "dsql_lint", sql=sql, fix=True)
    assert following in reply.text.splitlines()[-1]
    assert "is waited for" not in reply.text


async def test_a_fixed_script_is_for_migrate_where_that_is_offered(writer: Client) -> None:
    reply = await call(writer, "dsql_lint", sql="CREATE INDEX i ON t (a);", fix=True)
    assert reply.text.splitlines()[-1] == "Next: send the script to migrate, which waits for each job."


async def test_findings_that_are_not_shown_are_counted(reader: Client) -> None:
    script = "".join(f"CREATE TABLE t{n} (a{n} inet, b{n} serial);\n" for n in range(60))
    told = await call(reader, "dsql_lint", sql=script)
    assert "70 kinds of findings more: to see them, mend these and lint again" in told.text, told.text[-400:]
    assert len(told.facts["findings"]) + told.facts["more_findings"] == 120
