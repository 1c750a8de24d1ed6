"""How long the guard takes, in ratios to a baseline of the same run.

::

    .ci/in-env python benchmarks/guard.py

Time is the processor's. Two things are claimed, and the exit status is 1 when one does not hold: the median
of ordinary statements is under 100 µs; and time grows as input does: ten-fold input takes no more than the
baseline's growth, or ten-fold where that is more, with a fifth for noise. The baseline is libpg_query's
parsing with `json` reading its tree: it is linear, but once a tree no longer fits the processor's caches it
takes more than ten-fold.
"""
# ruff: noqa: S608 - SQL is what this is about, and none of it is run

import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from postgast.native import lib

from awslabs_dsql_mcp.guard.guard import check

ORDINARY = """
SELECT * FROM orders WHERE id = 42;
SELECT id, total FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT 20;
SELECT c.name, count(*) AS orders, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id
  WHERE o.status = 'paid' GROUP BY c.name HAVING sum(o.total) > 100;
WITH recent AS (SELECT * FROM orders WHERE created_at > now() - interval '7 days')
  SELECT status, count(*) FROM recent GROUP BY status;
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public';
EXPLAIN ANALYZE SELECT * FROM orders WHERE total > 1000;
SELECT doc->>'name', jsonb_array_length(doc->'tags') FROM documents WHERE doc @> '{"a": 1}';
SELECT status, row_number() OVER (PARTITION BY status ORDER BY id) FROM orders;
INSERT INTO orders (id, total) VALUES (1, 10), (2, 20) ON CONFLICT (id) DO UPDATE SET total = excluded.total;
UPDATE orders SET status = 'paid' WHERE id = 42 RETURNING id, status;
DELETE FROM orders WHERE id IN (1, 2, 3);
CREATE TABLE items (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, price numeric(10, 2));
CREATE INDEX ASYNC orders_status ON orders (status);
SHOW search_path
"""

GROWING: dict[str, Callable[[int], str]] = {
    "values in a list": lambda n: "SELECT * FROM t WHERE id IN (" + ", ".join(map(str, range(n))) + ")",
    "rows to insert": lambda n: "INSERT INTO t VALUES " + ", ".join(f"({i}, 'name {i}')" for i in range(n)),
    "columns": lambda n: "SELECT " + ", ".join(f"lower(c{i}) AS d{i}" for i in range(n)) + " FROM t",
    "a literal": lambda n: "SELECT '" + "x" * (50 * n) + "'",
    "blanks": lambda n: "SELECT 1" + " " * (50 * n),
    "an open quote": lambda n: "SELECT '" + "x" * (50 * n),
    "parentheses": lambda n: "SELECT " + "(" * (10 * n),
    "nested comments": lambda n: "SELECT 1 " + "/* " * n + "*/ " * n,
    "signs": lambda n: "SELECT 1 " + ("+" + "-+" * 50 + " 1 ") * (n // 100),
}
SIZES = (500, 5_000)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The fastest of some runs, by the time that all threads have used: noise only adds."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(repeats))


def parse(sql: str) -> None:
    """The baseline: the parser, and its tree as Python values."""
    result = lib.pg_query_parse(sql.encode())
    with suppress(RecursionError):
        json.loads(result.parse_tree or b"{}")
    lib.pg_query_free_parse_result(result)


def ordinary() -> bool:
    """Print and judge the time of ordinary statements."""
    checked = statistics.median(seconds(partial(check, sql, writes=True), 200) for sql in ORDINARY.split(";"))
    parsed = statistics.median(seconds(partial(parse, sql), 200) for sql in ORDINARY.split(";"))
    print(f"ordinary statements: median {checked * 1e6:.0f} µs, {checked / parsed:.1f} times the baseline")
    return checked < 100e-6


def grows_as_input(name: str, text: Callable[[int], str]) -> bool:
    """Print and judge what ten-fold input costs."""
    small, large = (text(size) for size in SIZES)
    before, after = (seconds(partial(check, sql, writes=True), 10) for sql in (small, large))
    growth = after / before
    baseline = seconds(partial(parse, large), 10) / seconds(partial(parse, small), 10)
    print(f"{name:18} {before * 1e3:8.2f} ms → {after * 1e3:8.2f} ms: {growth:4.1f} times ({baseline:.1f})")
    return growth < 1.2 * max(10, baseline)


if __name__ == "__main__":
    sys.exit(0 if all([ordinary(), *(grows_as_input(*item) for item in GROWING.items())]) else 1)
