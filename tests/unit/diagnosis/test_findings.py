"""What stands out in the catalogs, and in what way it is told."""

from dataclasses import replace

import pytest

from awslabs_dsql_mcp.catalog.health import IndexState, JobState, SequenceState, TableState
from awslabs_dsql_mcp.catalog.jobs import AsyncJob
from awslabs_dsql_mcp.clusters.reader import Part
from awslabs_dsql_mcp.database.activity import Attempt, Conflicted, Seen, SlowUnit
from awslabs_dsql_mcp.diagnosis.findings import (
    Catalog,
    index_findings,
    job_findings,
    limit_findings,
    sequence_findings,
)
from awslabs_dsql_mcp.diagnosis.metrics import Metrics
from awslabs_dsql_mcp.diagnosis.report import report
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.shapes import StatementShape

T = TableName("public", "t")
NOTHING_SEEN = Seen(15, 15.0, 0, (), ())
NO_AWS = Metrics(Part(missing="It is not permitted."), Part(missing="It is not permitted."))


def index(
    name: str, *numbers: str, valid: bool = True, unique: bool = False, plain: bool = True
) -> IndexState:
    key = tuple(f"c{number}" for number in numbers)
    ordered = tuple((number, "0") for number in numbers)
    return IndexState(
        T, name, valid, unique, primary=False, key=key, ordered=ordered, included=frozenset(), plain=plain
    )


def redundant(*indexes: IndexState) -> list[str]:
    found = index_findings(Catalog(indexes=indexes))
    return [each.text.split()[2] for each in found if each.kind == "index_redundant"]


def test_an_index_whose_key_another_begins_with_is_redundant() -> None:
    assert redundant(index("a", "1"), index("b", "1", "2")) == ["public.a"]
    assert redundant(index("a", "2"), index("b", "1", "2")) == []
    assert redundant(index("a", "1", "2"), index("b", "1", "2")) == ["public.b"]
    assert redundant(index("z", "1"), index("b", "1", "2"), index("c", "1", "2", "3")) == [
        "public.z",
        "public.b",
    ]


def test_what_enforces_or_serves_something_of_its_own_is_not_redundant() -> None:
    assert redundant(index("a", "1", unique=True), index("b", "1", "2")) == []
    assert redundant(index("a", "1", unique=True), index("b", "1")) == ["public.b"]
    assert redundant(index("a", "1", plain=False), index("b", "1", "2")) == []
    assert redundant(index("a", "1"), index("b", "1", "2", plain=False)) == []
    assert redundant(index("a", "1"), index("b", "1", "2", valid=False)) == []
    assert redundant(index("a", "1"), replace(index("b", "1", "2"), table=TableName("public", "u"))) == []
    covering = replace(index("a", "1"), included=frozenset({"3"}))
    assert redundant(covering, index("b", "1", "2")) == []
    assert redundant(covering, replace(index("b", "1"), included=frozenset({"2", "3"}))) == ["public.a"]
    nulls_first = replace(index("a", "1"), ordered=(("1", "2"),))
    assert redundant(nulls_first, index("b", "1", "2")) == []


def job(status: str, unchanged: int = 0, name: str = "public.a", *, valid: bool | None = False) -> JobState:
    details = "found duplicate key(s)"
    made = AsyncJob(
        "a" * 26, status, "INDEX_BUILD", name, details, index_valid=valid, started="2026-11-29", updated=None
    )
    return JobState(made, unchanged, T)


def test_an_invalid_index_is_told_once_with_its_job() -> None:
    for name in ("a", "public.a", '"a"'):
        catalog = Catalog(indexes=(index("a", "1", valid=False),), jobs=(job("failed", name=name),))
        assert [each.kind for each in (*job_findings(catalog.jobs), *index_findings(catalog))] == [
            "job_failed"
        ]
    alone = Catalog(indexes=(index("a", "1", valid=False),))
    (found,) = index_findings(alone)
    assert found.kind == "index_invalid"
    assert "DROP INDEX public.a" in found.step


def test_a_failed_build_whose_index_is_dropped_or_valid_is_settled() -> None:
    assert list(job_findings((job("failed", valid=None), job("failed", valid=True)))) == []
    catalog = Catalog(jobs=(job("failed", valid=None),))
    assert "0 failed or unfinished jobs; " in report(NOTHING_SEEN, catalog, NO_AWS, [], [], as_it_is).text


def test_a_failed_job_tells_its_cause_and_that_two_ddl_statements_take_two_calls() -> None:
    (found,) = job_findings((job("failed"),))
    assert "failed; its index remains" in found.text
    assert "the job's line below names" in found.step
    assert found.values["cause"] == "found duplicate key(s)"
    (invalid,) = index_findings(Catalog(indexes=(index("a", "1", valid=False),)))
    for step in (found.step, invalid.step):
        assert "two calls of transact" in step


def test_each_sequence_that_is_named_gets_its_statement() -> None:
    names = [f"s{number}" for number in range(7)]
    (found,) = sequence_findings([SequenceState(TableName("public", name), 1) for name in names])
    named = [name for name in names if f"public.{name}" in found.text]
    assert len(named) == 5
    assert [name for name in names if f"ALTER SEQUENCE public.{name} CACHE 65536" in found.step] == named


@pytest.mark.parametrize(("recorded", "rate"), [(0.1, None), (0.99, None), (2.0, "(1.5 a minute)")])
def test_a_rate_is_told_from_a_minute_on(recorded: float, rate: str | None) -> None:
    attempts = (Attempt(is_schema=False, seconds=0.1, rows=1),) * 3
    shapes = (StatementShape("DELETE FROM t"),)
    met = Conflicted(0.0, attempts, succeeded=False, read_only=False, shapes=shapes)
    text = report(Seen(15, recorded, 6, (met,), ()), Catalog(), NO_AWS, [], [], as_it_is).text
    assert "1 of 1 that met a conflict failed in the end" in text
    assert "6 transactions, 3 conflicts" in text
    assert (rate in text) if rate else ("a minute)" not in text)


def test_what_is_no_longer_known_is_said() -> None:
    shapes = (StatementShape("DELETE FROM t"),) * 12
    attempts = (Attempt(is_schema=False, seconds=0.1, rows=1),) * 3
    met = Conflicted(0.0, attempts, succeeded=True, read_only=False, shapes=shapes, statements=13)
    seen = Seen(15, 15.0, 600, (met,), (), ("conflicts",))
    text = report(seen, Catalog(), NO_AWS, [], [], as_it_is).text
    assert "succeeded when run again. Of long ones only the first 12 statements are known. (S1) Next:" in text
    assert "600 transactions, 3 conflicts (0.2 a minute); of conflicts only the newest are kept." in text


def test_a_job_is_stuck_only_after_half_an_hour() -> None:
    assert list(job_findings((job("processing", 1_799),))) == []
    (found,) = job_findings((job("processing", 1_800),))
    assert "without a change for 30 min" in found.text


def test_tables_near_a_limit_are_told() -> None:
    indexes = tuple(index(f"i{n}", str(n)) for n in range(20))
    assert [each.text for each in limit_findings(Catalog(indexes=indexes))] == [
        "public.t has 20 of 24 indexes."
    ]
    assert list(limit_findings(Catalog(indexes=indexes[:19]))) == []
    wide = Catalog(tables=(TableState(T, analyzed=True, columns=210),))
    assert [each.text for each in limit_findings(wide)] == ["public.t has 210 of 255 columns."]


def as_it_is(step: str) -> str:
    return step


def test_nothing_found_says_what_was_looked_at_and_what_was_not() -> None:
    tables = (TableState(T, analyzed=True, columns=3),)
    text = report(NOTHING_SEEN, Catalog(tables=tables), NO_AWS, ["Jobs: not known. No."], [], as_it_is).text
    first, *rest = text.splitlines()
    assert first == "Nothing stands out in the last 15 min."
    assert rest[0].startswith("Looked at: 1 table, 0 indexes, 0 sequences, 0 failed or unfinished jobs; ")
    assert rest[1] == "CloudWatch: not known. It is not permitted."
    assert rest[2] == "Jobs: not known. No."


def test_findings_stand_by_their_weight_each_with_its_next_step_and_data_between_markers() -> None:
    slow = SlowUnit(0.0, 4.2, 3, (StatementShape("SELECT * FROM t WHERE a = %s"),))
    seen = Seen(15, 15.0, 9, (), (slow, slow))
    catalog = Catalog(sequences=(SequenceState(TableName("public", "s"), 1),), jobs=(job("failed"),))
    output = report(seen, catalog, NO_AWS, [], [], as_it_is)
    lines = output.text.splitlines()
    assert lines[0] == "3 findings of the last 15 min, the weightiest first."
    assert [line[:2] for line in lines[1:4]] == ["1.", "2.", "3."]
    assert all(" Next: " in line for line in lines[1:4])
    assert [each["kind"] for each in output.structured["findings"]] == [  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        "job_failed",
        "slow",
        "sequence_cache",
    ]
    assert "took 4.2 s (3 rows), the slowest of 2 slow runs. (S1)" in output.text
    assert "S1 SELECT * FROM t WHERE a = %s\n</statements-" in output.text
    assert "used by no query, and refuses writes if unique. (J1) Next: " in lines[1]
    before, _, marked = output.text.partition("<jobs-")
    assert "duplicate key" not in before  # what a job says may be a row's text
    assert "\nJ1 aaaa" in marked
    assert "found duplicate key(s)\n</jobs-" in marked
    assert lines[3].endswith("ALTER SEQUENCE public.s CACHE 65536")


def test_a_server_that_lacks_a_tool_names_none_in_a_step() -> None:
    def without_transact(step: str) -> str:
        return step.replace(" Use two calls of transact: a transaction takes one DDL statement.", "")

    text = report(NOTHING_SEEN, Catalog(jobs=(job("failed"),)), NO_AWS, [], [], without_transact).text
    assert "transact" not in text.split("Looked at")[0]
