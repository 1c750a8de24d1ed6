"""What transactions that conflicted have in common, as far as this server's own statements tell it.

The others, which they conflicted with, are not known: Aurora DSQL does not name them, nor the row.
Source of the advice: Aurora DSQL user guide, "Concurrency control" and "Sequences and identity columns".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from awslabs_dsql_mcp.catalog.health import SequenceState
from awslabs_dsql_mcp.database.activity import Attempt, Conflicted, Seen
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.shapes import RowAccess, StatementShape
from awslabs_dsql_mcp.text import one_line, pluralize

REPEATED: Final = 3
"""Conflicts from which a pattern is told: one or two happen wherever several write."""

_MOSTLY: Final = 0.6
_LONG: Final = 1.0  # seconds
_MANY: Final = 500  # rows
_MAX_TABLES: Final = 3
_MAX_NAME: Final = 60

PrimaryKeys = Mapping[TableName, Sequence[str]]


@dataclass(frozen=True)
class Pattern:
    """What conflicts have in common.

    Attributes:
        kind: A word for programs.
        text: What was seen, as a clause.
        advice: What to change, as a sentence.
    """

    kind: str
    text: str
    advice: str


@dataclass(frozen=True)
class Contention:
    """Conflicts of the transactions that change the same tables.

    Attributes:
        tables: The tables; none if a statement could not be read, or only reads conflicted.
        units: The transactions.
        pattern: What they have in common.
    """

    tables: tuple[TableName, ...]
    units: tuple[Conflicted, ...]
    pattern: Pattern

    @property
    def conflicts(self) -> int:
        """Number of attempts that conflicted."""
        return sum(len(unit.attempts) for unit in self.units)

    @property
    def given_up(self) -> int:
        """Number of transactions that failed in the end."""
        return sum(not unit.succeeded for unit in self.units)

    @property
    def where(self) -> str:
        """What the transactions do, as the end of a clause."""
        if self.tables:
            return f"change {name_tables(self.tables)}"
        return "only read" if all(unit.read_only for unit in self.units) else "change what is not known"

    @property
    def texts(self) -> tuple[str, ...]:
        """The statements that change or lock rows, else all; each once, the most frequent first."""
        counted: Counter[str] = Counter()
        for unit in self.units:
            changing = [each for each in unit.shapes if each.accesses]
            counted.update({each.text for each in changing or unit.shapes})
        return tuple(text for text, _ in counted.most_common())


def name_tables(tables: Sequence[TableName]) -> str:
    """List names of tables."""
    shown = [one_line(str(table), _MAX_NAME) for table in tables[:_MAX_TABLES]]
    return ", ".join(shown) + (" and more" if len(tables) > _MAX_TABLES else "")


def tables_of(shapes: Iterable[StatementShape], known: Iterable[TableName] = ()) -> tuple[TableName, ...]:
    """Find the tables whose rows statements change or lock.

    Args:
        shapes: The statements.
        known: The tables that there are, by which a name without a schema is completed if only one fits.
    """
    by_name: dict[str, list[TableName]] = defaultdict(list)
    for table in known:
        by_name[table.table].append(table)
    found = (access.table for each in shapes for access in each.accesses)
    return tuple(dict.fromkeys(_completed(table, by_name) for table in found))


def _completed(table: TableName, by_name: Mapping[str, Sequence[TableName]]) -> TableName:
    same = by_name.get(table.table, ())
    return same[0] if table.schema is None and len(same) == 1 else table


def contentions(
    seen: Seen, keys: PrimaryKeys, sequences: Sequence[SequenceState] = ()
) -> tuple[Contention, ...]:
    """Group conflicts by the tables of their transactions, the most conflicts first.

    Args:
        seen: What was seen.
        keys: Columns of the primary keys of the tables that are known.
        sequences: The sequences that are known.
    """
    groups: dict[tuple[TableName, ...], list[Conflicted]] = defaultdict(list)
    for unit in seen.conflicted:
        tables = tables_of(unit.shapes, keys)
        groups[tuple(sorted(tables, key=str))].append(unit)
    found = [
        Contention(tables, tuple(units), _pattern(units, keys, sequences)) for tables, units in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: -each.conflicts))


def _pattern(units: Sequence[Conflicted], keys: PrimaryKeys, sequences: Sequence[SequenceState]) -> Pattern:
    attempts = [attempt for unit in units for attempt in unit.attempts]
    if 2 * sum(attempt.is_schema for attempt in attempts) > len(attempts):
        return Pattern(
            "schema",
            "the schema had changed meanwhile (OC001)",
            "Run DDL, GRANT and index builds while nothing else runs; each is met by one retry.",
        )
    return _hot_row(units, keys) or _sequence(units, sequences) or _size(attempts) or _OTHER


_OTHER: Final = Pattern(
    "other",
    "on different rows, as far as the statements tell",
    "Let fewer writers change the same rows at once, and keep transactions short.",
)


def _hot_row(units: Sequence[Conflicted], keys: PrimaryKeys) -> Pattern | None:
    """Find the row that most transactions changed or locked; a row is known by its primary key."""
    times: Counter[tuple[TableName, tuple[str, ...]]] = Counter()
    words: dict[tuple[TableName, tuple[str, ...]], tuple[str, list[RowAccess]]] = {}
    total = 0
    for unit in units:
        total += len(unit.attempts)
        rows: set[tuple[TableName, tuple[str, ...]]] = set()
        for access in (access for each in unit.shapes for access in each.accesses):
            row = _row(access, keys)
            if row is not None:
                rows.add(row[0])
                words.setdefault(row[0], (row[1], []))[1].append(access)
        for row in rows:
            times[row] += len(unit.attempts)
    if not times:
        return None
    row, number = times.most_common(1)[0]
    if number < REPEATED or number < _MOSTLY * total:
        return None
    told, accesses = words[row]
    share = f"all on the row {told}" if number == total else f"{number} of them on the row {told}"
    if any(access.counts for access in accesses):
        return Pattern(
            "counter_row",
            f"{share}, a counter",
            "INSERT a row for each change into a table of its own and sum them, or spread the counter over "
            "several rows that are summed.",
        )
    if all(access.verb == "SELECT FOR UPDATE" for access in accesses):
        return Pattern(
            "locked_row",
            f"{share}, which each locks (FOR UPDATE)",
            "Lock a row of what each changes, not one for all; where no rule spans rows, lock none.",
        )
    if all(access.verb == "INSERT" for access in accesses):
        return Pattern(
            "same_insert",
            f"{share}, which each inserts",
            "INSERT it once beforehand, or let one writer do it; random keys (gen_random_uuid()) never meet.",
        )
    return Pattern(
        "hot_row",
        f"{share}, a hot row",
        "Split what it holds over several rows, or change it in a transaction of its own and less often.",
    )


def _row(access: RowAccess, keys: PrimaryKeys) -> tuple[tuple[TableName, tuple[str, ...]], str] | None:
    by_name: dict[str, list[TableName]] = defaultdict(list)
    for known in keys:
        by_name[known.table].append(known)
    table = _completed(access.table, by_name)
    columns = keys.get(table) or (() if access.verb == "INSERT" else tuple(access.values))
    values = [access.values[column] for column in columns if column in access.values]
    if not columns or len(values) < len(columns):
        return None
    told = ", ".join(
        f"{one_line(column, _MAX_NAME)} = {value.shown or '(the same value)'}"
        for column, value in zip(columns, values, strict=True)
    )
    place = f"{told} of {one_line(str(table), _MAX_NAME)}"
    return (table, tuple(value.digest for value in values)), place


def _sequence(units: Sequence[Conflicted], sequences: Sequence[SequenceState]) -> Pattern | None:
    shapes = [each for unit in units for each in unit.shapes]
    drawn = {name.rpartition(".")[2] for each in shapes for name in each.sequences}
    inserted = {a.table.table for each in shapes for a in each.accesses if a.verb == "INSERT"}
    for sequence in sequences:
        owner = sequence.table.table if sequence.table else ""
        if sequence.cache == limits.SMALL_CACHE and (sequence.name.table in drawn or owner in inserted):
            name = one_line(str(sequence.name), _MAX_NAME)
            return Pattern(
                "sequence_cache",
                f"all draw from the sequence {name} with CACHE 1",
                f"{raise_cache(sequence)}.",
            )
    return None


def raise_cache(sequence: SequenceState) -> str:
    """Write the statement that gives a sequence a large cache."""
    if sequence.identity and sequence.table:
        column = TableName(None, sequence.column)
        return f"ALTER TABLE {sequence.table} ALTER COLUMN {column} SET CACHE {limits.MIN_LARGE_CACHE}"
    return f"ALTER SEQUENCE {sequence.name} CACHE {limits.MIN_LARGE_CACHE}"


def _size(attempts: Sequence[Attempt]) -> Pattern | None:
    seconds = median(attempt.seconds for attempt in attempts)
    if seconds >= _LONG:
        return Pattern(
            "long_transaction",
            f"of transactions that were open for {seconds:.1f} s before the conflict (median)",
            "Shorten them: fewer statements a transaction, an index for each WHERE (explain_query).",
        )
    rows = median(attempt.rows for attempt in attempts)
    if rows >= _MANY:
        return Pattern(
            "many_rows",
            f"of transactions that changed {rows:,.0f} rows each (median)",
            "Change fewer rows at once: smaller batches meet fewer others.",
        )
    return None


def advice(
    seen: Seen, shapes: Sequence[StatementShape], keys: PrimaryKeys, sequences: Sequence[SequenceState]
) -> str | None:
    """Word the next step behind a conflict that was given up; `None` if there were too few to tell.

    Args:
        seen: What was seen.
        shapes: Statements of the transaction that was given up.
        keys: Columns of the primary keys of its tables.
        sequences: Sequences of its tables.
    """
    own = set(tables_of(shapes, keys))
    found = next((each for each in contentions(seen, keys, sequences) if set(each.tables) == own), None)
    if found is None or found.conflicts < REPEATED:
        return None
    names_table = found.pattern.kind.endswith(("row", "insert"))
    on = f" on {name_tables(found.tables)}" if found.tables and not names_table else ""
    return (
        f"{found.pattern.advice} As this server saw: {pluralize(found.conflicts, 'conflict')} in the last "
        f"{seen.minutes} min{on}, {found.pattern.text}. Call diagnose for the statements."
    )
