"""Labelled statements: what was seen to change something is refused, what was seen to read is allowed."""

import json
from pathlib import Path
from typing import TypedDict

import pytest

from awslabs_dsql_mcp.guard.guard import check, check_statement
from awslabs_dsql_mcp.sql.parse_tree import constant
from awslabs_dsql_mcp.sql.parser import parse

DATA = Path(__file__).parents[2] / "data" / "guard"


class Item(TypedDict):
    """A line of the corpus."""

    id: str
    sql: str
    label: str


def items(name: str) -> list[Item]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", ["statements.jsonl", "postgresql.jsonl"])
def test_labels_hold(name: str) -> None:
    wrong = [
        (item["id"], item["label"], item["sql"][:100])
        for item in items(name)
        if (check(item["sql"], writes=False) is None) != (item["label"] == "read")
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["statements.jsonl", "postgresql.jsonl"])
def test_what_is_a_read_is_allowed_with_writes_too(name: str) -> None:
    reads = [item["sql"] for item in items(name) if item["label"] == "read"]
    assert [sql for sql in reads if check(sql, writes=True)] == []


@pytest.mark.parametrize("name", ["statements.jsonl", "postgresql.jsonl"])
def test_the_category_is_the_label(name: str) -> None:
    for item in items(name):
        statement = check_statement(item["sql"], writes=False).statement
        category = statement.category if statement else "none"
        assert (category == "read") == (item["label"] == "read"), item["sql"]


@pytest.mark.parametrize("name", ["statements.jsonl", "postgresql.jsonl"])
def test_a_limit_that_is_inserted_is_all_that_changes(name: str) -> None:
    inserted = 0
    for item in items(name):
        sql, statement = item["sql"], check_statement(item["sql"], writes=True).statement
        if statement is None or (at := statement.limit_at) is None:
            continue
        (before,), (after,) = parse(sql), parse(f"{sql[:at]}\nLIMIT 101{sql[at:]}")
        limit = after.root.pop("limitCount")
        assert constant(limit) == "101"
        after.root["limitOption"] = before.root["limitOption"]
        assert after.root == before.root, sql
        inserted += 1
    assert inserted > 100
