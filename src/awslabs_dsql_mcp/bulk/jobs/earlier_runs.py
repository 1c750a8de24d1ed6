"""Earlier runs of a job, or of one that may do the same work: where they are gone on with, or refused."""

from typing import Final

from awslabs_dsql_mcp.bulk.jobs.batch_job import BatchJob
from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, encode
from awslabs_dsql_mcp.bulk.jobs.run_record import RunRecord
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.errors import RequestInvalid

UNFINISHED: Final = "unfinished_run"
"""Code of the error of a job whose earlier run is unfinished."""


def earlier_error(job: BatchJob, record: RunRecord, known: Progress | None) -> RequestInvalid | None:
    """Error of a job of which there is an earlier run; ``None`` if there is none.

    Args:
        job: The job.
        record: Its record, as it was read.
        known: Progress of a run that this server knows of.
    """
    earlier = record.progress or (known if known and known.batches else None)
    if earlier is None or (earlier.done and record.row is not None and record.row.expired):
        return None
    if earlier.done and earlier.after != content_position(job):
        return None  # it ended with other rows
    if earlier.done and record.row is not None:
        return _done_error(job, earlier, f", {record.row.changed_at}")
    return RequestInvalid(
        f"An earlier run of this job is unfinished: {describe(job, earlier)}. Nothing was run now.",
        code=UNFINISHED,
        hint=f"To continue it: resume='{encode(job.fingerprint, earlier)}'. To start over, on all rows: "
        f"resume='{RESTART}'.",
    )


async def finished_run(job: BatchJob, record: RunRecord) -> Progress | None:
    """Progress of a recorded run that has done what a job would do; ``None`` if there is none.

    Args:
        job: The job.
        record: Its record, which is read.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    await record.read()
    content = content_position(job)
    own = record.progress
    if own is not None and own.done and own.after == content:
        return own
    other = await record.other(content)
    return other[0] if other and other[0].done else None


async def other_error(job: BatchJob, record: RunRecord) -> RequestInvalid | None:
    """Error of a job that may do again the work of another one, which is unfinished.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    other = None if job.repeatable else await record.other(content_position(job))
    if other is None:
        return None
    progress, token = other
    if progress.done:
        return _done_error(job, progress)
    next_step = job.correction or f"If these are its rows, corrected: resume='{token}'."
    return RequestInvalid(
        f"A run of this kind on this table is unfinished: {describe(job, progress)}. Nothing was run now.",
        code=UNFINISHED,
        hint=f"{next_step} To run this on all its rows nevertheless: resume='{RESTART}'.",
    )


def continued(record: RunRecord, token: Progress) -> Progress:
    """Return the recorded progress of the run of a resume token.

    Raises:
        RecordLost: It is not recorded, or is behind the token.
    """
    stored = record.progress
    if stored is None and not token.batches:
        return token
    if stored is None:
        raise record.lost("is no longer there")
    if stored.run != token.run:
        raise record.lost("is now that of another run")
    if stored.batches < token.batches or (stored.batches == token.batches and stored.after != token.after):
        raise record.lost("was changed")
    return stored if stored.batches > token.batches else token


def content_position(job: BatchJob) -> Position | None:
    """Position of a finished job, which holds what it was done for."""
    return (job.content,) if job.content else None


def describe(job: BatchJob, progress: Progress) -> str:
    """Describe the progress of a job."""
    if not progress.batches:
        return "nothing is committed yet"
    where = f", up to {job.describe(progress.after)}" if progress.after and not progress.done else ""
    return f"{progress.stored}{where}"


def ended_error(job: BatchJob, progress: Progress) -> RequestInvalid:
    """Error of a resume token whose run has ended, with other rows than the job has now."""
    return RequestInvalid(
        f"The run of this resume token has ended: {describe(job, progress)}. Nothing was run now, and the "
        "rows are no longer those.",
        code="already_done",
        hint=f"To run it on the rows as they are: resume='{RESTART}', with on_conflict='skip' to pass over "
        "those that are stored.",
    )


def _passing(job: BatchJob) -> str:
    """How rows that are there are passed over, where their keys would collide."""
    collide = job.content and job.fails_if_repeated
    return " and on_conflict='skip', which passes over the rows that are there" if collide else ""


def _done_error(job: BatchJob, progress: Progress, when: str = "") -> RequestInvalid:
    return RequestInvalid(
        f"This has been done already{when}: {describe(job, progress)}. Nothing was run now.",
        code="already_done",
        hint=f"To do it once more: the same call with resume='{RESTART}'{_passing(job)}.",
    )
