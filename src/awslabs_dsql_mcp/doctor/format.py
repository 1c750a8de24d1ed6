"""Results as lines of at most 80 columns, and as JSON."""

import json
import textwrap
from collections.abc import Sequence

from awslabs_dsql_mcp.doctor.report import CheckResult, State, exit_status
from awslabs_dsql_mcp.terminal import coloured

WIDTH = 80
_NAME = 16
_SIGNS: dict[State, str] = {
    "ok": "✓",
    "warning": "!",
    "failed": "✗",
    "skipped": "–",  # noqa: RUF001 - a dash that is as wide as its neighbours
}
_PLAIN_SIGNS: dict[State, str] = {"ok": "+", "warning": "!", "failed": "x", "skipped": "-"}
_COLOURS: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}
SIGNS = "".join(_SIGNS.values()) + "→"
_REMEDY, _PLAIN_REMEDY = "→ ", "> "


def as_line(finding: CheckResult, *, plain: bool = False, colours: bool = False) -> str:
    """Format a result: sign, name, duration, message; the remedy below.

    Args:
        finding: The finding.
        plain: Use only ASCII signs.
        colours: Write the sign and the name of what is not good in the colour of the state.
    """
    sign = (_PLAIN_SIGNS if plain else _SIGNS)[finding.state]
    head = f"{sign} {finding.name:<{_NAME}} {_duration(finding):>7}  "
    margin = " " * len(head)
    lines = _wrapped(finding.outcome.message, head, margin)
    if finding.outcome.remedy:
        arrow = margin + (_PLAIN_REMEDY if plain else _REMEDY)
        lines += _wrapped(finding.outcome.remedy, arrow, " " * len(arrow))
    marked = 1 if finding.state == "ok" else 2 + len(finding.name)
    lines[0] = coloured(lines[0][:marked], _COLOURS[finding.state], wanted=colours) + lines[0][marked:]
    return "\n".join(lines)


def as_summary(findings: Sequence[CheckResult], *, colours: bool = False) -> str:
    """Format the part after the lines: details to copy, and counts."""
    details = [finding.outcome.details for finding in findings if finding.outcome.details]
    counts = coloured(_count(findings), "red" if exit_status(findings) else "green", wanted=colours)
    return "\n" + "\n\n".join([*details, counts])


def as_json(findings: Sequence[CheckResult], *, version: str) -> str:
    """Write findings for programs.

    Returns:
        An object with ``version``, ``ok``, and ``checks``: in order, each with ``name``, ``state``
        (``ok``, ``warning``, ``failed`` or ``skipped``), ``seconds``, ``says``, ``code``, ``remedy`` and
        ``details``; the last three may be null. With several clusters, each check has ``cluster``.
    """
    checks = [
        ({"cluster": finding.cluster} if finding.cluster else {})
        | {
            "name": finding.name,
            "state": finding.state,
            "seconds": round(finding.seconds, 4),
            "says": finding.outcome.message,
            "code": finding.outcome.code,
            "remedy": finding.outcome.remedy or None,
            "details": finding.outcome.details or None,
        }
        for finding in findings
    ]
    whole = {"version": version, "ok": exit_status(findings) == 0, "checks": checks}
    return json.dumps(whole, ensure_ascii=False, indent=2)


def _wrapped(text: str, first: str, margin: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=margin,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _duration(finding: CheckResult) -> str:
    if finding.state == "skipped":
        return ""
    seconds = finding.seconds
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _count(findings: Sequence[CheckResult]) -> str:
    words: tuple[tuple[State, str], ...] = (
        ("failed", "failed"),
        ("warning", "with a warning"),
        ("skipped", "skipped"),
    )
    counted = [(sum(f.state == state for f in findings), word) for state, word in words]
    counts = ", ".join(f"{number} {word}" for number, word in counted if number)
    return f"{len(findings)} checks: {counts}." if counts else f"All {len(findings)} checks passed."
