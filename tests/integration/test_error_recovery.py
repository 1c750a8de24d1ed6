"""Mistakes that an agent makes, and whether the answer is enough to put them right."""

import pytest
from mcp import Client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import ServerOn
from support.client_helpers import Reply, call
from support.direct_connection import run


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster) -> None:
    """Two tables, and a role that may read one."""
    await run(
        cluster,
        "CREATE SCHEMA depot",
        "CREATE TABLE depot.parcels (id bigint PRIMARY KEY, weight numeric, sent_at date, client_id bigint)",
        'CREATE TABLE depot."Vans" ("Plate" text, seats int)',
        "CREATE ROLE porter LOGIN",
        "AWS IAM GRANT porter TO 'arn:aws:iam::123456789012:role/porter'",
        "GRANT USAGE ON SCHEMA depot TO porter",
    )


async def failing(client: Client, sql: str, *params: object) -> Reply:
    """Run what must fail, and see that it is told shortly."""
    reply = await call(client, "readonly_query", sql=sql, params=list(params))
    assert reply.is_error
    assert len(reply.text) < 500
    return reply


@pytest.mark.parametrize(
    ("sql", "state", "following"),
    [
        ("SELECT * FROM parcels", "42P01", "Did you mean depot.parcels?"),
        ("SELECT * FROM depot.parcel", "42P01", "Did you mean depot.parcels?"),
        ('SELECT * FROM depot."vans"', "42P01", 'Did you mean depot."Vans"'),
        ("SELECT x.id FROM depot.parcels", "42P01", "Name the table in FROM"),
        ("SELECT wheight FROM depot.parcels", "42703", 'reference the column "parcels.weight"'),
        ("SELECT p.weigth FROM depot.parcels p", "42703", 'meant to reference the column "p.weight"'),
        ("SELECT colour FROM depot.parcels", "42703", "depot.parcels has id, weight, sent_at, client_id."),
        ('SELECT plate FROM depot."Vans"', "42703", '"Plate" of depot."Vans"'),
        (
            "WITH w AS (SELECT 1) SELECT sender FROM w, depot.parcels",
            "42703",
            "depot.parcels has id, weight, sent_at, client_id.",
        ),
        ("SELECT id FROM depot.parcels a, depot.parcels b", "42702", "table or alias"),
        ("SELECT id + sent_at FROM depot.parcels", "42883", "cast"),
        ("SELECT weight, count(*) FROM depot.parcels", "42803", "GROUP BY"),
        ("SELECT 1 / 0", "22012", "nullif"),
        ("SELECT 'abc'::int", "22P02", "value of the column's type"),
    ],
)
async def test_the_answer_to_a_mistake_names_the_way_out(
    reader: Client, sql: str, state: str, following: str
) -> None:
    reply = await failing(reader, sql)
    assert reply.facts["sqlstate"] == state
    assert following in reply.text.splitlines()[-1]


async def test_a_change_of_an_unknown_column_says_that_nothing_was_stored(writer: Client) -> None:
    reply = await call(writer, "transact", sql_list=["UPDATE depot.parcels SET weigt = 1 WHERE id = 1"])
    assert "Nothing was stored: rolled back." in reply.text
    assert "Next: Did you mean weight of depot.parcels?" in reply.text


async def test_a_missing_privilege_is_told_as_the_grant_to_run(on_cluster: ServerOn) -> None:
    async with Client(on_cluster("--database_user", "porter")) as porter:
        reply = await failing(porter, "SELECT * FROM depot.parcels")
        assert reply.facts["code"] == "permission_denied"
        assert "Ask the operator to run: GRANT SELECT ON TABLE depot.parcels TO porter." in reply.text
