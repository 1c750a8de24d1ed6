"""Common traits of transactions that conflicted, as far as this server's own statements tell them.

The others, which they conflicted with, are not known: Aurora DSQL does not name them, nor the row.
Source of the advice: Aurora DSQL user guide, "Concurrency control" and "Sequences and identity columns".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from awslabs_dsql_mcp.catalog.health import SequenceState
from awslabs_dsql_mcp.database.activity import Attempt, Conflicted, Seen
from awslabs_dsql_mcp.diagnosis.rows import (
    MAX_NAME,
    MOSTLY,
    REPEATED,
    Cause,
    PrimaryKeys,
    Row,
    causes,
    completed,
    conflicts_of,
    touched,
)
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.shapes import StatementShape
from awslabs_dsql_mcp.text import one_line, pluralize

_LONG: Final = 1.0  # seconds
_MANY: Final = 500  # rows
_MAX_TABLES: Final = 3
_MAX_NAMES: Final = 4  # rows or sequences that are named


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
    """Conflicts of transactions that change the same tables, with one cause.

    Attributes:
        tables: The tables; none if a statement could not be read, or only reads conflicted.
        units: The transactions.
        pattern: What they have in common.
        rows: The rows that may be the cause, each with its conflicts.
    """

    tables: tuple[TableName, ...]
    units: tuple[Conflicted, ...]
    pattern: Pattern
    rows: tuple[tuple[Row, int], ...] = ()

    @property
    def conflicts(self) -> int:
        """Number of attempts that conflicted."""
        return conflicts_of(self.units)

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
    def is_cut(self) -> bool:
        """A transaction has more statements than are kept, which may touch other rows."""
        return any(unit.statements > len(unit.shapes) for unit in self.units)

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
    shown = [one_line(str(table), MAX_NAME) for table in tables[:_MAX_TABLES]]
    return ", ".join(shown) + (" and more" if len(tables) > _MAX_TABLES else "")


def tables_of(shapes: Iterable[StatementShape], known: Iterable[TableName] = ()) -> tuple[TableName, ...]:
    """Find the tables whose rows statements change or lock.

    Args:
        shapes: The statements.
        known: The tables that there are, by which a name without a schema is completed if only one fits.
    """
    names = tuple(known)
    found = (access.table for each in shapes for access in each.accesses)
    return tuple(dict.fromkeys(completed(table, names) for table in found))


def contentions(
    seen: Seen, keys: PrimaryKeys, sequences: Sequence[SequenceState] = ()
) -> tuple[Contention, ...]:
    """Group conflicts by the tables of their transactions and by cause, the most conflicts first.

    Args:
        seen: What was seen.
        keys: Columns of the primary keys of the tables that are known.
        sequences: The sequences that are known.
    """
    groups: dict[tuple[TableName, ...], list[Conflicted]] = defaultdict(list)
    for unit in seen.conflicted:
        tables = tables_of(unit.shapes, keys)
        groups[tuple(sorted(tables, key=str))].append(unit)
    found = [each for tables, units in groups.items() for each in _parted(tables, units, keys, sequences)]
    return tuple(sorted(found, key=lambda each: -each.conflicts))


def _parted(
    tables: tuple[TableName, ...],
    units: Sequence[Conflicted],
    keys: PrimaryKeys,
    sequences: Sequence[SequenceState],
) -> Iterable[Contention]:
    of_schema = tuple(unit for unit in units if _is_schema(unit))
    if of_schema:
        yield Contention(tables, of_schema, _SCHEMA)
    for cause in causes([unit for unit in units if not _is_schema(unit)], keys):
        if cause.rows:
            yield Contention(tables, cause.units, _of_rows(cause), cause.rows)
        else:
            attempts = [attempt for unit in cause.units for attempt in unit.attempts]
            told = any(row.key for unit in cause.units for row in touched(unit.shapes, keys))
            pattern = _sequence(cause.units, sequences) or _size(attempts) or (_OTHER if told else _UNKNOWN)
            yield Contention(tables, cause.units, pattern)


def _is_schema(unit: Conflicted) -> bool:
    return 2 * sum(attempt.is_schema for attempt in unit.attempts) > len(unit.attempts)


_SCHEMA: Final = Pattern(
    "schema",
    "the schema had changed meanwhile (OC001)",
    "Run DDL, GRANT and index builds while nothing else runs; each is met by one retry.",
)
_SPREAD: Final = "Let fewer writers change the same rows at once, and keep transactions short."
_OTHER: Final = Pattern("other", "on different rows, as far as the statements tell", _SPREAD)
_UNKNOWN: Final = Pattern("other", "on rows that the statements do not tell", _SPREAD)


def _of_rows(cause: Cause) -> Pattern:
    """Word what is done to the row; of several, none is blamed."""
    (first, _), *others = cause.rows
    if others:
        told = [row.told for row, _ in cause.rows[:_MAX_NAMES]]
        more = len(cause.rows) - len(told)
        last = f"{more} more" if more else told.pop()
        names = f"{', '.join(told)} and {last}"
        each = "each" if all(number == cause.conflicts for _, number in cause.rows) else "most"
        return Pattern(
            "several_rows",
            f"{each} touched {names}; which one conflicted is not known",
            "Keep these transactions short; change each of these rows in a transaction of its own to learn "
            "which one conflicts.",
        )
    share = f"all on the row {first.told}"
    if any(access.counts for access in cause.accesses):
        return Pattern(
            "counter_row",
            f"{share}, a counter",
            "INSERT a row for each change into a table of its own and sum them, or spread the counter over "
            "several rows that are summed.",
        )
    if all(access.verb == "SELECT FOR UPDATE" for access in cause.accesses):
        return Pattern(
            "locked_row",
            f"{share}, which each locks (FOR UPDATE)",
            "Lock a row of what each changes, not one for all; where no rule spans rows, lock none.",
        )
    if all(access.verb == "INSERT" for access in cause.accesses):
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


def _sequence(units: Sequence[Conflicted], sequences: Sequence[SequenceState]) -> Pattern | None:
    drawing: dict[SequenceState, int] = {}
    for sequence in sequences:
        number = conflicts_of(unit for unit in units if _draws(unit, sequence))
        if sequence.cache == limits.SMALL_CACHE and number >= MOSTLY * conflicts_of(units):
            drawing[sequence] = number
    if not drawing:
        return None
    shown = list(drawing)[:_MAX_NAMES]
    names = " and ".join(one_line(str(sequence.name), MAX_NAME) for sequence in shown)
    more = f" and {len(drawing) - len(shown)} more" if len(drawing) > len(shown) else ""
    share = "all" if all(number == conflicts_of(units) for number in drawing.values()) else "most"
    return Pattern(
        "sequence_cache",
        f"{share} draw from the sequence{'s' if len(drawing) > 1 else ''} {names}{more} with CACHE 1",
        f"{raise_caches(shown)}.",
    )


def _draws(unit: Conflicted, sequence: SequenceState) -> bool:
    drawn = {name.rpartition(".")[2] for each in unit.shapes for name in each.sequences}
    inserted = {a.table.table for each in unit.shapes for a in each.accesses if a.verb == "INSERT"}
    owner = sequence.table.table if sequence.table else ""
    return sequence.name.table in drawn or owner in inserted


def raise_caches(sequences: Sequence[SequenceState]) -> str:
    """Write the statements that give sequences a large cache; a transaction takes one DDL statement."""
    told = "; ".join(one_line(raise_cache(sequence), 200) for sequence in sequences)
    return told if len(sequences) == 1 else f"One by one: {told}"


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
    found = _of_unit(contentions(seen, keys, sequences), shapes, keys)
    if found is None or found.conflicts < REPEATED:
        return None
    on = f" on {name_tables(found.tables)}" if found.tables and not found.rows else ""
    return (
        f"Try again later. To have fewer of them: {found.pattern.advice} As this server saw: "
        f"{pluralize(found.conflicts, 'conflict')} in the last {seen.minutes} min{on}, {found.pattern.text}. "
        "Call diagnose for the statements."
    )


def _of_unit(
    found: Sequence[Contention], shapes: Sequence[StatementShape], keys: PrimaryKeys
) -> Contention | None:
    """Find the conflicts with a transaction's cause: its own, else those on its row, else on its tables."""
    own = [(unit.at, each) for each in found for unit in each.units if unit.shapes == tuple(shapes)]
    if own:
        return max(own, key=lambda one: one[0])[1]
    tables, rows = set(tables_of(shapes, keys)), touched(shapes, keys)
    same = [each for each in found if set(each.tables) == tables]
    on_row = (each for each in same if any(row in rows for row, _ in each.rows))
    return next(on_row, None) or next((each for each in same if not each.rows), None)
