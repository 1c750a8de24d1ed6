"""Examples of SQL of the guide and of the skill, on the local cluster: each block runs as it stands."""

import re

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from awslabs_dsql_mcp.documentation.guide import load_guide
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.sql.scripts import split_script
from docs.agent_plugin import SKILL as SKILL_FOLDER
from docs.packages import PACKAGING
from support.direct_connection import connect

BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The pages beside the skill are the guide's own (tests/docs/test_packages.py).
SKILL = (PACKAGING / SKILL_FOLDER / "SKILL.md").read_text(encoding="utf-8")
PAGES = [page for page in load_guide().pages if BLOCK.search(page.body)]

EXAMPLES = {"skill": SKILL} | {page.slug: page.body for page in PAGES}


def test_pages_about_sql_have_examples() -> None:
    assert len(BLOCK.findall(SKILL)) > 2
    assert {page.slug for page in PAGES} >= {"ddl", "keys-and-indexes", "data-modelling", "loading", "types"}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_examples_of_a_page_run(cluster: LocalCluster, name: str) -> None:
    schema = "guide_" + name.replace("-", "_")
    job = ""
    async with await connect(cluster) as connection:
        await connection.execute(f"CREATE SCHEMA {schema}".encode())
        await connection.execute(f"SET search_path = {schema}".encode())
        try:
            for block in BLOCK.findall(EXAMPLES[name]):
                for item in split_script(block):
                    reply = await connection.execute(item.text.replace("JOB_ID", job).encode())
                    job = await _job_of(reply) or job
        finally:
            if connection.info.transaction_status is TransactionStatus.INERROR:
                await connection.execute("ROLLBACK")
            await _remove(connection, schema)


async def _job_of(reply: psycopg.AsyncCursor[TupleRow]) -> str | None:
    """The job that a statement has started; a CALL that waits for one must say that it succeeded."""
    names = [column.name for column in reply.description or ()]
    row = await reply.fetchone() if names else None
    if names == ["succeeded"]:
        assert row == (True,)
    return str(row[0]) if row and names == ["job_id"] else None


async def _remove(connection: psycopg.AsyncConnection[TupleRow], schema: str) -> None:
    """Leave the cluster as it was: it is shared, and takes 10 schemas."""
    await connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
    reply = await connection.execute(
        "SELECT pg_role_name, arn FROM sys.iam_pg_role_mappings WHERE pg_role_name LIKE 'guide\\_%'"
    )
    for role, arn in await reply.fetchall():
        await connection.execute("DROP SCHEMA guide_data CASCADE")
        await connection.execute(f"AWS IAM REVOKE {role} FROM '{arn}'".encode())
        await connection.execute(f"DROP ROLE {role}".encode())
