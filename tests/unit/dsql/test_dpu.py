"""Forecasts by AWS's formulas: figures that were published, and what must hold of any work."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.dsql.dpu import Work, batches, counted, transaction
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES, price_of
from awslabs_dsql_mcp.dsql.row_sizes import value_size

BYTES = st.floats(0, 1e9)
SIZES = st.lists(st.integers(0, 10_000), max_size=50)


@pytest.mark.parametrize(("indexes", "dpu"), [(0, 6_250), (2, 18_751)])
def test_a_million_rows_of_100_bytes_cost_what_is_published(indexes: int, dpu: int) -> None:
    entries = counted([100] * (1 + indexes))
    work = batches(1_000_000, 2_900, 0, entries)
    assert round(work.write) == dpu
    assert work.read == 0


def test_that_million_costs_five_cents_where_a_million_dpu_are_eight_dollars() -> None:
    price = price_of("us-east-1")
    assert price is not None
    assert round(price.of(batches(1_000_000, 2_900, 0, counted([100])).write), 2) == 0.05


def test_a_gibibyte_that_is_scanned_costs_what_is_published() -> None:
    assert round(transaction(2**30, 0).read) == 1_966


def test_a_small_transaction_costs_the_least_that_the_plans_of_aws_name() -> None:
    work = transaction(1, 1)
    assert round(work.read, 5) == 0.00375
    assert round(work.write, 5) == 0.05000


def test_what_reads_or_writes_nothing_costs_nothing() -> None:
    assert transaction(0, 0) == Work()
    assert batches(0, 2_900, 128, 128) == Work()


@given(BYTES, BYTES, BYTES)
def test_more_bytes_never_cost_less(read: float, written: float, more: float) -> None:
    less, work = transaction(read, written), transaction(read + more, written + more)
    assert work.read >= less.read
    assert work.write >= less.write


@given(SIZES, SIZES)
def test_one_transaction_never_costs_more_than_two(one: list[int], other: list[int]) -> None:
    together = transaction(0, counted(one) + counted(other))
    apart = transaction(0, counted(one)) + transaction(0, counted(other))
    assert together.write <= apart.write * (1 + 1e-9)


@given(SIZES)
def test_each_row_counts_with_128_bytes_at_least(sizes: list[int]) -> None:
    assert counted(sizes) >= MIN_ROW_BYTES * len(sizes)
    assert counted(sizes) >= sum(sizes)


@given(st.integers(0, 100_000), st.integers(1, 3_000), st.integers(128, 5_000))
def test_batches_are_their_transactions(rows: int, size: int, written: int) -> None:
    parts = [min(size, rows - at) for at in range(0, rows, size)]
    one_by_one = math.fsum(transaction(0, part * written).write for part in parts)
    assert math.isclose(batches(rows, size, 0, written).write, one_by_one, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("kind", "text", "size"),
    [
        ("int8", "9223372036854775807", 8),
        ("uuid", "6b3d6a3e-0d6a-4b7e-9b8c-0a1b2c3d4e5f", 16),
        ("timestamptz", "2026-11-29 12:00:00+00", 8),
        ("bytea", "\\x00ff10", 3),
        ("text", "naïve", 6),
        ("numeric", "1234.5678", 12),
        ("", "\ud800", 3),
    ],
)
def test_a_value_is_as_large_as_its_type_stores_it(kind: str, text: str, size: int) -> None:
    assert value_size(kind, text) == size
