"""The data folder brought up to date, and what the superuser does."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from awslabs_dsql_mcp.local_cluster.postgres import discovery, server, superuser
from awslabs_dsql_mcp.local_cluster.protocol import wire
from support.superuser import Connection, connected, index, refusal, rows, value, wait, working


async def test_what_an_earlier_version_left_is_brought_up_to_date(tmp_path: Path) -> None:
    directory = tmp_path / "postgres"
    first = discovery.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(first) as connection, await superuser.connect(first.address) as boss:
            await connection.execute("CREATE TABLE old (v int)")
            await boss.execute("DELETE FROM pg_trigger WHERE tgrelid = 'public.old'::regclass")
            await boss.execute("DELETE FROM pg_depend WHERE deptype = 'e' AND objid >= 'admin'::regrole")
            await boss.execute("DROP FUNCTION sys.dsql_major_version()")
    finally:
        first.stop()
    (directory / "sys.sql.version").write_text("an earlier one")
    second = discovery.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(second) as connection:
            assert await value(connection, "SELECT sys.dsql_major_version()") == 1
            many = connection.execute("INSERT INTO old SELECT generate_series(1, 3001)")
            assert (await refusal(many))[0] == "54000"
    finally:
        second.stop()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root has another user for it")
async def test_programs_are_found_behind_a_link_that_their_user_cannot_follow(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "programs").symlink_to(discovery.find().root)
    linked = server.Installation(closed / "programs")
    running = linked.start(tmp_path / "postgres", meanwhile=lambda: None)
    try:
        async with connected(running) as connection:
            assert await value(connection, "SELECT 1") == 1
    finally:
        running.stop()


AS_IN_EARLIER_VERSIONS = r"""
DO $$
DECLARE
  one record;
BEGIN
  FOR one IN SELECT evtname FROM _dsql_event_trigger LOOP
    EXECUTE format('DROP EVENT TRIGGER %I', one.evtname);
  END LOOP;
  FOR one IN SELECT oid, substr(proname, 6) AS name FROM pg_proc WHERE proname LIKE '\_dsql\_%' LOOP
    EXECUTE format('ALTER FUNCTION %s RENAME TO %I', one.oid::regprocedure, one.name);
    EXECUTE format('ALTER FUNCTION %s SET SCHEMA sys', one.oid::regprocedure);
  END LOOP;
  FOR one IN SELECT unnest(ARRAY['_jobs', '_iam_mappings', '_oversize']) AS name LOOP
    EXECUTE format('ALTER TABLE %I SET SCHEMA sys', '_dsql' || one.name);
    EXECUTE format('ALTER TABLE sys.%I RENAME TO %I', '_dsql' || one.name, one.name);
  END LOOP;
  ALTER INDEX sys._dsql_jobs_pkey RENAME TO _jobs_pkey;
  ALTER TABLE sys._jobs ALTER position DROP DEFAULT;
  ALTER TABLE sys._jobs ALTER position ADD GENERATED ALWAYS AS IDENTITY;
  CREATE SEQUENCE sys._iam_oids START 16384;
  ALTER TABLE sys._iam_mappings ALTER iam_oid SET DEFAULT nextval('sys._iam_oids');
  GRANT USAGE ON SCHEMA sys TO admin WITH GRANT OPTION;
  REVOKE USAGE ON TYPE sys._iam_mappings FROM keeper, admin CASCADE;
  SET LOCAL ROLE admin;
  GRANT USAGE ON SCHEMA sys TO keeper;
  RESET ROLE;
  UPDATE pg_authid SET rolname = 'local_superuser' WHERE oid = 10;
END $$
"""


async def test_what_earlier_versions_had_in_sys_leaves_it_with_its_rows(tmp_path: Path) -> None:
    directory, arn = tmp_path / "postgres", "arn:aws:iam::123456789012:role/keeper"
    jobs, mappings = (
        "SELECT job_id, status, object_name FROM sys.jobs",
        "SELECT * FROM sys.iam_pg_role_mappings",
    )
    first = discovery.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(first) as connection, await superuser.connect(first.address) as boss:
            await connection.execute("CREATE TABLE kept (v int)")
            await connection.execute("CREATE ROLE keeper WITH LOGIN")
            await connection.execute("SELECT _dsql_iam_grant('keeper', %s)", [[arn]])
            job = await index(connection, "CREATE UNIQUE INDEX unfinished ON kept (v)")
            before = await rows(connection, jobs), await rows(connection, mappings)
            await boss.execute(AS_IN_EARLIER_VERSIONS.encode())
    finally:
        first.stop()
    (directory / "sys.sql.version").write_text("an earlier one")
    second = discovery.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(second) as connection, working(second):
            assert await rows(
                connection,
                "SELECT relname FROM pg_class WHERE relnamespace = 'sys'::regnamespace ORDER BY 1",
            ) == [("iam_pg_role_mappings",), ("jobs",)]
            assert before == (await rows(connection, jobs), await rows(connection, mappings))
            assert await wait(connection, job) is True
            assert (await refusal(connection.execute("INSERT INTO kept VALUES (1), (1)")))[0] == "23505"
            assert (await refusal(connection.execute("DROP ROLE keeper")))[0] == "2BP01"
            await connection.execute("SELECT _dsql_iam_revoke('keeper', %s)", [[arn]])
            await connection.execute("DROP ROLE keeper")
            acl = "SELECT nspacl::text FROM pg_namespace WHERE nspname = 'sys'"
            assert await value(connection, acl) == "{pg_superuser=UC/pg_superuser,=U/pg_superuser}"
            assert await value(connection, "SELECT count(*) FROM pg_class WHERE relkind = 'S'") == 0
            many = connection.execute("INSERT INTO kept SELECT generate_series(2, 3002)")
            assert (await refusal(many))[0] == "54000"
    finally:
        second.stop()


async def test_functions_say_what_aurora_dsql_says(admin: Connection) -> None:
    assert await value(admin, "SELECT version()") == "PostgreSQL 16"
    assert await value(admin, "SELECT sys.cluster_size() BETWEEN 1 AND sys.cluster_size_limit()")


async def test_a_query_has_so_much_temporary_space(admin: Connection) -> None:
    many = "SELECT repeat('x', 4000) FROM generate_series(1, 60000) AS g ORDER BY 1, g"
    words = "temporary file size exceeds temp_file_limit (131072kB)"
    assert (await refusal(admin.execute(f"SET work_mem = '1MB'; {many} OFFSET 59999".encode())))[:2] == (
        "53400",
        words,
    )


async def test_the_superuser_tells_who_blocks_whom_and_cancels(
    inner: server.Server, admin: Connection
) -> None:
    async with connected(inner) as waiting, await superuser.connect(inner.address) as connection:
        boss = superuser.Superuser(connection)
        await admin.execute("SELECT pg_advisory_lock(7)")
        blocked = asyncio.ensure_future(waiting.execute("SELECT pg_advisory_lock(7)"))
        while not (blockers := await boss.blockers(waiting.info.backend_pid)):
            pass
        assert blockers == [admin.info.backend_pid]
        assert await boss.cancel(waiting.info.backend_pid)
        with pytest.raises(errors.QueryCanceled):
            await blocked


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be another user")
def test_through_the_socket_only_the_daemons_user_logs_in(
    inner: server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(inner.address, server.UnixSocket)
    monkeypatch.chdir(inner.address.path.parent)
    with socket.socket(socket.AF_UNIX) as connection:
        os.seteuid(inner.address.path.stat().st_uid)  # the user that runs PostgreSQL, whose the socket is
        try:
            connection.connect(inner.address.path.name)
        finally:
            os.seteuid(0)
        connection.sendall(wire.startup({"user": server.SUPERUSER, "database": "postgres"}))
        assert b"Peer authentication failed" in connection.recv(1000)


async def test_nobody_replicates(inner: server.Server) -> None:
    assert isinstance(inner.address, server.UnixSocket)
    where = f"host={inner.address.path.parent} user={server.SUPERUSER} replication=true"
    with pytest.raises(errors.OperationalError, match=r"no pg_hba\.conf entry for replication"):
        await psycopg.AsyncConnection.connect(where)
