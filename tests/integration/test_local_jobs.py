"""Jobs as a client of the local cluster sees them: the keeper runs them."""

from datetime import datetime, timezone
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from awslabs_dsql_mcp.local import tokens
from awslabs_dsql_mcp.local.cluster import local_cluster
from awslabs_dsql_mcp.local.folder import DataFolder


async def test_the_keeper_runs_jobs(tmp_path: Path) -> None:
    async with local_cluster(tmp_path / "data") as cluster:
        keys = DataFolder.of(tmp_path / "data").credentials()
        where = make_conninfo(
            host=cluster.host,
            port=cluster.port,
            user="admin",
            dbname="postgres",
            password=tokens.issue(cluster.host, "admin", keys, datetime.now(timezone.utc)),
            sslmode="verify-full",
            sslrootcert=str(cluster.ca_file),
        )
        async with await psycopg.AsyncConnection.connect(where, autocommit=True) as client:
            await client.execute("CREATE TABLE t (v bigint)")
            ddl = "SELECT sys.create_index_async('CREATE INDEX ON t (v)')"
            job = await (await client.execute(ddl)).fetchone()
            waited = await client.execute("CALL sys.wait_for_job(%s)", job)
            assert await waited.fetchone() == (True,)
