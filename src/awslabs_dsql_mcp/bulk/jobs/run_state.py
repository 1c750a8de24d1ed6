"""State of a batch job's run in one call: its progress, its pace, and what it says when it stops."""

from dataclasses import dataclass, replace

from awslabs_dsql_mcp.bulk.jobs.batch_job import Batch, BatchJob
from awslabs_dsql_mcp.bulk.jobs.earlier_runs import content_position, describe
from awslabs_dsql_mcp.bulk.jobs.progress_table import KEPT_FINISHED, KEPT_UNFINISHED
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, encode
from awslabs_dsql_mcp.bulk.jobs.run_record import RecordLost, RunRecord
from awslabs_dsql_mcp.errors import DsqlError


@dataclass
class RunState:
    """State of a run in this call.

    Attributes:
        job: The job.
        record: What the progress table has of it.
        progress: How far it is.
        size: Rows of the next batch at most.
        started_at: When the call began, in monotonic seconds.
        recorded: The batch that is being stored is recorded.
        expected: Seconds that the next batch is expected to take.
        rows_in_call: Rows of this call's batches.
        outcome_unknown: The batch may have been stored, and is run again.
        failures: Consecutive transient failures.
        reported_at: When the client was last told, in monotonic seconds.
        reported: The number of rows that it was told, which has to grow each time.
        halved_for: The last failure after which batches were made smaller.
    """

    job: BatchJob
    record: RunRecord
    progress: Progress
    size: int
    started_at: float
    recorded: bool = False
    expected: float = 0.0
    rows_in_call: int = 0
    outcome_unknown: bool = False
    failures: int = 0
    reported_at: float = 0.0
    reported: float = 0.0
    halved_for: str = ""

    def must_record(self, batch: Batch) -> bool:
        """Return true if a batch is to be recorded, since nothing else keeps it from being done twice."""
        alone = batch.last and not self.progress.batches and self.record.row is None
        return not self.job.repeatable and not (alone and self.job.fails_if_repeated)

    def after(self, batch: Batch, rows: int) -> Progress:
        """Progress behind a batch that changed some rows."""
        progress = self.progress.advance(batch.last_key, rows, done=batch.last, counts=batch.counts)
        return replace(progress, after=content_position(self.job)) if progress.done else progress

    def adopt(self, progress: Progress) -> None:
        """Go on from a progress that the record shows."""
        self.rows_in_call += progress.rows - self.progress.rows
        self.progress, self.outcome_unknown, self.failures = progress, False, 0

    def describe(self) -> str:
        """Describe the progress."""
        return describe(self.job, self.progress)

    def token(self) -> str:
        """Resume token of the progress."""
        return encode(self.job.fingerprint, self.progress)

    @property
    def may_have_stored(self) -> bool:
        """True if a batch of the run is stored, or may be."""
        return bool(self.progress.batches) or self.outcome_unknown

    @property
    def kept(self) -> str:
        """Sentence on what the progress table keeps of a run; empty if nothing."""
        if self.job.repeatable or self.record.row is None:
            return ""
        name = self.job.progress_table.name
        if self.progress.done:
            return f"{name} keeps this run for {KEPT_FINISHED}, so that the same call is not applied twice."
        return f"{name} keeps its progress for {KEPT_UNFINISHED}."

    def stopped(self, error: DsqlError) -> DsqlError:
        """Add to the error that stopped the run how far it is, and the next step."""
        progress = self.progress
        if not self.may_have_stored:
            return error
        batch = f"Batch {progress.batches + 1}"
        if self.outcome_unknown:
            failed = f"{batch} may be stored or not"
        elif error.outcome == "unknown":
            failed = f"{batch} failed"
        else:  # a read has no outcome
            failed = f"{batch} failed, nothing of it was stored"
        so_far = f"{self.describe()}. " if progress.batches else ""
        error.message = f"Stopped: {so_far}{failed}: {error.message}"
        error.outcome = "partial" if progress.batches else "unknown"
        if isinstance(error, RecordLost):
            return error
        error.facts = {"rows": progress.rows, "batches": progress.storing, "resume": self.token()}
        next_step = f"To continue: the same call with resume='{self.token()}'."
        if progress.batches and not self.job.repeatable:
            next_step = f"{next_step} {self.job.correction}".rstrip()
        if self.outcome_unknown:
            next_step += (
                " It runs that batch again, which changes nothing if it was stored."
                if self.job.repeatable
                else " It first checks if that batch was stored."
            )
            error.hint = next_step
        else:
            error.hint = f"{error.hint or ''} {next_step}".strip()
        return error
