"""Wording of the question before a change: its effects first, then its statements.

The effects are those that the parser finds in every statement, however many; no text can hide one. What the
caller wrote stands on lines of its own, each of one statement or value, cut in the middle where it is long; a
statement that is an effect as it is stands there alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.sql.effects import Effect
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import truncate_middle, visible_line

_MAX_TEXT: Final = 300  # characters of a statement that are shown
_MAX_VALUE: Final = 100
_MAX_STATEMENTS: Final = 10
_MAX_VALUES: Final = 10
_MAX_EFFECTS: Final = 40


def question(
    manner: str,
    queries: Sequence[Query],
    statements: Sequence[StatementInfo],
    shown: Sequence[str] | None = None,
) -> str:
    """Word the question; the same for the same statements.

    Args:
        manner: The transactions that it takes, such as ``in one transaction``.
        queries: The queries that are about to run.
        statements: What each of them is.
        shown: Lines that stand in place of the queries' values.
    """
    numbers: dict[Effect, list[int]] = {}
    for number, statement in enumerate(statements, 1):
        for effect in _of(statement):
            numbers.setdefault(effect, []).append(number)
    found = sorted(numbers, key=lambda effect: not effect.is_grave)
    told = {effect.text for effect in found[:_MAX_EFFECTS]}
    pairs = [
        (number, query, statement)
        for number, (query, statement) in enumerate(zip(queries, statements, strict=True), 1)
        if query.params or shown is not None or query.sql.strip().rstrip(";").rstrip() not in told
    ]
    pairs.sort(key=lambda pair: not _is_grave(pair[2]))
    texts = [f"{number}. {_statement(query, shown)}" for number, query, _ in pairs[:_MAX_STATEMENTS]]
    more = len(pairs) - len(texts)
    return "\n".join(
        (
            f"Run on the Aurora DSQL cluster, {manner}?",
            *_effects(statements, found, numbers),
            *(["As written:"] if texts else []),
            *texts,
            *([f"… and {more:,} more"] if more else []),
        )
    )


def _effects(
    statements: Sequence[StatementInfo], found: Sequence[Effect], numbers: Mapping[Effect, Sequence[int]]
) -> Iterable[str]:
    """Word the effects of all statements, the gravest first, each once with the numbers of its statements."""
    for effect in found[:_MAX_EFFECTS]:
        yield f"- {effect.text}" + (f" [{_ranges(numbers[effect])}]" if len(statements) > 1 else "")
    counts: dict[str, int] = {}
    for effect in found[_MAX_EFFECTS:]:
        verb = f"{'!' if effect.is_grave else ''}{effect.text.partition(' ')[0]}"
        counts[verb] = counts.get(verb, 0) + len(numbers[effect])
    for verb, count in counts.items():
        what = f"{verb[1:]} that drop or change all rows" if verb.startswith("!") else verb
        yield f"- and {count:,} more of {what}"


def _of(statement: StatementInfo) -> Iterable[Effect]:
    yield from statement.effects or (Effect(statement.kind, is_grave=_is_grave(statement)),)
    if statement.user_functions:
        yield Effect("calls a function of the database's users, which may change anything")


def _is_grave(statement: StatementInfo) -> bool:
    return statement.drops or statement.whole_table


def _statement(query: Query, shown: Sequence[str] | None) -> str:
    if shown is not None:
        lines = [f"\n  {truncate_middle(visible_line(line), _MAX_TEXT)}" for line in shown[:_MAX_VALUES]]
        return truncate_middle(visible_line(query.sql.strip()), _MAX_TEXT) + "".join(lines)
    values = [
        f"\n  ${number} = {truncate_middle(visible_line(dumps(value)), _MAX_VALUE)}"
        for number, value in enumerate(query.params[:_MAX_VALUES], 1)
    ]
    more = len(query.params) - len(values)
    values += [f"\n  … and {more:,} more values"] if more else []
    return truncate_middle(visible_line(query.sql.strip()), _MAX_TEXT) + "".join(values)


def _ranges(numbers: Sequence[int]) -> str:
    """Write ascending numbers shortly: ``1, 3 to 5``, and how many there are more than a few ranges."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in ranges[:_MAX_VALUES])
    return shown + (f" …: {len(numbers):,} statements" if len(ranges) > _MAX_VALUES else "")
