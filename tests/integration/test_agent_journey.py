"""An agent that knows nothing but what the answers say: from the list of tables to a join that is right."""

import re

import pytest
from mcp import Client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.client_helpers import call
from support.direct_connection import run


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster) -> None:
    """Rentals of boats, in a schema of their own; 4 of harbour 1's 2,000 rentals were long."""
    await run(
        cluster,
        "CREATE SCHEMA aaa_harbour",
        "CREATE TABLE aaa_harbour.boats (id bigint PRIMARY KEY, label text NOT NULL)",
        "CREATE TABLE aaa_harbour.rentals (id bigint PRIMARY KEY, boat_id bigint NOT NULL"
        " REFERENCES aaa_harbour.boats, hours int NOT NULL, paid numeric(10,2) NOT NULL)",
        "INSERT INTO aaa_harbour.boats VALUES (1, 'Anna'), (2, 'Bert')",
        "INSERT INTO aaa_harbour.rentals SELECT i, i % 2 + 1, CASE WHEN i % 500 = 0 THEN 9 ELSE 1 END, 10.5"
        " FROM generate_series(1, 2000) i",
        "ANALYZE aaa_harbour.rentals",
    )


def said(pattern: str, text: str) -> str:
    """What an answer says at a place: the agent has nothing else to go on."""
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


async def test_each_answer_leads_to_the_next_call(reader: Client) -> None:
    listed = await call(reader, "get_schema", limit=2, detail="summary")
    table = said(r"(\S+\.rentals) table", listed.text)
    assert said(r"Next: (get_schema)\(table_name=", listed.text)

    described = await call(reader, "get_schema", table_name=table)
    key = said(r"FOREIGN KEY \((\w+)\) REFERENCES", described.text)
    other = said(r"REFERENCES ([\w.]+)", described.text)
    column = said(r"REFERENCES [\w.]+\((\w+)\)", described.text)
    amount = said(r"(\w+) numeric", described.text)
    assert said(r"Next: get_schema\('([^']+)'\) to join it", described.text) == other

    joined = await call(reader, "get_schema", table_name=other)
    label = said(r"(\w+) text", joined.text)
    assert said(r"Next: .*(readonly_query).*explain_query", joined.text)

    wrong = (
        f"SELECT b.{label}, sum(r.{amount}) FROM {table} r JOIN {other} b ON b.{column} = r.{key}"  # noqa: S608 - names that the server gave
        " WHERE r.hour > 5 GROUP BY 1 ORDER BY 1"
    )
    mistaken = await call(reader, "readonly_query", sql=wrong)
    assert mistaken.is_error
    right = wrong.replace("r.hour", said(r'Next: .*"(r\.\w+)"', mistaken.text))

    planned = await call(reader, "explain_query", sql=right)
    assert "Hash Join" in planned.text or "Nested Loop" in planned.text
    assert said(r"Next: (This server only reads|analyze=true)", planned.text)
    measured = await call(reader, "explain_query", sql=right, analyze=True)
    assert said(r"(CREATE INDEX ASYNC \w+) ON aaa_harbour.rentals \(hours\)", measured.text)

    answered = await call(reader, "readonly_query", sql=right)
    assert not answered.is_error, answered.text
    assert '["Anna","42.00"]' in answered.text
