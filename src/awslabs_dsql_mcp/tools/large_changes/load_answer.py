"""Answers of ``load_rows``: what became of rows, beside their number."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress
from awslabs_dsql_mcp.bulk.loading.bad_rows import MAX_REASON, BadRow
from awslabs_dsql_mcp.bulk.loading.column_choice import written
from awslabs_dsql_mcp.bulk.loading.insert_plan import is_json
from awslabs_dsql_mcp.bulk.loading.load_counts import LoadCounts
from awslabs_dsql_mcp.bulk.loading.row_loader import RowLoadJob
from awslabs_dsql_mcp.bulk.loading.rows import listed
from awslabs_dsql_mcp.bulk.loading.verification import Differences
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.clusters.forecast import Forecast
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput, new_nonce, untrusted_notice
from awslabs_dsql_mcp.text import as_line, pluralize
from awslabs_dsql_mcp.tools.consent.preview import ON_PREVIEW
from awslabs_dsql_mcp.tools.large_changes.resumable import with_message

MAX_SHOWN: Final = 20
"""Rows at most whose faults are shown, and looked for in a dry run."""

_TAKEN_KEY: Final = re.compile(r"(DETAIL: Key \(.*?\)=)\(.*\)(?= already exists\.$)", re.DOTALL)


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
    counted = LoadCounts.of(counts, [column.name for column in job.plan.columns])
    skipped = counted.given - done.rows if done and job.plan.on_conflict == "skip" else 0
    lines = [*notes, *_lacking(job, counted.lacking)]
    if skipped > 0 and (counted.lacking or counted.nulls or counted.strings or counted.changed):
        lines.append("The counts of values are those of all rows given, skipped rows among them.")
    if lines:
        facts["notes"] = list(lines)
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
    if skipped > 0:
        shown = job.skipped_rows[:MAX_SHOWN]
        facts |= {"skipped": skipped, "skipped_rows": shown}
        named = f"{', '.join(map(str, shown))}{', …' if skipped > len(shown) else ''}"
        which = f": {'row' if skipped == 1 else 'rows'} {named} of those given" if shown else ""
        lines.append(f"{pluralize(skipped, 'row')} skipped, since a row of that key was there{which}.")
    output = ToolOutput((*told.parts, *lines), {**told.values, **facts})
    end = int((done.after or ("0",))[0]) if done and not done.done else None
    bad = [job.bad[number] for number in sorted(job.bad) if end is None or number <= end]
    shown = differences.lines() if differences else []
    return _with_values(output, bad, counted, shown)


def unread_rest(job: RowLoadJob, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Say from where on a source could not be read, and what to do; nothing if it was read to its end.

    Args:
        job: The load.
        counts: Counts of the load so far, as its progress has them.
    """
    start = LoadCounts.of(counts, ()).unread_from
    if not start:
        return ()
    place = job.bad[start].place if start in job.bad else f"{start:,}"
    whole = " (or mend it and load all of it with on_conflict='skip')" if job.plan.has_key else ""
    return (
        f"The rest of the file, from row {place} on, cannot be read: nothing of it is stored.",
        f"Next: mend the file from there on, and load that part as a file of its own{whole}.",
    )


def _lacking(job: RowLoadJob, lacking: Mapping[str, int]) -> list[str]:
    """Tell which columns are NULL since rows do not have their key, and how such a row gets a DEFAULT."""
    if not lacking:
        return []
    columns = list(zip(job.keys, job.plan.columns, strict=True))
    counts = [f"{key[:60]} in {pluralize(lacking[c.name], 'row')}" for key, c in columns if c.name in lacking]
    told = f"NULL where rows do not have the key: {listed(counts)}."
    own = [c.name for _, c in columns if c.name in lacking and c.has_default]
    if own:
        rest = [key for key, c in columns if c.name not in own]
        told += (
            f" Their DEFAULT ({listed(own)}) goes only to rows of a load without the column: load those rows "
            f"apart, with {written(rest)}."
        )
    return [told]


@dataclass(frozen=True)
class Trial:
    """What a dry run of a load has found.

    Attributes:
        rows: Number of rows, with those that cannot be read; one stands for the rest of a file.
        token: Token of this dry run.
        forecast: What the load will cost.
        refusal: Error of a run of this, because of its cost or of an earlier one.
        all_found: All rows of the first batch were found that the server rejects.
        is_whole: The first batch has all rows.
        previews: The token is for the user of a view alone.
    """

    rows: int
    token: str
    forecast: Forecast
    refusal: RequestInvalid | None
    all_found: bool
    is_whole: bool
    previews: bool


def trial_output(job: RowLoadJob, trial: Trial) -> ToolOutput:
    """Say what a load would do, after its first batch was tried and all rows were read.

    Args:
        job: The load, of which nothing is stored.
        trial: What was found.
    """
    rows, token, refusal = trial.rows, trial.token, trial.refusal
    bad = [job.bad[number] for number in sorted(job.bad)]
    rejected = [row for row in bad if row.is_rejected]
    kept = rows - len(bad)
    rest = next((row for row in bad if row.is_rest), None)
    rows -= rest is not None
    batches = -(-kept // keyset.MAX_BATCH_ROWS)
    values: dict[str, object] = {"rows": rows, "batches": batches}
    least = "at least " if rejected and not (trial.all_found and trial.is_whole) else ""
    if least:
        values["bad_rows_at_least"] = sum(not row.is_rest for row in bad)
    less = f", {least}{rows - kept:,} of them left out" if job.skip_bad_rows and rows > kept else ""
    told = f"dry run, nothing was stored: {pluralize(rows, 'row')}{less}"
    go = f"send it without dry_run, with dry_run_token={token} (once, in 10 min)."
    go = ON_PREVIEW if trial.previews else go
    stops = bool(rejected) and not job.skip_bad_rows
    if kept or rejected:
        told += f", in about {pluralize(batches, 'batch')}; " if kept else "; "
        told += _first_batch(rejected, trial, stops=stops)
    lines = [f"{told}."]
    if kept:
        lines.append(("If all the others can be stored: " if least else "") + trial.forecast.line)
        values["forecast"] = trial.forecast.facts
        if any(not job.plan.updates.isdisjoint(index) for index in job.plan.table.secondary):
            lines.append(
                "Each row counts as one that is there: an UPDATE writes two entries of each index whose "
                "columns it sets."
            )
    if rest is not None:
        lines.append(
            f"The rest of the file, from row {rest.place} on, cannot be read: nothing of it is stored."
        )
    if refusal is not None:
        lines += [refusal.message, f"Next: {refusal.hint}"]
    elif not kept or stops:
        lines.append(
            "Next: mend the rows" + (", or leave them out with skip_bad_rows=true." if stops else ".")
        )
    elif bad and not job.skip_bad_rows:
        lines.append(
            f"Next: mend row {bad[0].place}, where a load would stop, or leave it out with "
            f"skip_bad_rows=true. To load the batches before it, {go}"
        )
        values["dry_run_token"] = token
    else:
        lines.append(f"Next: to load them, {go}")
        values["dry_run_token"] = token
    return with_message("dry_run", lines, values)


def _first_batch(rejected: Sequence[BadRow], trial: Trial, *, stops: bool) -> str:
    """Say what became of the first batch."""
    if not rejected:
        return "the first batch was tried and passes"
    what = pluralize(len(rejected), "row")
    if not trial.all_found:
        what = f"at least {what}"
    if stops:
        which = f"row {rejected[0].place}" if trial.all_found and len(rejected) == 1 else what
        return f"{which} of the first batch cannot be stored, so that nothing would be loaded"
    alone = "" if trial.is_whole else ", which alone was tried"
    ended = "" if trial.all_found else "; the search ended there"
    return f"of the first batch{alone}, {what} cannot be stored and would be left out{ended}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _with_values(
    told: ToolOutput, all_of_call: Sequence[BadRow], counted: LoadCounts, differences: Sequence[str]
) -> ToolOutput:
    """Add what quotes rows, between markers; of the rows that were left out, those of this call."""
    bad = [row for row in all_of_call if not row.is_rest]
    rest = next((row for row in all_of_call if row.is_rest), None)
    start, all_bad = rest.number if rest else counted.unread_from, counted.bad
    if start:
        told = ToolOutput(told.parts, {**told.values, "unread_from": start, "bad_rows": all_bad})
    if all_bad and not bad:
        earlier = f"{pluralize(all_bad, 'row')} left out in earlier calls, not stored."
        told = _headed(told, [earlier], {"bad_rows": all_bad})
    if not all_of_call and not differences:
        return told
    mark = new_nonce()
    facts: dict[str, object] = {"data": untrusted_notice(mark)}
    before, lines = list[str](), list[str]()
    if bad:
        shown, count = bad[:MAX_SHOWN], len(bad)
        least = "bad_rows_at_least" in told.values
        facts |= {} if least else {"bad_rows": max(count, all_bad)}
        facts["reasons"] = [_left_out(row) for row in shown]
        lines = [_line(rows) for rows in _alike(shown)]
        more = f" (the first {MAX_SHOWN} of them)" if count > MAX_SHOWN else ""
        tried = told.values["status"] == "dry_run"
        what = "cannot be loaded" if tried else "left out, not stored"
        earlier = f"; {pluralize(all_bad, 'row')} with those of earlier calls" if all_bad > count else ""
        at_least = "At least " if least else ""
        before.append(f"{at_least}{pluralize(count, 'row')} {what}{more}{earlier}:")
    if rest is not None:
        facts["unread"] = _left_out(rest)
        lines.append(f"from row {rest.place} on: {as_line(rest.reason, MAX_REASON)}")
        before += [] if bad else ["Why:"]
    if differences:
        facts["differences"] = list(differences)
        lines += ["Differences, the first of them:", *map(as_line, differences)]
    facts["end"] = mark
    marked = Marked("rows", "\n".join(lines), mark)
    return _headed(told, [*before, marked], facts)


def _headed(told: ToolOutput, parts: Sequence[str | Marked], values: Mapping[str, object]) -> ToolOutput:
    """Put parts before an answer, or behind its first line where that says that it is not complete."""
    first = told.parts[: told.values["status"] == "partial"]
    return ToolOutput((*first, *parts, *told.parts[len(first) :]), {**told.values, **values})


def _alike(bad: Sequence[BadRow]) -> list[list[BadRow]]:
    """Put rows together whose reasons name another key alone: each is there already."""
    groups: dict[str, list[BadRow]] = {}
    for row in bad:
        groups.setdefault(_TAKEN_KEY.sub(r"\1", row.reason), []).append(row)
    return list(groups.values())


def _line(rows: Sequence[BadRow]) -> str:
    first, *more = rows
    likewise = f"; likewise {listed([row.place for row in more])}" if more else ""
    return f"row {first.place}: {as_line(first.reason, MAX_REASON)}{likewise}"


def _left_out(row: BadRow) -> dict[str, object]:
    return {
        "row": row.number,
        **({"line": row.line} if row.line else {}),
        "reason": as_line(row.reason, MAX_REASON),
    }
