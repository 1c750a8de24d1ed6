"""Jobs as they are read, and what is said to do about them."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.catalog.jobs import AsyncJob, fold_jobs, is_job_id, jobs_query, next_step
from awslabs_dsql_mcp.database.model import Result

JOB = AsyncJob(
    "a" * 26,
    "completed",
    "INDEX_BUILD",
    "public.i",
    None,
    index_valid=True,
    started="2026-11-24 10:00:00+00",
    updated=None,
)
STATES = st.sampled_from(["submitted", "processing", "completed", "failed"])
JOBS = st.builds(
    AsyncJob,
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26),
    STATES,
    st.sampled_from(["INDEX_BUILD", "VALIDATE_CONSTRAINT", "ANALYZE", "DROP"]),
    st.none() | st.text(),
    st.none() | st.text(),
    st.none() | st.booleans(),
    st.none() | st.text(),
    st.none() | st.text(),
)


def changed(**values: object) -> AsyncJob:
    return dataclasses.replace(JOB, **values)


def test_rows_become_jobs() -> None:
    row = (JOB.job_id, "failed", "INDEX_BUILD", "public.i", "found duplicates", "f", "then", "now")
    bare = (JOB.job_id, "submitted", "DROP", None, "", None, None, None)
    failed, submitted = fold_jobs(Result("SELECT 2", 2, rows=(row, bare)))
    assert (failed.index_valid, failed.details, failed.ended) == (False, "found duplicates", True)
    assert (submitted.index_valid, submitted.details, submitted.ended) == (None, None, False)
    assert submitted.facts == {"job_id": JOB.job_id, "status": "submitted", "job_type": "DROP"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("a2" * 13, True), ("a" * 25, False), ("a" * 27, False), ("A" * 26, False), ("1" * 26, False)],
)
def test_a_job_id_is_told_from_other_texts(text: str, *, is_one: bool) -> None:
    assert is_job_id(text) is is_one
    assert not is_job_id(text + "\n")


def test_one_job_is_asked_for_by_a_value() -> None:
    assert jobs_query("x' OR true --").params == ("x' OR true --",)


def test_a_line_says_what_is_known() -> None:
    assert JOB.line == f"{JOB.job_id} INDEX_BUILD public.i: completed, index valid, submitted {JOB.started}"
    gone = changed(object_name=None, index_valid=None, details="it\nis dropped", updated="later")
    assert gone.line.endswith(f"(gone): completed, submitted {JOB.started}, updated later: it is dropped")


@pytest.mark.parametrize(
    ("jobs", "step"),
    [
        ([changed(status="failed", index_valid=False)], "DROP INDEX"),
        ([changed(index_valid=False)], "DROP INDEX the index that is not valid"),
        ([changed(status="submitted"), JOB], f'job_status(job_id="{JOB.job_id}")'),
        ([changed(status="processing")] * 2, "ask again with job_status(wait_s=30): 2 jobs unfinished."),
    ],
)
def test_the_next_step_fits_the_jobs(jobs: list[AsyncJob], step: str) -> None:
    assert step in next_step(jobs)


@pytest.mark.parametrize("jobs", [[], [JOB], [JOB, JOB]])
def test_where_there_is_nothing_to_do_there_is_no_next_step(jobs: list[AsyncJob]) -> None:
    assert next_step(jobs) == ""


@given(st.lists(JOBS, max_size=4))
def test_who_has_unfinished_jobs_is_told_to_ask_again(jobs: list[AsyncJob]) -> None:
    unfinished = any(not job.ended for job in jobs)
    assert ("ask again" in next_step(jobs)) is unfinished


@given(JOBS)
def test_whatever_a_job_says_stays_one_short_line(job: AsyncJob) -> None:
    short = dataclasses.replace(job, object_name="o", started="s", updated=None)
    assert len(short.line) < 650
    assert len((short.details and short.line.splitlines()) or [""]) == 1
