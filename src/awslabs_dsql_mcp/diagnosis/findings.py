"""Findings: what stands out in a cluster's catalogs and in this server's record, each with its next step."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.catalog.health import IndexState, JobState, SequenceState, TableState
from awslabs_dsql_mcp.database.activity import MAX_SHAPES, Seen, SlowUnit
from awslabs_dsql_mcp.diagnosis.contention import Contention, raise_caches
from awslabs_dsql_mcp.diagnosis.rows import REPEATED
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.sql.identifiers import TableName, quote_identifier
from awslabs_dsql_mcp.text import one_line, pluralize

_MAX_OF_KIND: Final = 5
_STUCK: Final = 1_800  # seconds; a job for 11 million rows took 12 minutes (observed)
_NEAR: Final = 0.8  # of a limit
_MAX_NAMES: Final = 5
_TWO_CALLS: Final = "Use two calls of transact: a transaction takes one DDL statement."


@dataclass(frozen=True)
class Finding:
    """Something that stands out.

    Attributes:
        weight: The larger, the more it matters.
        kind: A word for programs.
        text: What was found, in sentences.
        step: What to do next, in sentences.
        statements: Texts of the statements that it is about.
        jobs: Lines of the jobs that it is about.
        values: Figures for programs.
    """

    weight: float
    kind: str
    text: str
    step: str
    statements: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    values: dict[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class Catalog:
    """What was read of the catalogs."""

    indexes: tuple[IndexState, ...] = ()
    tables: tuple[TableState, ...] = ()
    sequences: tuple[SequenceState, ...] = ()
    jobs: tuple[JobState, ...] = ()


def _name(name: TableName) -> str:
    return one_line(str(name), 140)


def _index(index: IndexState) -> str:
    return one_line(f"{quote_identifier(str(index.table.schema))}.{quote_identifier(index.name)}", 140)


def refused_finding(error: DsqlError) -> Finding:
    """Tell that the cluster cannot be asked."""
    return Finding(
        100,
        "not_reached",
        f"The catalogs cannot be read ({error.code}): {error.text}",
        error.hint or "Call again.",
    )


def conflict_findings(found: Sequence[Contention], seen: Seen) -> Iterator[Finding]:
    """Tell of conflicts that repeated themselves."""
    for each in found[:_MAX_OF_KIND]:
        few = each.conflicts < REPEATED
        met = f"{len(each.units)} that met a conflict"
        ended = f"{len(each.units) - each.given_up} of {met} succeeded when run again"
        if each.given_up:
            ended = f"{each.given_up} of {met} failed in the end"
        pattern = "" if few else f", {each.pattern.text}"
        rate = each.conflicts / max(1.0, seen.recorded)
        cut = f" Of long ones only the first {MAX_SHAPES} statements are known." if each.is_cut else ""
        yield Finding(
            (20 if few else 80) + 10 * bool(each.given_up) + min(9.0, rate),
            "conflicts" if few else each.pattern.kind,
            f"{pluralize(each.conflicts, 'conflict')} in transactions that {each.where}{pattern}; "
            f"{ended}.{cut}",
            "Nothing: so few are met by a retry." if few else each.pattern.advice,
            each.texts,
            values={
                "conflicts": each.conflicts,
                "transactions": len(each.units),
                "failed": each.given_up,
                "tables": [str(table) for table in each.tables],
                "rows": [
                    {"table": str(row.table), "key": row.key, "count": number} for row, number in each.rows
                ],
            },
        )


def slow_findings(slow: Sequence[SlowUnit]) -> Iterator[Finding]:
    """Tell of slow transactions, the same statements together."""
    groups: dict[tuple[str, ...], list[SlowUnit]] = defaultdict(list)
    for unit in slow:
        if not all(each.of_catalogs for each in unit.shapes):
            groups[tuple(each.text for each in unit.shapes)].append(unit)
    ranked = sorted(groups.items(), key=lambda item: -sum(unit.seconds for unit in item[1]))
    for texts, units in ranked[:_MAX_OF_KIND]:
        longest = max(units, key=lambda unit: unit.seconds)
        rows = "it did not end well" if longest.rows is None else pluralize(longest.rows, "row")
        one = len(texts) == 1
        yield Finding(
            50 + min(9.0, longest.seconds / 10),
            "slow",
            f"{'A statement' if one else 'Statements of one transaction'} took {longest.seconds:.1f} s "
            f"({rows}){'' if len(units) == 1 else f', the slowest of {len(units)} slow runs'}.",
            "Call explain_query with it and its values, and look for whole tables and dropped rows.",
            texts,
            values={"seconds": round(longest.seconds, 3), "times": len(units), "rows": longest.rows},
        )


def is_settled(state: JobState) -> bool:
    """Check that nothing is left of a job: a build failed, and its index is dropped, or was made again."""
    job = state.job
    return job.status == "failed" and job.job_type == "INDEX_BUILD" and job.index_valid is not False


def job_findings(jobs: Sequence[JobState]) -> Iterator[Finding]:
    """Tell of jobs that failed, and of those that do not go on."""
    for state in jobs:
        job = state.job
        name = one_line(job.object_name or "an object that is gone", 140)
        if job.status == "failed":
            of_index = job.job_type == "INDEX_BUILD"
            if is_settled(state):
                continue
            step = (
                "Remove the cause that the job's line below names (duplicates, say), "
                f"DROP INDEX {name}, then create it again. {_TWO_CALLS}"
                if of_index
                else "Remove the cause that the job's line below names, and start it again."
            )
            left = (
                "; its index remains, is used by no query, and refuses writes if unique" if of_index else ""
            )
            yield Finding(
                85 if of_index else 60,
                "job_failed",
                f"The job {job.job_id} ({job.job_type} {name}) failed{left}.",
                step,
                jobs=(job.line,),
                values={"job_id": job.job_id, "cause": job.details},
            )
        elif state.unchanged >= _STUCK:
            yield Finding(
                55,
                "job_stuck",
                f"The job {job.job_id} ({job.job_type} {name}) is {job.status}, without a change for "
                f"{state.unchanged // 60} min.",
                f'Call job_status(job_id="{job.job_id}"); if it never changes, DROP INDEX cancels a build.',
                jobs=(job.line,),
            )


def index_findings(catalog: Catalog) -> Iterator[Finding]:
    """Tell of indexes that are not valid, or that another one makes superfluous."""
    # A job names its index with or without the schema.
    told = {(state.job.object_name or "").rpartition(".")[2].strip('"') for state in catalog.jobs}
    invalid = [index for index in catalog.indexes if not index.valid and index.name not in told]
    for index in invalid[:_MAX_OF_KIND]:
        yield Finding(
            80,
            "index_invalid",
            f"The index {_index(index)} on {_name(index.table)} is not valid, and no job builds it: no "
            "query uses it, every write pays for it.",
            f"DROP INDEX {_index(index)}, and create it again if it is needed. {_TWO_CALLS}",
        )
    superfluous = 0
    by_table: dict[TableName, list[IndexState]] = defaultdict(list)
    for index in catalog.indexes:
        by_table[index.table].append(index)
    for same in by_table.values():
        for number, index in enumerate(same):
            better = next((o for n, o in enumerate(same) if n != number and _replaces(o, index)), None)
            if index.unique or index.primary or better is None or superfluous >= _MAX_OF_KIND:
                continue
            superfluous += 1
            yield Finding(
                40,
                "index_redundant",
                f"The index {_index(index)} ({', '.join(map(quote_identifier, index.key))}) begins as "
                f"{_index(better)} ({', '.join(map(quote_identifier, better.key))}) does, which serves the "
                "same queries.",
                f"DROP INDEX {_index(index)}, unless a plan needs the narrower one (explain_query shows it).",
            )


def _replaces(one: IndexState, other: IndexState) -> bool:
    if not one.serves_for(other):
        return False
    # Of two that serve for each other the later in the list goes; an index that enforces something stays.
    return not other.serves_for(one) or one.unique or one.name < other.name


def sequence_findings(sequences: Sequence[SequenceState]) -> Iterator[Finding]:
    """Tell of sequences that give out one number at a time."""
    small = [sequence for sequence in sequences if sequence.cache == limits.SMALL_CACHE]
    if not small:
        return
    names = ", ".join(_name(sequence.name) for sequence in small[:_MAX_NAMES])
    more = f" and {len(small) - _MAX_NAMES} more" if len(small) > _MAX_NAMES else ""
    yield Finding(
        30,
        "sequence_cache",
        f"{pluralize(len(small), 'sequence')} with CACHE {limits.SMALL_CACHE}: {names}{more}. Each number is "
        "drawn by itself, which is slow where many insert.",
        f"If order and gaps do not matter: {raise_caches(small[:_MAX_NAMES])}",
    )


def limit_findings(catalog: Catalog) -> Iterator[Finding]:
    """Tell of tables, and of a database, near a limit."""
    indexes = Counter(index.table for index in catalog.indexes)
    for table, number in indexes.items():
        if number >= _NEAR * limits.MAX_INDEXES:
            yield _near(
                f"{_name(table)} has {number} of {limits.MAX_INDEXES} indexes",
                "Drop those that no plan uses.",
            )
    for table in catalog.tables:
        if table.columns >= _NEAR * limits.MAX_COLUMNS:
            yield _near(
                f"{_name(table.name)} has {table.columns} of {limits.MAX_COLUMNS} columns",
                "Keep what is rarely read in a jsonb column, or in a table of its own.",
            )
    for number, most, noun in (
        (len(catalog.tables), limits.MAX_TABLES, "tables"),
        (len(catalog.sequences), limits.MAX_SEQUENCES, "sequences"),
        (len({table.name.schema for table in catalog.tables}), limits.MAX_SCHEMAS, "schemas with tables"),
    ):
        if number >= _NEAR * most:
            yield _near(f"The database has {number:,} of {most:,} {noun}", "Drop what is not used.")


def _near(text: str, step: str) -> Finding:
    return Finding(60, "near_limit", f"{text}.", step)
