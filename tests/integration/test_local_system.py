"""What the embedded PostgreSQL has of Aurora DSQL's insides: schema sys, jobs, roles, limits."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import errors, sql

from awslabs_dsql_mcp.local import jobs, postgres, superuser

Connection = psycopg.AsyncConnection[Any]
Rows = list[tuple[Any, ...]]
ARN = "arn:aws:iam::123456789012:role/reader"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    running = postgres.find().start(tmp_path_factory.mktemp("system") / "postgres", meanwhile=lambda: None)
    yield running
    running.stop()


@asynccontextmanager
async def connected(server: postgres.Server, user: str = "admin") -> AsyncGenerator[Connection, None]:
    """A session past the endpoint: what is asked here is PostgreSQL's own answer."""
    assert isinstance(server.address, postgres.UnixSocket)
    where = psycopg.conninfo.make_conninfo(host=str(server.address.path.parent), user=user, dbname="postgres")
    async with await psycopg.AsyncConnection.connect(where, autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture(loop_scope="session")
async def admin(server: postgres.Server) -> AsyncGenerator[Connection, None]:
    async with connected(server) as connection:
        yield connection


@asynccontextmanager
async def working(server: postgres.Server) -> AsyncGenerator[list[str], None]:
    """Runs jobs meanwhile, and gathers what they tell of the catalog."""
    told: list[str] = []
    async with jobs.running(jobs.Jobs(server.address, lambda: told.append("changed"), seconds=0)):
        yield told


@pytest_asyncio.fixture(loop_scope="session")
async def changes(server: postgres.Server) -> AsyncGenerator[list[str], None]:
    async with working(server) as told:
        yield told


async def rows(connection: Connection, statement: str, *values: object) -> Rows:
    return await (await connection.execute(statement, values)).fetchall()  # pyright: ignore[reportArgumentType]  statements are this file's


async def value(connection: Connection, statement: str, *values: object) -> Any:
    return (await rows(connection, statement, *values))[0][0]


async def index(connection: Connection, ddl: str) -> Any:
    return await value(connection, "SELECT sys.create_index_async(%s)", ddl)


async def validate(connection: Connection, ddl: str) -> Any:
    return await value(connection, "SELECT sys.validate_constraint_async(%s)", ddl)


async def wait(connection: Connection, job: str) -> Any:
    return await value(connection, "CALL sys.wait_for_job(%s)", job)


async def refusal(attempt: Awaitable[object]) -> tuple[str | None, str | None, str | None]:
    with pytest.raises(psycopg.Error) as raised:
        await attempt
    return raised.value.sqlstate, raised.value.diag.message_primary, raised.value.diag.message_detail


async def is_valid(connection: Connection, name: str) -> Any:
    return await value(connection, "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", name)


async def plan(connection: Connection, query: str) -> str:
    return "\n".join(line for (line,) in await rows(connection, "EXPLAIN " + query))


# Jobs


async def test_an_index_is_used_once_its_job_is_completed(admin: Connection, server: postgres.Server) -> None:
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
    async with working(server):
        assert await wait(admin, job)
    assert await is_valid(admin, "used_v")
    assert "used_v" in await plan(admin, "SELECT FROM used WHERE v = 'v7'")
    assert (await rows(admin, described, job))[0][0] == "completed"


async def test_a_jobs_progress_is_seen_by_other_sessions(admin: Connection, server: postgres.Server) -> None:
    await admin.execute("CREATE TABLE seen (id int)")
    job = await index(admin, "CREATE INDEX ON seen (id)")
    statuses: list[str] = []
    async with jobs.running(jobs.Jobs(server.address, lambda: None)), connected(server) as other:
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


async def test_a_unique_index_over_duplicates_stays_invalid(admin: Connection, changes: list[str]) -> None:
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


async def test_duplicates_that_come_before_the_build_fail_it(
    admin: Connection, server: postgres.Server
) -> None:
    await admin.execute("CREATE TABLE late (v int)")
    job = await index(admin, "CREATE UNIQUE INDEX late_v ON late (v) NULLS NOT DISTINCT WHERE v IS NULL")
    await admin.execute("INSERT INTO late VALUES (NULL), (NULL)")
    async with working(server):
        assert not await wait(admin, job)


async def test_a_unique_index_is_enforced_once_valid(admin: Connection, changes: list[str]) -> None:
    await admin.execute("CREATE TABLE once (v int)")
    await wait(admin, await index(admin, "create unique index once_v on once (v)"))
    await admin.execute("ALTER TABLE once ADD CONSTRAINT only_once UNIQUE USING INDEX once_v")
    await admin.execute("INSERT INTO once VALUES (1)")
    assert (await refusal(admin.execute("INSERT INTO once VALUES (1)")))[0] == "23505"


async def test_a_build_whose_table_is_gone_is_completed_with_a_complaint(
    admin: Connection, server: postgres.Server
) -> None:
    await admin.execute("CREATE TABLE gone (v int)")
    job = await index(admin, "CREATE INDEX ON gone (v)")
    await admin.execute("DROP TABLE gone")
    async with working(server):
        assert await wait(admin, job)
    assert await rows(admin, "SELECT details, object_name FROM sys.jobs WHERE job_id = %s", job) == [
        ('relation "public.gone" does not exist', None)
    ]


async def test_dropping_an_index_cancels_its_build(
    admin: Connection, server: postgres.Server, changes: list[str]
) -> None:
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
    async with await superuser.connect(server.address) as boss:
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


async def test_a_job_waits_for_an_open_transaction_and_holds_nobody_up(
    admin: Connection, server: postgres.Server, changes: list[str]
) -> None:
    await admin.execute("CREATE TABLE busy (v int)")
    job = await index(admin, "CREATE INDEX busy_v ON busy (v)")
    async with connected(server) as writer, connected(server) as other:
        await writer.execute("BEGIN")
        await writer.execute("INSERT INTO busy VALUES (1)")
        await other.execute("INSERT INTO busy VALUES (2)")
        await writer.execute("COMMIT")
    assert await wait(admin, job)


async def test_an_index_on_a_table_that_is_being_written_is_refused_soon(
    admin: Connection, server: postgres.Server
) -> None:
    await admin.execute("CREATE TABLE written (v int)")
    async with connected(server) as writer:
        await writer.execute("BEGIN")
        await writer.execute("INSERT INTO written VALUES (1)")
        assert (await refusal(index(admin, "CREATE INDEX ON written (v)")))[0] == "55P03"


async def test_what_a_keeper_left_undone_the_next_one_does(
    admin: Connection, server: postgres.Server
) -> None:
    await admin.execute("CREATE TABLE left_over (v int)")
    job = await index(admin, "CREATE INDEX ON left_over (v)")
    async with await superuser.connect(server.address) as boss:
        await boss.execute("UPDATE sys._jobs SET status = 'processing' WHERE job_id = %s", [job])
    async with working(server):
        assert await wait(admin, job)


@pytest.mark.parametrize(
    ("constraint", "outcome", "details"),
    [
        ("CHECK (v > 0)", True, None),
        ("CHECK (v > 1)", False, 'check constraint "odd "name" of relation "Some" is violated by some row'),
        ('FOREIGN KEY (v) REFERENCES "Some" (id)', True, None),
    ],
)
async def test_a_constraint_is_validated(
    constraint: str,
    outcome: bool,
    details: str | None,
    admin: Connection,
    changes: list[str],  # noqa: FBT001  a table of cases
) -> None:
    await admin.execute('DROP TABLE IF EXISTS "Some"')
    await admin.execute('CREATE TABLE "Some" (id int PRIMARY KEY, v int)')
    await admin.execute('INSERT INTO "Some" VALUES (1, 1)')
    await rows_of_ddl(admin, f'ALTER TABLE "Some" ADD CONSTRAINT "odd ""name" {constraint} NOT VALID')
    job = await validate(admin, 'ALTER TABLE public."Some" VALIDATE CONSTRAINT "odd ""name"')
    assert await wait(admin, job) is outcome
    told = "SELECT job_type, details, object_name FROM sys.jobs WHERE job_id = %s"
    assert await rows(admin, told, job) == [("VALIDATE_CONSTRAINT", details, 'public.odd "name')]
    validated = "SELECT convalidated FROM pg_constraint WHERE conname = 'odd \"name'"
    assert await value(admin, validated) is outcome


async def rows_of_ddl(connection: Connection, statement: str) -> None:
    await connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]  this file's


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


async def test_waiting_for_a_job_is_a_procedure(admin: Connection, changes: list[str]) -> None:
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


# Roles


async def test_only_admin_makes_schemas_and_tables_in_public(
    admin: Connection, server: postgres.Server
) -> None:
    assert await rows(admin, "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'admin'") == [
        (False, True)
    ]
    await admin.execute("CREATE ROLE plain WITH LOGIN")
    async with connected(server, "plain") as plain:
        assert await refusal(plain.execute("CREATE SCHEMA mine")) == (
            "42501",
            "permission denied for database postgres",
            None,
        )
        assert (await refusal(plain.execute("CREATE TABLE mine (v int)")))[0] == "42501"


async def test_a_role_is_mapped_to_iam_identities(admin: Connection, server: postgres.Server) -> None:
    await admin.execute("CREATE ROLE reader WITH LOGIN")
    async with await superuser.connect(server.address) as connection:
        boss = superuser.Superuser(connection)
        assert [await boss.is_mapped(role) for role in ("admin", "reader")] == [True, False]
        await admin.execute("SELECT sys.iam_grant('reader', %s)", [[ARN, ARN]])
        mapping = "SELECT arn, pg_role_name, grantor_pg_role_name FROM sys.iam_pg_role_mappings"
        assert await rows(admin, mapping) == [(ARN, "reader", "admin")]
        assert await boss.is_mapped("reader")
        words = 'role "reader" cannot be dropped because some objects depend on it'
        assert (await refusal(admin.execute("DROP ROLE reader")))[:2] == ("2BP01", words)
        await admin.execute("SELECT sys.iam_revoke('reader', %s)", [[ARN]])
        assert not await boss.is_mapped("reader")
    await admin.execute("DROP ROLE reader")


async def test_a_mapping_is_refused(admin: Connection, server: postgres.Server) -> None:
    await admin.execute("CREATE ROLE writer WITH LOGIN")
    await admin.execute("CREATE ROLE nologin")
    grant = "SELECT sys.iam_grant(%s, %s)"
    for role, arn, expected in (
        ("nobody", ARN, ("42704", 'role "nobody" does not exist', None)),
        ("writer", "reader", ("22023", "IAM role must look like an IAM ARN", None)),
        ("nologin", ARN, ("22023", "role nologin must have the LOGIN attribute", None)),
    ):
        assert await refusal(admin.execute(grant, [role, [arn]])) == expected
    async with connected(server, "writer") as writer:
        words = "permission denied to grant IAM trust with role nologin"
        assert await refusal(writer.execute(grant, ["nologin", [ARN]])) == ("42501", words, None)


# Limits


async def test_a_transaction_changes_3000_rows_and_no_more(admin: Connection) -> None:
    await admin.execute("CREATE TABLE many (id int PRIMARY KEY)")
    too_many = ("54000", "transaction row limit exceeded", None)
    some = "INSERT INTO many SELECT * FROM generate_series(%s::int, %s)"
    assert await refusal(admin.execute(some, [1, 3001])) == too_many
    await admin.execute(some, [1, 3000])
    await admin.execute("BEGIN")
    await admin.execute("UPDATE many SET id = -id WHERE id <= 2000")
    await admin.execute("DELETE FROM many WHERE id < -1000")
    assert await refusal(admin.execute("DELETE FROM many WHERE id = -1")) == too_many
    await admin.execute("ROLLBACK")
    await admin.execute("DELETE FROM many")


async def test_copied_rows_count(admin: Connection) -> None:
    await admin.execute("CREATE TABLE copied (id int)")

    async def copy() -> None:
        async with admin.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as stream:
            await stream.write("1\n" * 3001)

    assert (await refusal(copy()))[:2] == ("54000", "transaction row limit exceeded")


async def test_cascades_count(admin: Connection) -> None:
    await admin.execute("CREATE TABLE parent (id int PRIMARY KEY)")
    await admin.execute("CREATE TABLE child (id int, p int REFERENCES parent ON DELETE CASCADE)")
    await admin.execute("INSERT INTO parent VALUES (1)")
    await admin.execute("INSERT INTO child SELECT g, 1 FROM generate_series(1, 3000) AS g")
    assert (await refusal(admin.execute("DELETE FROM parent")))[:2] == (
        "54000",
        "transaction row limit exceeded",
    )
    await admin.execute("DELETE FROM child WHERE id = 1")
    await admin.execute("DELETE FROM parent")


async def test_what_a_savepoint_takes_back_does_not_count(admin: Connection) -> None:
    await admin.execute("CREATE TABLE taken_back (v int)")
    await admin.execute("BEGIN")
    for _ in range(2):
        await admin.execute("SAVEPOINT s")
        await admin.execute("INSERT INTO taken_back SELECT generate_series(1, 3000)")
        await admin.execute("ROLLBACK TO s")
    await admin.execute("COMMIT")


NOISE = "(SELECT string_agg(sha512((g || ' ' || i)::bytea), '') FROM generate_series(1, %s) AS i)"  # 64 bytes each


async def test_ten_megabytes_are_refused_at_commit(admin: Connection) -> None:
    await admin.execute("CREATE TABLE heavy (id int, v bytea)")
    await admin.execute("BEGIN")
    await rows_of_ddl(admin, f"INSERT INTO heavy SELECT g, {NOISE % 15000} FROM generate_series(1, 11) AS g")
    assert await refusal(admin.execute("COMMIT")) == (
        "54000",
        "transaction size limit 10mb exceeded",
        "Current transaction size 11mb > 10mb",
    )
    await rows_of_ddl(admin, f"INSERT INTO heavy SELECT g, {NOISE % 15000} FROM generate_series(1, 10) AS g")
    assert await value(admin, "SELECT count(*) FROM heavy") == 10


async def test_values_and_rows_have_a_size(admin: Connection) -> None:
    await admin.execute("CREATE TABLE wide (a bytea, b bytea, c bytea, t text)")
    await admin.execute("INSERT INTO wide (t) VALUES (repeat('compressible ', 200000))")
    column = f"INSERT INTO wide (a) SELECT {NOISE % 16385} FROM generate_series(1, 1) AS g"
    words = "datatype limit greater than 1048576 bytes not supported for bytea"
    assert await refusal(rows_of_ddl(admin, column)) == ("54000", words, None)
    row = f"INSERT INTO wide (a, b, c) SELECT v, v, v FROM (SELECT {NOISE % 15000} AS v FROM generate_series(1, 1) AS g) AS s"
    assert await refusal(rows_of_ddl(admin, row)) == ("54000", "maximum row size exceeded", None)


async def test_keys_have_a_size(admin: Connection) -> None:
    await admin.execute("CREATE TABLE keyed (k text PRIMARY KEY, v text)")
    await admin.execute("INSERT INTO keyed VALUES (repeat('k', 1981), repeat('v', 5000))")
    too_long = admin.execute("INSERT INTO keyed VALUES (repeat('k', 1982))")
    assert await refusal(too_long) == ("54000", "key size too large", None)


async def test_limits_show_nowhere(admin: Connection) -> None:
    await admin.execute("CREATE TABLE quiet (v int)")
    assert await rows(admin, "SELECT * FROM information_schema.triggers") == []
    assert (
        await rows(admin, "SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'quiet'::regclass")
        == []
    )


@asynccontextmanager
async def limited(server: postgres.Server, setting: str, limit: int) -> AsyncGenerator[Connection, None]:
    """A session of admin's that began with a limit lowered by the superuser."""
    lower = sql.SQL("ALTER DATABASE postgres SET {} = {}").format(sql.Identifier("dsql", setting), limit)
    async with await superuser.connect(server.address) as boss:
        await boss.execute(lower)
        try:
            async with connected(server) as connection:
                yield connection
        finally:
            await boss.execute(
                sql.SQL("ALTER DATABASE postgres RESET {}").format(sql.Identifier("dsql", setting))
            )


@pytest.mark.parametrize(
    ("setting", "made", "words"),
    [
        ("max_schemas", "CREATE SCHEMA one_more", "more than {} schemas not allowed"),
        ("max_tables", "CREATE TABLE one_more (v int)", "creating more than {} tables not allowed"),
        ("max_views", "CREATE VIEW one_more AS SELECT 1", "creating more than {} views not allowed"),
        ("max_sequences", "CREATE SEQUENCE one_more", "creating more than {} sequences is not allowed"),
        ("max_indexes", "CREATE TABLE one_more (a int PRIMARY KEY, b int UNIQUE)", None),
        ("max_view_bytes", "CREATE VIEW one_more AS SELECT 1 AS with_a_name", "view definition too large"),
    ],
)
async def test_there_may_be_so_many(
    setting: str, made: str, words: str | None, server: postgres.Server
) -> None:
    limit = 1 if setting in ("max_indexes", "max_view_bytes", "max_schemas") else 0
    expected = (words or "more than {} indexes per table are not allowed").format(limit)
    async with limited(server, setting, limit) as connection:
        assert await refusal(rows_of_ddl(connection, made)) == ("54000", expected, None)


async def test_an_index_too_many_is_refused(server: postgres.Server, admin: Connection) -> None:
    await admin.execute("CREATE TABLE indexed (a int PRIMARY KEY)")
    async with limited(server, "max_indexes", 1) as connection:
        words = "more than 1 indexes per table are not allowed"
        assert await refusal(index(connection, "CREATE INDEX ON indexed (a)")) == ("54000", words, None)


# The data folder


async def test_what_an_earlier_version_left_is_brought_up_to_date(tmp_path: Path) -> None:
    directory = tmp_path / "postgres"
    first = postgres.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(first) as connection, await superuser.connect(first.address) as boss:
            await connection.execute("CREATE TABLE old (v int)")
            await boss.execute("DELETE FROM pg_trigger WHERE tgrelid = 'old'::regclass")
            await boss.execute("DROP FUNCTION sys.dsql_major_version()")
    finally:
        first.stop()
    (directory / "sys.sql.version").write_text("an earlier one")
    second = postgres.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(second) as connection:
            assert await value(connection, "SELECT sys.dsql_major_version()") == 1
            many = connection.execute("INSERT INTO old SELECT generate_series(1, 3001)")
            assert (await refusal(many))[0] == "54000"
    finally:
        second.stop()


async def test_functions_say_what_aurora_dsql_says(admin: Connection) -> None:
    assert await value(admin, "SELECT version()") == "PostgreSQL 16"
    assert await value(admin, "SELECT sys.cluster_size() BETWEEN 1 AND sys.cluster_size_limit()")


async def test_a_query_has_so_much_temporary_space(admin: Connection) -> None:
    greedy = "SELECT count(*) FROM (SELECT repeat('x', 4000) FROM generate_series(1, 60000) AS g ORDER BY 1, g) AS s"
    words = "temporary file size exceeds temp_file_limit (131072kB)"
    assert (await refusal(admin.execute("SET work_mem = '1MB'; " + greedy)))[:2] == ("53400", words)


async def test_the_superuser_tells_who_blocks_whom_and_cancels(
    server: postgres.Server, admin: Connection
) -> None:
    async with connected(server) as waiting, await superuser.connect(server.address) as connection:
        boss = superuser.Superuser(connection)
        await admin.execute("SELECT pg_advisory_lock(7)")
        blocked = asyncio.ensure_future(waiting.execute("SELECT pg_advisory_lock(7)"))
        while not (blockers := await boss.blockers(waiting.info.backend_pid)):
            await asyncio.sleep(0)
        assert blockers == [admin.info.backend_pid]
        assert await boss.cancel(waiting.info.backend_pid)
        with pytest.raises(errors.QueryCanceled):
            await blocked
