"""Jobs at each of their stages, which pass too fast to be seen: here they are held up by a lock."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import connect
from support.local_cluster.waiting import wait_until

WORKERS = 4
VALIDATION = b"ALTER TABLE ASYNC held VALIDATE CONSTRAINT held_%d"


class Held:
    """Work for all who do jobs, and a lock that it waits for.

    Attributes:
        jobs: The jobs' ids.
    """

    def __init__(self, superuser: psycopg.AsyncConnection[Any], jobs: list[str]) -> None:
        self.jobs = jobs
        self._superuser = superuser

    async def let_go(self) -> None:
        """Give the lock back."""
        await self._superuser.execute("ROLLBACK")


@pytest.fixture
async def held(superuser: psycopg.AsyncConnection[Any], admin: psycopg.Connection) -> AsyncIterator[Held]:
    """All workers are busy: what is asked for now is begun only after `Held.let_go`."""
    checks = ", ".join(f"CONSTRAINT held_{number} CHECK (v <> {number})" for number in range(WORKERS))
    admin.execute(f"CREATE TABLE held (v int, {checks})".encode())
    await superuser.execute("UPDATE pg_constraint SET convalidated = false WHERE conname LIKE 'held_%'")
    await superuser.execute("BEGIN")
    await superuser.execute("LOCK TABLE held IN SHARE UPDATE EXCLUSIVE MODE")
    held = Held(superuser, [one(admin, VALIDATION % number) for number in range(WORKERS)])
    wait_until(lambda: all(status_of(admin, job) == "processing" for job in held.jobs))
    yield held
    await held.let_go()
    assert all(one(admin, b"CALL sys.wait_for_job(%s)", job) for job in held.jobs)
    admin.execute("DROP TABLE held")


def one(connection: psycopg.Connection, statement: bytes, *values: object) -> Any:  # noqa: ANN401  any type
    row = connection.execute(statement, values or None).fetchone()
    assert row is not None
    return row[0]


def status_of(connection: psycopg.Connection, job: str) -> str:
    return one(connection, b"SELECT status FROM sys.jobs WHERE job_id = %s", job)


async def test_a_job_goes_through_its_statuses(held: Held, admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE staged (id int PRIMARY KEY)")
    job = one(admin, b"CREATE INDEX ASYNC ON staged (id)")
    assert (status_of(admin, job), status_of(admin, held.jobs[0])) == ("submitted", "processing")
    await held.let_go()
    assert one(admin, b"CALL sys.wait_for_job(%s)", job)
    assert status_of(admin, job) == "completed"
    admin.execute("DROP TABLE staged")


async def test_an_index_that_is_being_built_makes_no_constraint(
    held: Held, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE unfinished (id int PRIMARY KEY, v int)")
    job = one(admin, b"CREATE UNIQUE INDEX ASYNC unfinished_v ON unfinished (v)")
    constrain = "ALTER TABLE unfinished ADD CONSTRAINT unfinished_u UNIQUE USING INDEX unfinished_v"
    with pytest.raises(psycopg.Error, match='index "unfinished_v" is not valid') as refused:
        admin.execute(constrain)
    assert refused.value.sqlstate == "55000"
    await held.let_go()
    assert one(admin, b"CALL sys.wait_for_job(%s)", job)
    admin.execute(constrain)
    admin.execute("DROP TABLE unfinished")


async def test_dropping_an_index_ends_its_build(held: Held, admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE given_up (id int PRIMARY KEY, v int)")
    job = one(admin, b"CREATE INDEX ASYNC given_up_v ON given_up (v)")
    admin.execute("DROP INDEX given_up_v")
    await held.let_go()
    assert one(admin, b"CALL sys.wait_for_job(%s)", job)
    assert one(admin, b"SELECT count(*) FROM pg_class WHERE relname = 'given_up_v'") == 0
    admin.execute("DROP TABLE given_up")


async def test_a_job_whose_table_is_gone_completes_with_a_complaint(
    held: Held, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE gone (id int PRIMARY KEY, v int)")
    job = one(admin, b"CREATE INDEX ASYNC gone_v ON gone (v)")
    admin.execute("DROP TABLE gone")
    await held.let_go()
    assert one(admin, b"CALL sys.wait_for_job(%s)", job)
    ended = admin.execute("SELECT status, details, object_name FROM sys.jobs WHERE job_id = %s", [job])
    assert ended.fetchone() == ("completed", 'relation "public.gone" does not exist', None)


async def test_a_job_that_ends_changes_the_catalog(
    held: Held, dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    with connect(dsql) as early:
        early.execute("BEGIN")
        early.execute("SELECT count(*) FROM held")
        await held.let_go()
        assert all(one(admin, b"CALL sys.wait_for_job(%s)", job) for job in held.jobs)
        connect(dsql).close()  # meanwhile the sessions have been told
        with pytest.raises(psycopg.errors.SerializationFailure, match=r"\(OC001\)"):
            early.execute("COMMIT")


def test_a_build_of_an_empty_table_is_soon_done(admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE empty (id int PRIMARY KEY, v int)")
    job = one(admin, b"CREATE INDEX ASYNC empty_v ON empty (v)")
    assert one(admin, b"CALL sys.wait_for_job(%s)", job)
    took = b"SELECT update_time - start_time < '30 s' FROM sys.jobs WHERE job_id = %s"
    assert one(admin, took, job)
    admin.execute("DROP TABLE empty")
