"""Index builds and validations: jobs, as Aurora DSQL runs them."""

import pytest

from awslabs_dsql_mcp.local_cluster.postgres import job_worker, server, superuser
from support.superuser import Connection, connected, index, refusal, rows, value, wait, working


async def validate(connection: Connection, ddl: str) -> object:
    return await value(connection, "SELECT pg_catalog._dsql_validate_constraint_async(%s)", ddl)


async def is_valid(connection: Connection, name: str) -> object:
    return await value(connection, "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", name)


async def plan(connection: Connection, query: str) -> str:
    return "\n".join(line for (line,) in await rows(connection, "EXPLAIN " + query))


async def test_an_index_is_used_once_its_job_is_completed(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE TABLE used (id int PRIMARY KEY, v text)")
    await admin.execute("INSERT INTO used SELECT g, 'v' || g FROM generate_series(1, 3000) AS g")
    job = await index(admin, "CREATE INDEX used_v ON used (v)")
    described = (
        "SELECT status, details, job_type, class_id, object_name, update_time FROM sys.jobs WHERE job_id = %s"
    )
    assert await rows(admin, described, job) == [
        ("submitted", None, "INDEX_BUILD", 1259, "public.used_v", None)
    ]
    assert not await is_valid(admin, "used_v")
    assert "Seq Scan" in await plan(admin, "SELECT FROM used WHERE v = 'v7'")
    async with working(inner):
        assert await wait(admin, job)
    assert await is_valid(admin, "used_v")
    assert "used_v" in await plan(admin, "SELECT FROM used WHERE v = 'v7'")
    assert (await rows(admin, described, job))[0][0] == "completed"


async def test_a_jobs_progress_is_seen_by_other_sessions(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE TABLE seen (id int)")
    job = await index(admin, "CREATE INDEX ON seen (id)")
    statuses: list[object] = []
    async with job_worker.running(job_worker.Jobs(inner.address, lambda: None)), connected(inner) as other:
        while statuses[-1:] != ["completed"]:
            status = await value(other, "SELECT status FROM sys.jobs WHERE job_id = %s", job)
            statuses += [status] if statuses[-1:] != [status] else []
    assert statuses == ["submitted", "processing", "completed"]


async def test_a_finished_build_changes_the_catalog_and_a_drop_has_done_so(
    admin: Connection, changes: list[str]
) -> None:
    await admin.execute("CREATE TABLE told (id int)")
    await wait(admin, await index(admin, "CREATE INDEX told_i ON told (id)"))
    assert changes == ["changed"]
    await admin.execute("DROP INDEX told_i")
    await admin.execute("DROP TABLE told")
    drops = await rows(admin, "SELECT job_id, object_name FROM sys.jobs WHERE job_type = 'DROP'")
    assert [name for _, name in drops[-2:]] == [None, None]
    assert [await wait(admin, job) for job, _ in drops[-2:]] == [True, True]
    assert changes == ["changed"]


@pytest.mark.usefixtures("changes")
async def test_a_unique_index_over_duplicates_stays_invalid(admin: Connection) -> None:
    await admin.execute("CREATE TABLE twice (v int)")
    await admin.execute("INSERT INTO twice VALUES (1), (1)")
    job = await index(admin, "CREATE UNIQUE INDEX twice_v ON twice (v)")
    assert not await wait(admin, job)
    assert await rows(admin, "SELECT status, details FROM sys.jobs WHERE job_id = %s", job) == [
        ("failed", "found duplicate key(s) while validating index uniqueness")
    ]
    assert not await is_valid(admin, "twice_v")
    await admin.execute("INSERT INTO twice VALUES (1)")
    constraint = admin.execute("ALTER TABLE twice ADD CONSTRAINT c UNIQUE USING INDEX twice_v")
    assert await refusal(constraint) == ("55000", 'index "twice_v" is not valid', None)
    assert await index(admin, "CREATE UNIQUE INDEX IF NOT EXISTS twice_v ON twice (v)") is None


async def test_duplicates_that_come_before_the_build_fail_it(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE TABLE late (v int)")
    job = await index(admin, "CREATE UNIQUE INDEX late_v ON late (v) NULLS NOT DISTINCT WHERE v IS NULL")
    await admin.execute("INSERT INTO late VALUES (NULL), (NULL)")
    async with working(inner):
        assert not await wait(admin, job)


@pytest.mark.usefixtures("changes")
async def test_a_unique_index_is_enforced_once_valid(admin: Connection) -> None:
    await admin.execute("CREATE TABLE once (v int)")
    await wait(admin, await index(admin, "create unique index once_v on once (v)"))
    await admin.execute("ALTER TABLE once ADD CONSTRAINT only_once UNIQUE USING INDEX once_v")
    await admin.execute("INSERT INTO once VALUES (1)")
    assert (await refusal(admin.execute("INSERT INTO once VALUES (1)")))[0] == "23505"


async def test_a_build_whose_table_is_gone_is_completed_with_a_complaint(
    admin: Connection, inner: server.Server
) -> None:
    await admin.execute("CREATE TABLE gone (v int)")
    job = await index(admin, "CREATE INDEX ON gone (v)")
    await admin.execute("DROP TABLE gone")
    async with working(inner):
        assert await wait(admin, job)
    assert await rows(admin, "SELECT details, object_name FROM sys.jobs WHERE job_id = %s", job) == [
        ('relation "public.gone" does not exist', None)
    ]


@pytest.mark.usefixtures("changes")
async def test_dropping_an_index_cancels_its_build(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE TABLE slow (v int)")
    await admin.execute(
        "CREATE FUNCTION slow(v int) RETURNS int LANGUAGE sql IMMUTABLE RETURN (SELECT 1 FROM pg_sleep(v))"
    )
    job = await index(admin, "CREATE INDEX slow_v ON slow (slow(v))")
    await wait(admin, job)
    await admin.execute("DROP INDEX slow_v")
    await admin.execute("BEGIN")
    job = await index(admin, "CREATE INDEX slow_v ON slow (slow(v))")
    await admin.execute("INSERT INTO slow VALUES (50)")
    await admin.execute("COMMIT")
    async with await superuser.connect(inner.address) as boss:
        building = (
            "SELECT FROM pg_stat_activity WHERE application_name = 'dsql job' AND wait_event = 'PgSleep'"
        )
        while not await rows(boss, building):
            pass
    await admin.execute("DROP INDEX slow_v")
    assert await wait(admin, job)
    assert await value(admin, "SELECT details FROM sys.jobs WHERE job_id = %s", job) == (
        'relation "public.slow" does not exist'
    )


@pytest.mark.usefixtures("changes")
async def test_a_job_waits_for_an_open_transaction_and_holds_nobody_up(
    admin: Connection, inner: server.Server
) -> None:
    await admin.execute("CREATE TABLE busy (v int)")
    job = await index(admin, "CREATE INDEX busy_v ON busy (v)")
    async with connected(inner) as writer, connected(inner) as other:
        await writer.execute("BEGIN")
        await writer.execute("INSERT INTO busy VALUES (1)")
        await other.execute("INSERT INTO busy VALUES (2)")
        await writer.execute("COMMIT")
    assert await wait(admin, job)


async def test_an_index_on_a_table_that_is_being_written_is_refused_soon(
    admin: Connection, inner: server.Server
) -> None:
    await admin.execute("CREATE TABLE written (v int)")
    async with connected(inner) as writer:
        await writer.execute("BEGIN")
        await writer.execute("INSERT INTO written VALUES (1)")
        assert (await refusal(index(admin, "CREATE INDEX ON written (v)")))[0] == "55P03"


async def test_what_a_daemon_left_undone_the_next_one_does(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE TABLE left_over (v int)")
    job = await index(admin, "CREATE INDEX ON left_over (v)")
    async with await superuser.connect(inner.address) as boss:
        await boss.execute("UPDATE pg_catalog._dsql_jobs SET status = 'processing' WHERE job_id = %s", [job])
    async with working(inner):
        assert await wait(admin, job)


@pytest.mark.parametrize(
    ("constraint", "outcome", "details"),
    [
        ("CHECK (v > 0)", True, None),
        ("CHECK (v > 1)", False, 'check constraint "odd "name" of relation "Some" is violated by some row'),
        ('FOREIGN KEY (v) REFERENCES "Some" (id)', True, None),
    ],
)
@pytest.mark.usefixtures("changes")
async def test_a_constraint_is_validated(
    constraint: str,
    outcome: object,
    details: str | None,
    admin: Connection,
) -> None:
    await admin.execute('DROP TABLE IF EXISTS "Some"')
    await admin.execute('CREATE TABLE "Some" (id int PRIMARY KEY, v int)')
    await admin.execute('INSERT INTO "Some" VALUES (1, 1)')
    await admin.execute(f'ALTER TABLE "Some" ADD CONSTRAINT "odd ""name" {constraint} NOT VALID'.encode())
    job = await validate(admin, 'ALTER TABLE public."Some" VALIDATE CONSTRAINT "odd ""name"')
    assert await wait(admin, job) is outcome
    told = "SELECT job_type, details, object_name FROM sys.jobs WHERE job_id = %s"
    assert await rows(admin, told, job) == [("VALIDATE_CONSTRAINT", details, 'public.odd "name')]
    validated = "SELECT convalidated FROM pg_constraint WHERE conname = 'odd \"name'"
    assert await value(admin, validated) is outcome


async def test_a_validation_is_refused_as_postgresql_would(admin: Connection) -> None:
    await admin.execute("CREATE TABLE checked (id int PRIMARY KEY)")
    assert await refusal(validate(admin, "ALTER TABLE nowhere VALIDATE CONSTRAINT c")) == (
        "42P01",
        'relation "nowhere" does not exist',
        None,
    )
    assert await refusal(validate(admin, "ALTER TABLE checked VALIDATE CONSTRAINT c")) == (
        "42704",
        'constraint "c" of relation "checked" does not exist',
        None,
    )
    assert (await refusal(validate(admin, "ALTER TABLE checked VALIDATE CONSTRAINT checked_pkey")))[
        0
    ] == "42809"


@pytest.mark.usefixtures("changes")
async def test_waiting_for_a_job_is_a_procedure(admin: Connection) -> None:
    assert await refusal(rows(admin, "SELECT sys.wait_for_job('x')")) == (
        "42809",
        "sys.wait_for_job(unknown) is a procedure",
        None,
    )
    assert await refusal(rows(admin, "CALL sys.wait_for_job('no-such-job')")) == (
        "22P02",
        "Unable to convert text to UUID",
        None,
    )
    unknown = await value(admin, "SELECT sys.uuid_to_base32_str(gen_random_uuid())")
    cursor = await admin.execute("CALL sys.wait_for_job(%s)", [unknown])
    assert [column.name for column in cursor.description or ()] == ["succeeded"]
    assert await cursor.fetchall() == [(False,)]
    async with admin.transaction():
        assert (await refusal(rows(admin, "CALL sys.wait_for_job(%s)", unknown)))[0] == "2D000"


async def test_a_job_id_is_base32_of_sixteen_bytes(admin: Connection) -> None:
    await admin.execute("CREATE TABLE named (v int)")
    job = await index(admin, "CREATE INDEX ON named (v)")
    back = "SELECT sys.uuid_to_base32_str(sys.base32_str_to_uuid(%s))"
    assert await value(admin, back, job) == job
    known = "SELECT sys.uuid_to_base32_str('00000000-0000-0000-0000-0000000000ff')"
    assert await value(admin, known) == "a" * 24 + "74"
