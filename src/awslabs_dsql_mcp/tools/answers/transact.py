"""Answer of ``transact``: how a transaction ended, and the result of each of its statements."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.catalog.jobs import JOB_KINDS
from awslabs_dsql_mcp.database.model import Result, ResultLimits
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.output.rows import FormattedRows, format_rows
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput, new_nonce, untrusted_notice
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.consent.preview import ON_PREVIEW
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.prepare import takes_limit

_MIN_SHOWN: Final = 5  # statements whose results are shown in any case
_MIN_ANSWER: Final = 10_000  # characters of results, likewise
_FRAME: Final = 60  # characters around a result: its number, names of values


def answer(
    report: Report,
    unit: UnitOfWork,
    statements: Sequence[StatementInfo],
    limits: ResultLimits,
    token: str | None,
    *,
    offered: OfferedTools,
) -> ToolOutput:
    """Tell how a transaction ended, with the results that fit.

    Args:
        report: How it ended.
        unit: What was run.
        statements: Its statements, in order.
        limits: Largest result that is shown.
        token: Runs a dry run for real; ``None`` where it is for the user of a view alone, or none was run.
        offered: The tools that the next step may name.
    """
    tables = _tables(report, unit, statements, limits)
    attempts = f" after {report.attempts} attempts" if report.attempts > 1 else ""
    remarks = [_remark(statement, unit) for statement in statements]
    said = [f"{_outcome(report, unit)}{attempts}: {pluralize(len(report.results), 'statement')}"]
    for number, (table, remark) in enumerate(zip(tables, remarks, strict=False), 1):
        *before, last = table.summary
        first, *more = *before, last + (f" ({remark})" if remark else "")
        said += [f"{number}. {first}", *more]
    outcome = "read" if unit.read_only else report.outcome
    facts: dict[str, object] = {"outcome": outcome, "attempts": report.attempts}
    if left_out := _left_out(report.results[len(tables) :]):
        said.append(left_out)
        facts["notice"] = left_out
    if unit.dry_run and token is None:
        said.append(f"Next: {ON_PREVIEW}")
        facts["next"] = f"Dry run, nothing was stored; {ON_PREVIEW}"
    elif unit.dry_run:
        step = f"to run it for real, send the same with dry_run_token={token} (once, in 10 min)."
        said.append(f"Next: {step}")
        facts |= {"dry_run_token": token, "next": f"Dry run, nothing was stored; {step}"}
    elif (job_id := _started_job(report, statements)) is not None:
        step = _follow(job_id, offered)
        said.append(f"Next: {step}")
        facts |= {"job_id": job_id, "next": step}
    mark = new_nonce()
    rows = [line for number, t in enumerate(tables, 1) if t.lines for line in (f"{number}:", *t.lines)]
    values = [_statement_values(t, r, mark) for t, r in zip(tables, remarks, strict=False)]
    if not any(table.has_text for table in tables):
        return ToolOutput((*said, *rows), {**facts, "statements": values})
    marked = Marked("rows", "\n".join(rows), mark)
    return ToolOutput((*said, marked), {**facts, "data": untrusted_notice(mark), "statements": values})


def _tables(
    report: Report, unit: UnitOfWork, statements: Sequence[StatementInfo], limits: ResultLimits
) -> list[FormattedRows]:
    """Show the results that fit; what one leaves of its share of the characters is the next ones'."""
    tables: list[FormattedRows] = []
    left, share = limits.characters, limits.characters // len(report.results)
    used, waiting = 0, len(report.results)
    for result, statement in zip(report.results, statements, strict=True):
        if len(tables) >= _MIN_SHOWN and used > max(limits.characters, _MIN_ANSWER):
            break
        waiting -= 1
        caps = replace(limits, characters=max(left - waiting * share, share))
        limited = takes_limit(statement, read_only=unit.read_only)
        tables.append(format_rows(result, caps, limited=limited))
        rows = sum(map(len, tables[-1].lines))
        left -= rows
        used += rows + sum(map(len, tables[-1].summary)) + _FRAME
    return tables


def _left_out(results: Sequence[Result]) -> str:
    """Count the statements whose results do not fit into the answer, by command."""
    if not results:
        return ""
    counts = Counter[str]()
    for result in results:
        counts[result.command.partition(" ")[0]] += result.rows_affected or 0
    rows = ", ".join(f"{command} {pluralize(count, 'row')}" for command, count in counts.items())
    return (
        f"… and {pluralize(len(results), 'more statement')}, which ran too ({rows}); send fewer "
        "at once to see each."
    )


def _remark(statement: StatementInfo, unit: UnitOfWork) -> str:
    if unit.read_only:
        return ""
    if statement.whole_table:
        has_none = any(effect.every_row and not effect.has_where for effect in statement.effects)
        return "no WHERE: every row" if has_none else "a WHERE that tells no rows apart"
    uncounted = statement.uncounted and statement.category != "ddl"  # a DROP says what it removes
    return "may have changed rows that are not counted" if uncounted else ""


def _started_job(report: Report, statements: Sequence[StatementInfo]) -> str | None:
    """Find the id of the job that a statement, which stands alone, has started; none if none was."""
    if statements[0].kind not in JOB_KINDS:
        return None
    rows = report.results[0].rows
    return rows[0][0] if rows else None


def _follow(job_id: str, offered: OfferedTools) -> str:
    if offered.can("job_status"):
        return offered.led(f'job_status(job_id="{job_id}"): only when the job is completed is it done.')
    query = f"SELECT status, details FROM sys.jobs WHERE job_id = '{job_id}'"  # noqa: S608 - an id that the cluster made
    return f"{query}: only when the status is completed is it done."


def _outcome(report: Report, unit: UnitOfWork) -> str:
    if unit.read_only:
        return "read from one snapshot"
    return "dry run, rolled back" if unit.dry_run else report.outcome


def _statement_values(table: FormattedRows, remark: str, mark: str) -> dict[str, object]:
    values = dict(table.structured)
    if remark:
        values = {"notice": " ".join(filter(None, [str(values.get("notice", "")), f"({remark})"]))} | {
            name: value for name, value in values.items() if name != "notice"
        }
    return values | ({"end": mark} if table.has_text else {})
