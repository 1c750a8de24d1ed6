"""Jobs as a view draws them: what is under way, and what a person has to do about one that failed."""

import re
from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.catalog.jobs import AsyncJob
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.views.status import Cell, Kind, state, status_view, table

_HEADS: Final = ("Object", "State", "What it says", "Kind", "Submitted", "Last change", "Job")
_KINDS: Final[dict[str, Kind]] = {"completed": "good", "failed": "bad", "processing": "dry"}
_FRACTION: Final = re.compile(r"\.\d+")


def jobs_view(jobs: Sequence[AsyncJob]) -> dict[str, object]:
    """Give what a view draws of jobs.

    Args:
        jobs: The jobs.
    """
    lines = [_line(job) for job in jobs]
    return status_view("job_status", _head(jobs), [table("Jobs", _HEADS, lines)])


def _head(jobs: Sequence[AsyncJob]) -> dict[str, object]:
    unfinished = sum(not job.ended for job in jobs)
    under_way = f", {unfinished} unfinished" if unfinished else ""
    if left := sum(bool(_step(job)) for job in jobs):
        return state(f"{pluralize(left, 'job')} to be seen to{under_way}", "bad")
    if unfinished:
        return state(f"{unfinished} unfinished", "dry")
    return state("No job is unfinished", "good") if jobs else state("There are no jobs", "")


def _line(job: AsyncJob) -> list[Cell]:
    step = _step(job)
    not_valid = job.status == "completed" and job.index_valid is False
    status = state("index not valid", "bad") if not_valid else state(job.status, _KINDS.get(job.status, ""))
    kind = job.job_type.lower().replace("_", " ")
    details = [*filter(None, [job.details]), *([f"Next: {step}"] if step else [])]
    name = job.object_name or "(gone)"
    return [name, status, details, kind, _time(job.started), _time(job.updated), job.job_id]


def _step(job: AsyncJob) -> str:
    """Say what a person has to do; empty for nothing, as for an object that is gone."""
    if job.object_name is None or not job.ended:
        return ""
    if job.index_valid is False:
        return "fix the cause, drop the index, which stays and is not valid, and create it again."
    if job.status != "failed":
        return ""
    return "fix the cause, and validate again." if "VALIDATE" in job.job_type else "start it again."


def _time(text: str | None) -> str:
    return "not yet" if text is None else _FRACTION.sub("", text).replace("+00", " UTC")
