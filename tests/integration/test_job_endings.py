"""Jobs followed to their end on the local cluster, which runs them as a cluster does, by a real client."""

import asyncio
from typing import Any

import pytest
from mcp import Client

from awslabs_dsql_mcp.tools.spec import facts_of
from support.client_helpers import call, write


async def ended(client: Client, job: str) -> dict[str, Any]:
    """Ask for a job, as its answers say to, until it has ended."""
    while True:
        reply = await call(client, "job_status", job_id=job, wait_s=30)
        (seen,) = reply.facts["jobs"]
        if not reply.facts["unfinished"]:
            return {**seen, "next": reply.facts.get("next"), "text": reply.text}


async def test_a_completed_index_is_valid(writer: Client, reader: Client) -> None:
    await write(writer, "CREATE TABLE ending_well (id bigint PRIMARY KEY, label text)")
    started = await write(writer, "CREATE INDEX ASYNC ending_well_i ON ending_well (label)")
    seen = await ended(reader, started.facts["job_id"])
    assert (seen["status"], seen["index_valid"], seen["job_type"]) == ("completed", True, "INDEX_BUILD")
    assert "ending_well_i: completed, index valid" in seen["text"]
    assert seen["next"] is None
    assert "No job is unfinished." not in seen["text"]  # of one job, its own line says all


async def test_a_failed_unique_index_says_why_and_what_is_left(writer: Client, reader: Client) -> None:
    await write(writer, "CREATE TABLE ending_badly (id bigint PRIMARY KEY, label text)")
    await write(writer, "INSERT INTO ending_badly VALUES (1, 'same'), (2, 'same')")
    started = await write(writer, "CREATE UNIQUE INDEX ASYNC ending_badly_i ON ending_badly (label)")
    seen = await ended(reader, started.facts["job_id"])
    assert (seen["status"], seen["index_valid"]) == ("failed", False)
    assert "duplicate key" in seen["details"]
    assert seen["object_name"].endswith("ending_badly_i")
    assert "ending_badly_i: failed, index not valid" in seen["text"]
    assert "DROP INDEX" in seen["next"]


@pytest.mark.parametrize(("check", "status"), [("amount > 0", "completed"), ("amount > 1", "failed")])
async def test_a_validation_is_followed(writer: Client, reader: Client, check: str, status: str) -> None:
    await write(writer, "DROP TABLE IF EXISTS ending_checked")
    await write(writer, "CREATE TABLE ending_checked (id bigint PRIMARY KEY, amount int)")
    await write(writer, "INSERT INTO ending_checked VALUES (1, 1)")
    await write(writer, f"ALTER TABLE ending_checked ADD CONSTRAINT enough CHECK ({check}) NOT VALID")
    started = await write(writer, "ALTER TABLE ASYNC ending_checked VALIDATE CONSTRAINT enough")
    job = started.facts["job_id"]
    assert f'Next: job_status(job_id="{job}")' in started.text
    seen = await ended(reader, job)
    assert (seen["status"], seen["job_type"]) == (status, "VALIDATE_CONSTRAINT")
    assert "index_valid" not in seen


async def test_a_role_is_tied_to_an_identity_and_starts_no_job(writer: Client) -> None:
    await write(writer, "CREATE ROLE ending_role WITH LOGIN")
    granted = await write(writer, "AWS IAM GRANT ending_role TO 'arn:aws:iam::123456789012:role/reader'")
    assert granted.facts["outcome"] == "committed"
    assert "job_id" not in granted.facts
    await write(writer, "AWS IAM REVOKE ending_role FROM 'arn:aws:iam::123456789012:role/reader'")


@pytest.fixture(scope="module")
async def long_job(writer: Client) -> str:
    """A validation that sleeps for 40 seconds over a row: longer than the calls that follow it."""
    await write(writer, "CREATE TABLE ending_late (seconds int PRIMARY KEY)")
    await write(writer, "INSERT INTO ending_late VALUES (40)")
    await write(
        writer,
        "CREATE FUNCTION rested(seconds int) RETURNS boolean LANGUAGE sql "
        "RETURN (SELECT true FROM pg_sleep(seconds))",
    )
    await write(writer, "ALTER TABLE ending_late ADD CONSTRAINT rested CHECK (rested(seconds)) NOT VALID")
    started = await write(writer, "ALTER TABLE ASYNC ending_late VALIDATE CONSTRAINT rested")
    return started.facts["job_id"]


async def test_progress_arrives_while_a_job_is_waited_for(long_job: str, reader: Client) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    result = await reader.call_tool("job_status", {"job_id": long_job, "wait_s": 6}, progress_callback=heard)
    facts = facts_of(result)
    assert facts["unfinished"] == 1
    assert f'job_status(job_id="{long_job}")' in facts["next"]
    done = [progress for progress, _, _ in told]
    assert len(done) > 1
    assert done == sorted(set(done))
    assert all(total == 6 and message and long_job in message for _, total, message in told)


async def test_a_cancelled_wait_ends_at_once_and_leaves_the_job_alone(long_job: str, reader: Client) -> None:
    waiting = asyncio.Event()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        assert (total, bool(message), progress >= 0) == (45, True, True)
        waiting.set()

    asked = reader.call_tool("job_status", {"job_id": long_job, "wait_s": 45}, progress_callback=heard)
    task = asyncio.ensure_future(asked)
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    (seen,) = (await call(reader, "job_status", job_id=long_job, wait_s=0)).facts["jobs"]
    assert seen["status"] in {"submitted", "processing"}
