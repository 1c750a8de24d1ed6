"""Jobs as a view draws them: each with what a person has to do about it."""

from typing import Any

import pytest

from awslabs_dsql_mcp.catalog.jobs import AsyncJob
from awslabs_dsql_mcp.catalog.jobs_view import jobs_view

DROP = "Next: fix the cause, drop the index, which stays and is not valid, and create it again."
STARTED = "2026-11-29 20:47:25.123456+00"


def drawn(*jobs: tuple[str, str, str | None, bool | None]) -> Any:  # noqa: ANN401 - JSON
    """Draw jobs of a status, kind, object, and validity of an index."""
    return jobs_view(
        [
            AsyncJob("a" * 26, status, kind, name, None, valid, STARTED, None)
            for status, kind, name, valid in jobs
        ]
    )


@pytest.mark.parametrize(
    ("job", "state", "told"),
    [
        (("submitted", "INDEX_BUILD", "i", False), ("submitted", ""), []),
        (("processing", "INDEX_BUILD", "i", False), ("processing", "dry"), []),
        (("completed", "INDEX_BUILD", "i", True), ("completed", "good"), []),
        (("completed", "INDEX_BUILD", "i", False), ("index not valid", "bad"), [DROP]),
        (("failed", "INDEX_BUILD", "i", False), ("failed", "bad"), [DROP]),
        (("failed", "INDEX_BUILD", None, None), ("failed", "bad"), []),
        (
            ("failed", "VALIDATE_CONSTRAINT", "t", None),
            ("failed", "bad"),
            ["Next: fix the cause, and validate again."],
        ),
        (("failed", "ANALYZE", "t", None), ("failed", "bad"), ["Next: start it again."]),
        (("paused", "ANALYZE", "t", None), ("paused", ""), []),
    ],
)
def test_a_job_has_its_state_and_the_next_step(
    job: tuple[str, str, str | None, bool | None], state: tuple[str, str], told: list[str]
) -> None:
    ((name, shown, details, _, started, updated, _),) = drawn(job)["tables"][0]["lines"]
    assert (shown["text"], shown["kind"]) == state
    assert details == told
    assert (name, started, updated) == (job[2] or "(gone)", "2026-11-29 20:47:25 UTC", "not yet")


@pytest.mark.parametrize(
    ("jobs", "head"),
    [
        ([], ("There are no jobs", "")),
        ([("completed", "ANALYZE", "t", None)], ("No job is unfinished", "good")),
        ([("processing", "ANALYZE", "t", None)], ("1 unfinished", "dry")),
        (
            [("processing", "ANALYZE", "t", None), ("failed", "ANALYZE", "t", None)],
            ("1 job to be seen to, 1 unfinished", "bad"),
        ),
    ],
)
def test_what_needs_a_person_comes_first(
    jobs: list[tuple[str, str, str | None, bool | None]], head: tuple[str, str]
) -> None:
    told = drawn(*jobs)
    assert (told["head"]["text"], told["head"]["kind"]) == head
    assert len(told["tables"]) == bool(jobs)
