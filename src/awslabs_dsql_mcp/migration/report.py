"""Text of a migration plan and its progress."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.migration.conversion import BY_HAND, SkippedStatement
from awslabs_dsql_mcp.migration.plan import Doubt, MigrationPlan, Step
from awslabs_dsql_mcp.output.tool_output import Marked
from awslabs_dsql_mcp.text import truncate_lines

_MAX_LINES: Final = 80  # of each section of a run's answer
_MAX_SECTION: Final = 9_000  # characters, likewise
_MAX_PAGE: Final = 24_000  # characters of a page of a plan
_MAX_ENTRY: Final = 2_000  # characters of an entry that a page does not begin with
_MAX_NAMED: Final = 100  # lines of alike entries
_STEPS: Final = "Steps:"
_PLACE: Final = re.compile(r"([1-9]\d{0,6})(?:\.(\d{1,9}))?")


@dataclass(frozen=True)
class PlanPage:
    """A part of a plan's text.

    Attributes:
        sections: Titles and entries.
        following: Place that the next page begins with; empty behind the last one.
    """

    sections: tuple[tuple[str, tuple[str, ...]], ...]
    following: str

    @property
    def parts(self) -> Iterator[str | Marked]:
        """The page for an answer: the SQL of steps, which has the script's own lines, is marked."""
        for title, entries in self.sections:
            yield title
            yield from (Marked("steps", "\n".join(entries)),) if title == _STEPS else entries


def plan_page(plan: MigrationPlan, place: str = "") -> PlanPage:
    """Give a part of a plan: what stops it, what needs a human, the steps with their SQL, what is left out.

    Long entries are cut, except the one that a page begins with, which goes on for as many pages as it has.

    Args:
        plan: The plan.
        place: As a page before gave it: the number of an entry, and characters of that to leave out; empty
            for the beginning.

    Raises:
        ValueError: The plan has no such place.
    """
    sections = [
        *_attention(plan),
        ("May stop the run:", _unchecked(plan)),
        (_STEPS, _plan_steps(plan)),
        ("Left out:", _left_out(plan)),
    ]
    entries = [(title, text) for title, texts in sections for text in texts]
    first, offset = _parse_place(place, entries)
    shown: dict[str, tuple[str, ...]] = {}
    room = _MAX_PAGE
    for number, (title, text) in enumerate(entries[first:], first + 1):
        rest = text[offset:] if place else text
        piece = rest[: _MAX_PAGE if place else _MAX_ENTRY]
        cut = len(piece) < len(rest)
        if cut and not place:
            piece += f"… ({len(text):,} characters: show_from='{number}' gives all)"
        if shown and len(piece) > room:
            return PlanPage(tuple(shown.items()), str(number))
        shown[title] = (*shown.get(title, ()), piece)
        if cut and place:
            return PlanPage(tuple(shown.items()), f"{number}.{offset + len(piece)}")
        room, place = room - len(piece), ""
    return PlanPage(tuple(shown.items()), "")


def _parse_place(place: str, entries: Sequence[tuple[str, str]]) -> tuple[int, int]:
    if not place:
        return 0, 0
    found = _PLACE.fullmatch(place.strip())
    number, offset = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if not 1 <= number <= len(entries) or offset >= len(entries[number - 1][1]):
        raise ValueError(f"the plan has no place {place!r}")
    return number - 1, offset


def _plan_steps(plan: MigrationPlan) -> Iterator[str]:
    for number, step in enumerate(plan.steps, 1):
        yield _step(number, step, None, whole=True)


def steps_lines(plan: MigrationPlan, states: Mapping[int, str]) -> list[str]:
    """List the steps of a run with their outcome, where known.

    Args:
        plan: The plan.
        states: For the number of a step, its outcome.
    """
    lines = [
        _step(number, step, states.get(number), whole=False) for number, step in enumerate(plan.steps, 1)
    ]
    return truncate_lines(lines, _MAX_LINES, "steps", characters=_MAX_SECTION)


def skipped_lines(plan: MigrationPlan) -> list[str]:
    """List the skipped statements: those that stop the run, those that need review, and the others."""
    parts = [*_attention(plan), ("Left out:", _left_out(plan))]
    return [
        line
        for title, lines in parts
        if lines
        for line in (title, *truncate_lines(lines, _MAX_LINES, "entries", characters=_MAX_SECTION))
    ]


def _attention(plan: MigrationPlan) -> list[tuple[str, list[str]]]:
    left_out = _grouped(left for left in plan.skipped if left.needs_review and not left.is_blocking)
    remarks = [
        f"- step {number}: {remark}" for number, step in enumerate(plan.steps, 1) for remark in step.remarks
    ]
    return [
        ("Stops the run, to be rewritten or removed:", _grouped(plan.blocked)),
        ("Left out, needs a human:", left_out),
        ("Needs a human:", remarks),
    ]


def _unchecked(plan: MigrationPlan) -> list[str]:
    """Name the functions whose bodies are checked for the first time when the plan makes them."""
    steps = [str(number) for number, step in enumerate(plan.steps, 1) if step.is_unchecked]
    if not steps:
        return []
    which = (
        f"step {steps[0]} makes a function" if len(steps) == 1 else f"steps {', '.join(steps)} make functions"
    )
    how = "as dumps do: PostgreSQL takes any body there, Aurora DSQL only one that fits"
    return [f"- {which} under check_function_bodies = off, {how}"]


def _left_out(plan: MigrationPlan) -> list[str]:
    return _grouped(left for left in plan.skipped if not left.needs_review)


def _grouped(skipped: Iterable[SkippedStatement]) -> list[str]:
    """List statements that are skipped, those of one kind and reason in one line under the first."""
    alike: dict[tuple[str, str], list[SkippedStatement]] = {}
    for left in skipped:
        kind = left.what.split(" ", 1)[0] if left.is_blocking else left.what
        alike.setdefault((kind.upper(), left.why), []).append(left)
    return [_alike(group) for group in alike.values()]


def _alike(skipped: Sequence[SkippedStatement]) -> str:
    others = len({left.what for left in skipped}) - 1
    more = f" and {others} more such" if others else ""
    return f"- {_lines([left.line for left in skipped])}, {skipped[0].what}{more}: {skipped[0].why}"


def progress_line(plan: MigrationPlan, next_step: int, doubt: Doubt = "") -> str:
    """Summarize the steps that are applied, those that may be, and those that are not."""
    total = len(plan.steps)
    if next_step > total:
        return f"All {total} steps are applied." if total > 1 else "The step is applied."
    if next_step == 1 and not doubt:
        return f"This call has applied no step of {total}."
    last = {"": next_step - 1, "?": next_step, "+": total}[doubt]  # of those that may be
    parts = [
        f"{_steps(1, next_step - 1)} applied" if next_step > 1 else "",
        f"{_steps(next_step, last, 'may be')} applied" if doubt else "",
        f"{_steps(last + 1, total)} not" if last < total else "",
    ]
    text = "; ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}."


def _steps(first: int, last: int, verb: str = "") -> str:
    if first == last:
        return f"step {first} {verb or 'is'}"
    return f"steps {first} to {last} {verb or 'are'}"


def _step(number: int, step: Step, state: str | None, *, whole: bool) -> str:
    notes = [note for note in step.notes if not note.startswith(BY_HAND)]
    if any(statement.drops or statement.whole_table for statement in step.statements):
        notes.insert(0, "REMOVES OR CHANGES WHAT IS THERE")
    suffix = f"  [{'; '.join(notes)}]" if notes else ""
    line = f"{number}. {step.title}{f': {state}' if state else ''}{suffix}"
    texts = (*step.settings, *step.queries)
    if not whole or texts == (step.title,):
        return line
    return "\n".join((line, *(f"    {text};" for text in texts)))


def _lines(where: Sequence[int]) -> str:
    lines = list(dict.fromkeys(where))
    more = f" and {len(lines) - _MAX_NAMED:,} more" if len(lines) > _MAX_NAMED else ""
    named = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_MAX_NAMED]))}{more}"
    return named if len(where) == 1 else f"{named} ({len(where)} times)"
