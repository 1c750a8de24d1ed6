"""Statements and what clusters said to them, each with its source: the local cluster says the same."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from support.local_cluster.logins import connect

FILE = Path(__file__).with_name("seen_on_clusters.jsonl")
RECORDS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
async def emptied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCluster]:
    async with local_cluster(tmp_path_factory.mktemp("seen") / "data") as running:
        yield running


@pytest.fixture
def session(emptied: LocalCluster) -> Iterator[psycopg.Connection]:
    """A session on an empty cluster."""
    with connect(emptied) as connection:
        yield connection
    with connect(emptied) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            connection.execute(f"DROP TABLE {table}".encode())
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'r'").fetchone() is not None:
            connection.execute("DROP ROLE r")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["sql"])
def test_the_local_cluster_says_what_a_cluster_said(
    session: psycopg.Connection, record: dict[str, Any]
) -> None:
    for statement in record["setup"]:
        session.execute(statement.encode())
    expected = record["expected"]
    if not expected["ok"]:
        with pytest.raises(psycopg.Error) as raised:
            session.execute(record["sql"].encode())
        assert raised.value.sqlstate == expected["sqlstate"]
        assert raised.value.diag.message_primary == expected["message"]
        return
    cursor = session.execute(record["sql"].encode())
    if "tag" in expected:
        assert cursor.statusmessage == expected["tag"]
    if "columns" in expected:
        assert [column.name for column in cursor.description or ()] == expected["columns"]
