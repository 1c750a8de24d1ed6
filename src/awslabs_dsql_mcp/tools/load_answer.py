"""Answers of ``load_rows``: what became of rows, beside their number."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress
from awslabs_dsql_mcp.bulk.loading.insert_plan import is_json
from awslabs_dsql_mcp.bulk.loading.load_counts import LoadCounts
from awslabs_dsql_mcp.bulk.loading.row_loader import MAX_REASON, BadRow, RowLoadJob
from awslabs_dsql_mcp.bulk.loading.rows import listed
from awslabs_dsql_mcp.bulk.loading.verification import Differences
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput, new_nonce, untrusted_notice
from awslabs_dsql_mcp.text import as_line, pluralize
from awslabs_dsql_mcp.tools.resumable import BatchResult, with_message

_MAX_SHOWN: Final = 20


class LeftOut(TypedDict):
    """A row that was left out."""

    row: int
    line: NotRequired[int]
    reason: str


class Verified(TypedDict):
    """Result of a comparison; ``complete`` if it reached the last row.

    ``read_as_others`` counts values that their type changes as it reads them, so that no difference shows.
    """

    compared: int
    complete: bool
    missing: int
    changed: dict[str, int]
    read_as_others: NotRequired[dict[str, int]]


class LoadResult(BatchResult):
    """Progress of a load."""

    bad_rows: NotRequired[int]
    data: NotRequired[str]
    reasons: NotRequired[list[LeftOut]]
    unread_from: NotRequired[int]
    skipped: NotRequired[int]
    skipped_rows: NotRequired[list[int]]
    nulls: NotRequired[dict[str, int]]
    json_strings: NotRequired[dict[str, int]]
    changed: NotRequired[dict[str, int]]
    verified: NotRequired[Verified]
    differences: NotRequired[list[str]]
    notes: NotRequired[list[str]]
    end: NotRequired[str]


def with_lines(
    told: ToolOutput, lines: Sequence[str], values: Mapping[str, object] | None = None
) -> ToolOutput:
    """Add lines to an answer and to its message, and values."""
    message = (*cast("tuple[str, ...]", told.values["message"]), *lines)
    return ToolOutput((*told.parts, *lines), {**told.values, "message": message, **(values or {})})


def answer(
    told: ToolOutput,
    job: RowLoadJob,
    notes: Sequence[str],
    counts: Mapping[str, int],
    done: Progress | None = None,
    differences: Differences | None = None,
) -> ToolOutput:
    """Add what a load did with rows: left out, passed over, changed, NULL.

    Args:
        told: The answer.
        job: The load.
        notes: What the source found or left out.
        counts: Counts of the load so far, as its progress has them.
        done: Progress of the load.
        differences: What a comparison found.
    """
    facts: dict[str, object] = {}
    lines = list(notes)
    if notes:
        facts["notes"] = list(notes)
    counted = LoadCounts.of(counts, [column.name for column in job.plan.columns])
    if counted.nulls:
        facts["nulls"] = counted.nulls
        documents = [c.name for c in job.plan.columns if c.name in counted.nulls and is_json(c)]
        which = (
            f" (SQL NULL in {listed(documents)}; JSON's null is the text null of a CSV file)"
            if documents
            else ""
        )
        lines.append(f"NULLs: {_counts(counted.nulls)}{which}.")
    if counted.strings:
        facts["json_strings"] = counted.strings
        lines.append(
            f"Texts stored as JSON strings: {_counts(counted.strings)}. For documents, give objects and "
            "arrays instead of their texts, or the texts in a CSV file."
        )
    if counted.changed:
        facts["changed"] = counted.changed
        lines.append(f"Rounded or cut to fit the column: {_counts(counted.changed)}.")
    skipped = counted.given - done.rows if done and job.plan.on_conflict == "skip" else 0
    if skipped > 0:
        shown = job.skipped_rows[:_MAX_SHOWN]
        facts |= {"skipped": skipped, "skipped_rows": shown}
        which = f": {', '.join(map(str, shown))}{', …' if skipped > len(shown) else ''}" if shown else ""
        lines.append(f"{pluralize(skipped, 'row')} skipped, since a row of that key was there{which}.")
    output = ToolOutput((*told.parts, *lines), {**told.values, **facts})
    end = int((done.after or ("0",))[0]) if done and not done.done else None
    bad = [job.bad[number] for number in sorted(job.bad) if end is None or number <= end]
    return _with_values(output, bad, counted.bad, differences.lines() if differences else [])


def trial_output(
    job: RowLoadJob, rows: int, fault: str, token: str, earlier: RequestInvalid | None
) -> ToolOutput:
    """Say what a load would do, after its first batch was tried and all rows were read.

    Args:
        job: The load, of which nothing is stored.
        rows: Number of rows, with those that cannot be read; one stands for the rest of a file.
        fault: What the server says of the first row of the first batch that it rejects; empty for none.
        token: Token of this dry run.
        earlier: Error of a run of this, because of an earlier one.
    """
    unread = [job.bad[number] for number in sorted(job.bad)]
    kept = rows - len(unread)
    rows -= sum(row.is_rest for row in unread)
    batches = -(-kept // keyset.MAX_BATCH_ROWS)
    values: dict[str, object] = {"rows": rows, "batches": batches}
    less = f", {rows - kept:,} of them left out" if job.skip_bad_rows and rows > kept else ""
    told = f"dry run, nothing was stored: {pluralize(rows, 'row')}{less}"
    go = f"send it without dry_run, with dry_run_token={token} (once, in 10 min)."
    stops = bool(fault) and not job.skip_bad_rows
    if kept:
        told += f", in about {pluralize(batches, 'batch')}; "
        told += (
            "of the first batch this cannot be stored" if fault else "the first batch was tried and passes"
        )
    if fault:
        told += ", so that nothing would be loaded:" if stops else " and would be left out:"
    lines = [told if fault else f"{told}.", *([fault] if fault else [])]
    if earlier is not None:
        lines += [earlier.message, f"Next: {earlier.hint}"]
    elif not kept or stops:
        lines.append(
            "Next: mend the rows" + (", or leave them out with skip_bad_rows=true." if stops else ".")
        )
    elif unread and not job.skip_bad_rows:
        lines.append(
            f"Next: mend row {unread[0].place}, where a load would stop, or leave it out with "
            f"skip_bad_rows=true. To load the batches before it, {go}"
        )
        values["dry_run_token"] = token
    else:
        lines.append(f"Next: to load them, {go}")
        values["dry_run_token"] = token
    return with_message("dry_run", lines, values)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _with_values(
    told: ToolOutput, bad: Sequence[BadRow], all_bad: int, differences: Sequence[str]
) -> ToolOutput:
    """Add what quotes rows, between markers; of the rows that were left out, those of this call."""
    if all_bad and not bad:
        earlier = f"{pluralize(all_bad, 'row')} left out in earlier calls, not stored."
        told = ToolOutput((earlier, *told.parts), {**told.values, "bad_rows": all_bad})
    if not bad and not differences:
        return told
    mark = new_nonce()
    facts: dict[str, object] = {"data": untrusted_notice(mark)}
    before, lines = list[str](), list[str]()
    rest = next((row for row in bad if row.is_rest), None)
    if rest is not None:
        facts["unread_from"] = rest.number
        before.append(
            f"The rest of the file, from row {rest.place} on, cannot be read: nothing of it is stored."
        )
    if bad:
        shown = bad[:_MAX_SHOWN]
        count = len(bad) - (rest is not None)
        facts |= {"bad_rows": max(count, all_bad), "reasons": [_left_out(row) for row in shown]}
        lines = [f"row {row.place}: {as_line(row.reason, MAX_REASON)}" for row in shown]
        more = f" (the first {_MAX_SHOWN} of them)" if len(bad) > _MAX_SHOWN else ""
        tried = told.values["status"] == "dry_run"
        what = "cannot be loaded" if tried else "left out, not stored"
        earlier = f"; {pluralize(all_bad, 'row')} with those of earlier calls" if all_bad > count else ""
        before.append(f"{pluralize(count, 'row')} {what}{more}{earlier}:" if count else "Why:")
    if differences:
        facts["differences"] = list(differences)
        lines += ["Differences, the first of them:", *map(as_line, differences)]
    facts["end"] = mark
    marked = Marked("rows", "\n".join(lines), mark)
    return ToolOutput((*before, marked, *told.parts), {**told.values, **facts})


def _left_out(row: BadRow) -> dict[str, object]:
    return {
        "row": row.number,
        **({"line": row.line} if row.line else {}),
        "reason": as_line(row.reason, MAX_REASON),
    }
