"""Which statements may run twice on the same rows, and which tables change with others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.splitting.cascades import ForeignKey, cascaded_changes
from awslabs_dsql_mcp.bulk.splitting.repeatability import is_repeatable
from awslabs_dsql_mcp.bulk.splitting.splitter import SplitStatement, split

COLUMNS = ("id", "a", "b", "c", "j")

REPEATABLE = (
    "UPDATE t SET a = 1",
    "UPDATE t SET a = b WHERE a = 2",
    "UPDATE t SET a = lower(b), c = now()",
    "UPDATE t SET a = x::text FROM o x",
    "UPDATE t SET a = o.a FROM o WHERE o.id = t.id",
    "UPDATE t SET a = b FROM o WHERE o.k = t.a",
    "UPDATE t SET a = (SELECT o.v FROM o WHERE o.k = t.b) WHERE a IS NULL",
    "UPDATE s.t SET a = s.t.b",
    "UPDATE t SET (a, b) = (SELECT o.v, o.w FROM o WHERE o.k = t.c)",
    "DELETE FROM t",
    "DELETE FROM t USING o WHERE o.k = t.a",
)
NOT_REPEATABLE = (
    "UPDATE t SET a = a + 1",
    "UPDATE t SET a = b, b = a",
    "UPDATE t SET a = t.b, b = coalesce(c, t.a)",
    "UPDATE s.t SET a = s.t.a || 'x'",
    "UPDATE t SET a = random()",
    "UPDATE t SET a = nextval('s')",
    "UPDATE t SET a = DEFAULT",
    "UPDATE t SET (a, b) = (SELECT o.v, t.a FROM o)",
    "UPDATE t SET j['n'] = '1'",
    "UPDATE t SET a = (t.*)::text",
    "UPDATE t AS x SET a = x::text",
    "UPDATE t SET a = t.row_to_json",
    "UPDATE t SET a = xmin::text",
    "UPDATE t SET a = (SELECT max(o.v) FROM o WHERE o.k = a)",
    "UPDATE t SET a = o.next FROM o WHERE o.state = t.a",
    "UPDATE t SET a = next FROM o WHERE state = a",
    "UPDATE t SET a = o.next FROM o JOIN p ON p.k = o.k WHERE EXISTS (SELECT FROM q WHERE q.v = t.a)",
    "UPDATE t x SET a = o.next FROM o WHERE (x.*) IS DISTINCT FROM o",
    "DELETE FROM t WHERE random() < 0.5",
    "INSERT INTO t SELECT * FROM o ON CONFLICT DO NOTHING",
)


@pytest.mark.parametrize("sql", REPEATABLE)
def test_what_gives_the_same_again_may_be_repeated(sql: str) -> None:
    assert is_repeatable(_split(sql).tree, COLUMNS)


@pytest.mark.parametrize("sql", NOT_REPEATABLE)
def test_what_could_give_something_else_is_not_repeated(sql: str) -> None:
    assert not is_repeatable(_split(sql).tree, COLUMNS)


def _split(sql: str) -> SplitStatement:
    parts = split(sql)
    assert isinstance(parts, SplitStatement), parts
    return parts


def key(child: str, parent: str, on_delete: str = "a", on_update: str = "a") -> ForeignKey:
    """Make a foreign key: column ``parent`` of the child to ``id`` of the parent."""
    return ForeignKey(child, parent, on_delete, on_update, frozenset({parent}), frozenset({"id"}))


def test_cascades_are_followed_to_the_end() -> None:
    keys = [
        key("b", "a", "c"),
        key("c", "b", "n"),
        key("d", "c", "c", "c"),
        key("e", "d", "a"),
        key("f", "a", "d"),
    ]
    assert cascaded_changes(keys, "a", None) == {"b": {"deleted"}, "c": {"updated"}, "f": {"updated"}}
    assert cascaded_changes([*keys, key("a", "c", "n")], "a", None).keys() == {"b", "c", "f"}


def test_an_update_cascades_from_referenced_columns_only() -> None:
    keys = [
        ForeignKey("b", "a", "a", "c", frozenset({"code"}), frozenset({"code"})),
        ForeignKey("c", "b", "a", "n", frozenset({"up"}), frozenset({"code"})),
        ForeignKey("a", "c", "a", "c", frozenset({"x"}), frozenset({"up"})),
    ]
    assert cascaded_changes(keys, "a", frozenset({"name"})) == {}
    assert cascaded_changes(keys, "a", frozenset({"code"})) == {t: {"updated"} for t in "bca"}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=12))
def test_deletions_that_cascade_reach_what_a_search_reaches(pairs: list[tuple[str, str]]) -> None:
    reached: set[str] = set()
    while more := {c for c, p in pairs if p in reached | {"a"}} - reached:
        reached |= more
    assert cascaded_changes([key(c, p, "c") for c, p in pairs], "a", None).keys() == reached
