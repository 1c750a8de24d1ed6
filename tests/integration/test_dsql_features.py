"""What Aurora DSQL has and PostgreSQL has not, on the local cluster as an agent meets it."""

import re
from typing import Any

import pytest
from mcp import Client

from conftest import ServerOn
from support.client_helpers import call, rows, write

JOB = "SELECT job_type, object_name, status, details FROM sys.jobs WHERE job_id = %s"


@pytest.fixture(scope="module", autouse=True)
async def crates(writer: Client) -> None:
    """Crates, of which two have one label."""
    await write(writer, "CREATE TABLE crates (id bigint PRIMARY KEY, label text, weight int)")
    await write(writer, "INSERT INTO crates VALUES (1, 'a', 5), (2, 'b', 6), (3, 'b', 7)")


async def begin(writer: Client, sql: str) -> str:
    """Run a statement that answers with a job."""
    (statement,) = (await write(writer, sql)).facts["statements"]
    assert statement["columns"] == ["job_id text"]
    ((job,),) = statement["rows"]
    assert re.fullmatch("[a-z2-7]{26}", job)
    return job


async def ended(reader: Client, job: str) -> list[Any]:
    """Follow a job as an agent does: by asking again."""
    for _ in range(2000):
        (row,) = await rows(reader, JOB, job)
        if row[2] in ("completed", "failed"):
            return row
        assert row[2] in ("submitted", "processing")
    pytest.fail(f"job {job} has not ended")


async def test_an_index_is_built_by_a_job(writer: Client, reader: Client) -> None:
    job = await begin(writer, "CREATE INDEX ASYNC crates_weight ON crates (weight) INCLUDE (label)")
    assert await ended(reader, job) == ["INDEX_BUILD", "public.crates_weight", "completed", None]
    told = await call(reader, "get_schema", table_name="crates")
    assert "  crates_weight (weight) INCLUDE (label)\n" in told.text
    assert "NOT VALID" not in told.text


async def test_a_unique_index_over_duplicates_fails_and_says_why(writer: Client, reader: Client) -> None:
    job = await begin(writer, "CREATE UNIQUE INDEX ASYNC crates_label ON crates (label)")
    complaint = "found duplicate key(s) while validating index uniqueness"
    assert await ended(reader, job) == ["INDEX_BUILD", "public.crates_label", "failed", complaint]
    told = await call(reader, "get_schema", table_name="crates")
    assert "crates_label UNIQUE (label) -- NOT VALID" in told.text
    assert complaint in told.text
    await write(writer, "DROP INDEX crates_label")


async def test_a_constraint_is_validated_by_a_job(writer: Client, reader: Client) -> None:
    await write(writer, "ALTER TABLE crates ADD CONSTRAINT heavy CHECK (weight > 4) NOT VALID")
    job = await begin(writer, "ALTER TABLE ASYNC crates VALIDATE CONSTRAINT heavy")
    assert await ended(reader, job) == ["VALIDATE_CONSTRAINT", "public.heavy", "completed", None]
    told = await call(reader, "get_schema", table_name="crates")
    assert "  heavy CHECK ((weight > 4))\n" in told.text


async def test_a_role_comes_in_once_it_is_mapped_to_an_identity(
    writer: Client, reader: Client, on_cluster: ServerOn
) -> None:
    arn = "arn:aws:iam::123456789012:role/packer"
    mappings = "SELECT arn FROM sys.iam_pg_role_mappings WHERE pg_role_name = 'packer'"
    await write(writer, "CREATE ROLE packer WITH LOGIN")
    async with Client(on_cluster("--database_user", "packer")) as packer:
        refused = await call(packer, "readonly_query", sql="SELECT current_user")
        assert refused.facts["code"] == "not_mapped"
        granted = await write(writer, f"AWS IAM GRANT packer TO '{arn}'")
        assert granted.facts["statements"][0]["command"] == "AWS IAM GRANT"
        assert await rows(reader, mappings) == [[arn]]
        assert await rows(packer, "SELECT current_user") == [["packer"]]
    await write(writer, f"AWS IAM REVOKE packer FROM '{arn}'")
    assert await rows(reader, mappings) == []
    async with Client(on_cluster("--database_user", "packer")) as packer:
        refused = await call(packer, "readonly_query", sql="SELECT current_user")
        assert refused.facts["code"] == "not_mapped"


@pytest.mark.parametrize(
    ("statements", "state", "told"),
    [
        (["INSERT INTO crates SELECT n FROM generate_series(1000, 4000) n"], "54000", "row limit exceeded"),
        (["AWS IAM GRANT admin TO 'packer'"], "22023", "IAM role must look like an IAM ARN"),
    ],
)
async def test_its_refusals_are_passed_on(
    writer: Client, statements: list[str], state: str, told: str
) -> None:
    reply = await call(writer, "transact", sql_list=statements)
    assert reply.is_error
    assert (reply.facts["sqlstate"], told in reply.text) == (state, True)
    assert await rows(writer, "SELECT count(*) FROM crates") == [[3]]


async def test_rows_of_a_series_are_led_from_both_refusals_to_what_stores_them(writer: Client) -> None:
    sql = "INSERT INTO crates SELECT n FROM generate_series(1000, 4999) n"
    whole = await call(writer, "transact", sql_list=[sql])
    assert "load_rows load what no table has. By hand: in ranges of at most 3,000 rows." in whole.text
    split = await call(writer, "batch_write", sql=sql)
    assert "`transact` with a range of at most 3,000 in each call" in split.text
    for low, high in ((1000, 2999), (3000, 4999)):
        part = f"INSERT INTO crates SELECT n FROM generate_series({low}, {high}) n"  # noqa: S608 - numbers
        for statement in (part, f"DELETE FROM crates WHERE id BETWEEN {low} AND {high}"):  # noqa: S608 - likewise
            assert not (await call(writer, "transact", sql_list=[statement])).is_error
