"""What conflicts have in common, and what is advised behind one that is given up."""

# ruff: noqa: S608 - statements are what is tested

import pytest

from awslabs_dsql_mcp.catalog.health import SequenceState
from awslabs_dsql_mcp.database.activity import ActivityRecord, Attempt, Attempts, Seen
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.diagnosis.contention import advice, contentions
from awslabs_dsql_mcp.sql.identifiers import TableName

COUNTERS, ORDERS = TableName("public", "counters"), TableName("public", "orders")
KEYS = {COUNTERS: ("id",), ORDERS: ("id",)}
ORDER_IDS = SequenceState(TableName("public", "orders_id_seq"), 1, ORDERS, "id", identity=True)


def unit(*statements: str, read_only: bool = False) -> UnitOfWork:
    return UnitOfWork(tuple(map(Query, statements)), read_only=read_only)


class Record:
    """A record of transactions that conflicted, each three times."""

    def __init__(self) -> None:
        self.record = ActivityRecord(lambda: 0.0)

    def add(
        self, *statements: str, times: int = 3, rows: int = 1, seconds: float = 0.1, schema: bool = False
    ) -> "Record":
        attempts = [Attempt(schema, seconds, rows)] * times
        report = Report((Result("UPDATE 1", rows),), "committed", times + 1)
        self.record.note(unit(*statements), Attempts(0.0, rows, seconds, attempts), report)
        return self

    @property
    def seen(self) -> Seen:
        return self.record.seen(15)

    def kind(self) -> str:
        return contentions(self.seen, KEYS, [ORDER_IDS])[0].pattern.kind


COUNT = "UPDATE counters SET n = n + 1 WHERE id = 1"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (COUNT, "counter_row"),
        ("UPDATE public.counters SET state = 'x' WHERE id = 1", "hot_row"),
        ("SELECT * FROM counters WHERE id = 1 FOR UPDATE", "locked_row"),
        ("INSERT INTO counters (id, n) VALUES (1, 0)", "same_insert"),
        ("INSERT INTO orders (total) VALUES (5)", "sequence_cache"),
        ("INSERT INTO counters SELECT nextval('orders_id_seq')", "sequence_cache"),
        ("UPDATE counters SET n = 0", "other"),
    ],
)
def test_a_pattern_is_told_by_what_repeats(statement: str, kind: str) -> None:
    assert Record().add(statement).kind() == kind


def test_a_transaction_is_judged_by_its_time_and_its_rows_where_its_rows_differ() -> None:
    def each(**of: float) -> str:
        record = Record()
        for number in range(4):
            record.add(f"UPDATE counters SET n = 0 WHERE id = {number}", times=1, **of)  # type: ignore[arg-type]
        return record.kind()

    assert each() == "other"
    assert each(seconds=4.0) == "long_transaction"
    assert each(rows=2_000) == "many_rows"


def test_rows_are_said_to_differ_only_where_the_statements_tell_them() -> None:
    def told(*statements: str) -> str:
        record = Record()
        for statement in statements:
            record.add(statement, times=1)
        return contentions(record.seen, KEYS)[0].pattern.text

    different = told(*(f"UPDATE counters SET n = 0 WHERE id = {number}" for number in range(4)))
    assert different == "on different rows, as far as the statements tell"
    assert told(*["UPDATE counters SET n = 0"] * 4) == "on rows that the statements do not tell"


def test_a_changed_schema_is_not_taken_for_a_hot_row() -> None:
    assert Record().add(COUNT, schema=True).kind() == "schema"


def test_a_row_is_known_by_its_whole_primary_key() -> None:
    record = Record()
    for version in range(3):  # optimistic locking: the other column differs each time
        record.add(f"UPDATE counters SET n = 1 WHERE id = 1 AND version = {version}", times=1)
    (found,) = contentions(record.seen, KEYS)
    assert "all on the row id = 1 of public.counters" in found.pattern.text
    (found,) = contentions(record.seen, {COUNTERS: ("id", "tenant")})
    assert found.pattern.kind == "other"


def test_one_row_among_many_is_not_blamed() -> None:
    record = Record().add(COUNT)
    for number in range(2, 12):
        record.add(f"UPDATE counters SET n = n + 1 WHERE id = {number}", times=1)
    many, repeated = contentions(record.seen, KEYS)
    assert (many.pattern.kind, many.conflicts, many.rows) == ("other", 10, ())
    assert (repeated.pattern.kind, repeated.conflicts) == ("counter_row", 3)


def test_a_row_that_repeats_is_a_finding_of_its_own_beside_other_conflicts_on_its_table() -> None:
    record = Record()
    for number in range(7):
        record.add(f"UPDATE counters SET n = 5 WHERE id = {100 + number}", times=1)
    for _ in range(5):
        record.add("UPDATE counters SET n = 5 WHERE id = 9", times=1)
    found = contentions(record.seen, KEYS)
    assert [(each.pattern.kind, each.conflicts) for each in found] == [("other", 7), ("hot_row", 5)]
    ((row, number),) = found[1].rows
    assert (row.table, row.key, number) == (COUNTERS, "id = 9", 5)


BOTH = (
    "SELECT * FROM orders WHERE id = 3 FOR UPDATE",
    "UPDATE counters SET n = n + 1 WHERE id = 41",
)


@pytest.mark.parametrize("statements", [BOTH, BOTH[::-1]])
def test_of_several_rows_that_each_touched_none_is_blamed(statements: tuple[str, ...]) -> None:
    record = Record()
    for _ in range(4):
        record.add(*statements, times=1)
    (found,) = contentions(record.seen, KEYS)
    assert found.pattern.kind == "several_rows"
    rows = {"id = 3 of public.orders", "id = 41 of public.counters"}
    assert found.pattern.text in {
        f"each touched {one} and {other}; which one conflicted is not known"
        for one in rows
        for other in rows - {one}
    }
    assert "sum them" not in found.pattern.advice
    assert "Keep these transactions short" in found.pattern.advice
    told = advice(record.seen, record.record.shapes(unit(*statements)), KEYS, [])
    assert told is not None
    assert "which one conflicted is not known" in told
    assert "sum them" not in told
    assert "a counter" not in told


def test_rows_that_no_key_names_may_be_the_cause_too() -> None:
    (found,) = contentions(Record().add(COUNT, "UPDATE orders SET total = 0").seen, KEYS)
    assert found.pattern.kind == "several_rows"
    assert "rows of public.orders that no key names" in found.pattern.text


def test_conflicts_of_transactions_that_touch_one_row_alone_are_told_apart() -> None:
    same = "UPDATE counters SET n = 0 WHERE id = 2"
    record = Record()
    for _ in range(3):
        record.add(COUNT, times=1)
    for _ in range(4):
        record.add(COUNT, same, times=1)
    kinds = [(each.pattern.kind, each.conflicts) for each in contentions(record.seen, KEYS)]
    assert kinds == [("several_rows", 4), ("counter_row", 3)]


def test_what_differs_beside_a_row_that_repeats_is_no_candidate() -> None:
    record = Record()
    for number in range(5):
        record.add(COUNT, f"UPDATE orders SET total = 1 WHERE id = {number}", times=1)
    (found,) = contentions(record.seen, KEYS)
    assert found.pattern.text == "all on the row id = 1 of public.counters, a counter"


def test_each_sequence_that_is_drawn_from_gets_its_statement() -> None:
    second = SequenceState(TableName("public", "ticket"), 1)
    record = Record().add("INSERT INTO orders (total) SELECT nextval('ticket')")
    (found,) = contentions(record.seen, KEYS, [ORDER_IDS, second])
    assert "the sequences public.orders_id_seq and public.ticket" in found.pattern.text
    assert "ALTER TABLE public.orders ALTER COLUMN id SET CACHE 65536" in found.pattern.advice
    assert "ALTER SEQUENCE public.ticket CACHE 65536" in found.pattern.advice


def test_a_text_that_names_a_row_is_not_shown() -> None:
    record = Record().add("UPDATE counters SET n = n + 1 WHERE id = 'secret'")
    (found,) = contentions(record.seen, KEYS)
    assert "id = (the same value) of public.counters" in found.pattern.text
    assert "secret" not in repr(found)


def test_conflicts_are_grouped_by_the_tables_of_their_transactions() -> None:
    record = Record().add(COUNT, "INSERT INTO orders (id) VALUES (1)", times=2).add(COUNT, times=3)
    first, second = contentions(record.seen, KEYS)
    assert (first.tables, first.conflicts) == ((COUNTERS,), 3)
    assert (second.tables, second.conflicts) == ((COUNTERS, ORDERS), 2)


def given_up(record: Record, statement: str = COUNT) -> str | None:
    return advice(record.seen, record.record.shapes(unit(statement)), KEYS, [ORDER_IDS])


def test_the_first_conflicts_get_no_advice() -> None:
    assert given_up(Record().add(COUNT, times=2)) is None


def test_repeated_conflicts_get_advice_that_names_the_row_and_what_to_change() -> None:
    told = given_up(Record().add(COUNT, times=2).add(COUNT, times=4))
    assert told is not None
    assert told.startswith(
        "Try again later. To have fewer of them: INSERT a row for each change into a table of its own "
    )
    assert (
        "As this server saw: 6 conflicts in the last 15 min, all on the row id = 1 of public.counters" in told
    )
    assert told.endswith("Call diagnose for the statements.")
    assert "\n" not in told
    assert len(told) < 360


def test_advice_names_the_tables_where_no_row_is_known() -> None:
    told = given_up(
        Record().add("INSERT INTO orders (total) VALUES (1)"), "INSERT INTO orders (total) VALUES (2)"
    )
    assert told is not None
    assert told.startswith("Try again later. ")
    assert "ALTER TABLE public.orders ALTER COLUMN id SET CACHE 65536." in told
    assert "3 conflicts in the last 15 min on public.orders" in told


def test_conflicts_on_other_tables_give_no_advice() -> None:
    assert given_up(Record().add(COUNT, times=9), "UPDATE orders SET total = 1 WHERE id = 1") is None
