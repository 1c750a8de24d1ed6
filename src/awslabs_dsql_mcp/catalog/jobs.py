"""Asynchronous jobs of Aurora DSQL, which build indexes and validate constraints.

Source: Aurora DSQL user guide, "Asynchronous indexes in Aurora DSQL" and the pages of schema sys. A job is
``submitted``, ``processing``, ``completed`` or ``failed``.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.text import pluralize, truncate_sentence

JOB_KINDS: Final = frozenset({"CREATE INDEX ASYNC", "ALTER TABLE ASYNC"})
"""Kinds of statement that return a job's id."""

_FINAL_STATES: Final = ("completed", "failed")
_MAX_DETAIL: Final = 500
_ID: Final = re.compile(r"[a-z2-7]{26}")
# The first 20, unfinished and newest first. object_name is NULL once the object is dropped; pg_index has the
# validity of the index.
_JOBS: Final = """
SELECT j.job_id, j.status, j.job_type, j.object_name, j.details, i.indisvalid, j.start_time::text,
       j.update_time::text
FROM sys.jobs j LEFT JOIN pg_index i
  ON j.class_id = 'pg_class'::regclass::oid AND i.indexrelid = j.object_id
WHERE $1::text IS NULL OR j.job_id = $1::text
ORDER BY j.status IN ('completed', 'failed'), j.start_time DESC
LIMIT 20"""


@dataclass(frozen=True)
class AsyncJob:
    """One job.

    Attributes:
        job_id: 26 characters of base32.
        status: See the module's docstring.
        job_type: ``INDEX_BUILD``, ``VALIDATE_CONSTRAINT``, ``ANALYZE`` or ``DROP``.
        object_name: Name of the object; ``None`` once it is dropped.
        details: Error or remark; a completed job may have one.
        index_valid: Queries can use the index; ``None`` for other jobs, and once the index is dropped.
        started: Time of submission, as PostgreSQL writes it.
        updated: Time of the last change; ``None`` before the job has begun.
    """

    job_id: str
    status: str
    job_type: str
    object_name: str | None
    details: str | None
    index_valid: bool | None
    started: str | None
    updated: str | None

    @property
    def ended(self) -> bool:
        """True if the job has completed or failed."""
        return self.status in _FINAL_STATES

    @property
    def line(self) -> str:
        """The job as one line of text."""
        index = {True: ", index valid", False: ", index not valid", None: ""}[self.index_valid]
        details = f": {truncate_sentence(self.details, _MAX_DETAIL)}" if self.details else ""
        times = f"submitted {self.started}" + (f", updated {self.updated}" if self.updated else "")
        return (
            f"{self.job_id} {self.job_type} {self.object_name or '(gone)'}: {self.status}{index}, "
            f"{times}{details}"
        )

    @property
    def facts(self) -> dict[str, object]:
        """The job as JSON values, without those that are unknown; its details on a line."""
        details = self.details and truncate_sentence(self.details, _MAX_DETAIL)
        values = asdict(self) | {"details": details}
        return {name: value for name, value in values.items() if value is not None}


def is_job_id(text: str) -> bool:
    """Return true for the form of a job's id: 16 bytes in lower-case base32 (RFC 4648) without padding."""
    return _ID.fullmatch(text) is not None


def jobs_query(job_id: str | None) -> Query:
    """Query for one job, or for the unfinished and newest ones."""
    return Query(_JOBS, (job_id,))


def fold_jobs(result: Result) -> tuple[AsyncJob, ...]:
    """Convert the rows of `jobs_query`."""
    valid = {"t": True, "f": False, None: None}
    return tuple(
        AsyncJob(str(id_), str(status), str(kind), name, details or None, valid[index], started, updated)
        for id_, status, kind, name, details, index, started, updated in result.rows
    )


def next_step(jobs: Sequence[AsyncJob]) -> str:
    """Next step for a list of jobs, as a sentence; empty if there is nothing to do."""
    if unfinished := [job for job in jobs if not job.ended]:
        which = f'job_id="{unfinished[0].job_id}"' if len(unfinished) == 1 else "wait_s=30"
        return f"ask again with job_status({which}): {pluralize(len(unfinished), 'job')} unfinished."
    if any(job.status == "failed" for job in jobs):
        return _AFTER_FAILURE
    if any(job.index_valid is False for job in jobs):
        return "DROP INDEX the index that is not valid, and create it again. Use transact."
    return ""


_AFTER_FAILURE: Final = (
    "Fix the cause that the failed job names (such as duplicates), DROP INDEX its index, which remains, not "
    "valid, and create it again; after a failed validation, fix the rows, and validate again. Use transact."
)
