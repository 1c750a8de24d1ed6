"""EXPLAIN through the endpoint: in both protocols, in blocks, and over what conflicts left behind."""

import json
from collections.abc import Iterator

import psycopg
import pytest
from typing_extensions import LiteralString

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import connect

pytestmark = pytest.mark.usefixtures("table")


@pytest.fixture
def table(admin: psycopg.Connection) -> Iterator[None]:
    admin.autocommit = True
    admin.execute("CREATE TABLE seen (id int PRIMARY KEY, v text, w text)")
    admin.execute("INSERT INTO seen SELECT n, 'v' || n, 'w' FROM generate_series(1, 20) n")
    yield
    admin.execute("ROLLBACK")
    admin.execute("DROP TABLE seen")


def plan(connection: psycopg.Connection, sql: LiteralString, *values: object) -> list[str]:
    return [row[0] for row in connection.execute(sql, values or None).fetchall()]


@pytest.mark.parametrize("values", [(), (7,)], ids=["simple", "extended"])
def test_a_plan_is_the_same_in_both_protocols(admin: psycopg.Connection, values: tuple[int, ...]) -> None:
    sql = "EXPLAIN (COSTS off) SELECT v FROM seen WHERE id = " + ("%s" if values else "7")  # noqa: S608 - ours
    assert [line.replace("$1", "7").replace("'7'::smallint", "7") for line in plan(admin, sql, *values)] == [
        "Index Only Scan using seen_pkey on seen",
        "  Index Cond: (id = 7)",
        "  -> Storage Scan on seen_pkey",
        "      Projections: v",
        "      -> B-Tree Scan on seen_pkey",
        "          Index Cond: (id = 7)",
    ]


def test_a_pipeline_goes_on_behind_a_plan(admin: psycopg.Connection) -> None:
    with admin.pipeline():
        first = admin.execute("SELECT 1")
        shown = admin.execute("EXPLAIN (COSTS off) SELECT * FROM seen")
        last = admin.execute("SELECT count(*) FROM seen WHERE id > %s", (5,))
    assert (first.fetchone(), last.fetchone()) == ((1,), (15,))
    assert shown.fetchall()[0] == ("Index Only Scan using seen_pkey on seen",)


@pytest.mark.parametrize("values", [None, ()], ids=["simple", "extended"])
def test_an_error_points_at_what_the_client_wrote(
    admin: psycopg.Connection, values: tuple[()] | None
) -> None:
    sql = "EXPLAIN SELECT missing FROM seen"
    with pytest.raises(psycopg.errors.UndefinedColumn) as raised:
        admin.execute(sql, values)
    assert int(raised.value.diag.statement_position or 0) == sql.index("missing") + 1


def test_several_plans_of_one_query(admin: psycopg.Connection) -> None:
    cursor = admin.execute("EXPLAIN (COSTS off) SELECT v FROM seen; SELECT 5; EXPLAIN (COSTS off) SELECT 1")
    heads = [cursor.fetchall()[0][0]]
    while cursor.nextset():
        heads.append(cursor.fetchall()[0][0])
    assert heads == ["Index Only Scan using seen_pkey on seen", 5, "Result"]


def test_the_estimate_is_the_same_twice_and_follows_the_rows(admin: psycopg.Connection) -> None:
    notices = list[str | None]()
    admin.add_notice_handler(lambda notice: notices.append(notice.message_primary))

    def estimate(sql: LiteralString) -> list[str]:
        lines = plan(admin, f"EXPLAIN (ANALYZE, VERBOSE) {sql}")
        return lines[lines.index("Statement DPU Estimate:") :]

    one = estimate("SELECT * FROM seen WHERE w = 'w'")
    assert one == estimate("SELECT * FROM seen WHERE w = 'w'")
    admin.execute("INSERT INTO seen SELECT n, 'v', 'w' FROM generate_series(21, 2000) n")
    assert estimate("SELECT * FROM seen WHERE w = 'w'") != one
    assert notices == ["the DPUs are simulated: a local cluster has none"] * 3


def test_nothing_of_the_local_cluster_shows(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    """A transaction whose table had to be copied sees the table, not the copy; nor are own triggers shown."""
    with connect(dsql) as other:
        admin.execute("BEGIN")
        admin.execute("SELECT * FROM seen")
        other.execute("UPDATE seen SET v = 'theirs' WHERE id = 1")
        other.commit()
        admin.execute("UPDATE seen SET v = 'ours' WHERE id = 1")
        shown = plan(admin, "EXPLAIN (ANALYZE, VERBOSE) UPDATE seen SET w = 'x' WHERE id = 2")
        admin.execute("ROLLBACK")
    assert shown[0].startswith("Update on public.seen  (")
    assert shown[1].lstrip().startswith("->  Index Only Scan using seen_pkey on public.seen  (")
    assert not [line for line in shown if "pg_temp" in line or "_dsql" in line]


def test_plans_in_other_formats_have_postgresqls_nodes(admin: psycopg.Connection) -> None:
    ((found,),) = admin.execute("EXPLAIN (FORMAT json) SELECT * FROM seen").fetchall()
    assert (found if isinstance(found, list) else json.loads(found))[0]["Plan"]["Node Type"] == "Seq Scan"


def test_catalogs_are_scanned_as_in_postgresql(admin: psycopg.Connection) -> None:
    assert plan(admin, "EXPLAIN (COSTS off) SELECT relname FROM pg_class WHERE relkind = 'r'") == [
        "Seq Scan on pg_class",
        "  Filter: (relkind = 'r'::\"char\")",
    ]
