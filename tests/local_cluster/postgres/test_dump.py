"""pg_dump leaves out what the cluster itself has changed in the catalog."""

import asyncio
import subprocess

import pytest

from awslabs_dsql_mcp.local_cluster.postgres import server
from support.superuser import Connection


async def test_a_dump_of_the_users_schemas_has_no_privilege_or_function_of_the_clusters(
    inner: server.Server, admin: Connection
) -> None:
    program = server.find().root / "bin" / "pg_dump"
    if not program.exists() or not isinstance(inner.address, server.UnixSocket):
        pytest.skip("this PostgreSQL has no pg_dump, or no socket")
    await admin.execute("CREATE TABLE dumped (id int PRIMARY KEY)")
    try:
        where = ["-h", str(inner.address.path.parent), "-U", server.SUPERUSER, "postgres"]
        command = [program, "--schema-only", "-N", "sys", *where]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    finally:
        await admin.execute("DROP TABLE dumped")
    lines = done.stdout.splitlines()
    assert "CREATE TABLE public.dumped (" in lines
    assert [line for line in lines if line.startswith(("GRANT", "REVOKE", "CREATE FUNCTION"))] == []
