"""Findings as lines of at most 80 columns, and as JSON."""

import json
import textwrap
from collections.abc import Sequence

from awslabs_dsql_mcp.doctor.report import CheckResult, State, exit_status

WIDTH = 80
_NAME = 16
_SIGNS: dict[State, str] = {
    "ok": "✓",
    "warning": "!",
    "failed": "✗",
    "skipped": "–",  # noqa: RUF001 - a dash that is as wide as its neighbours
}
_PLAIN_SIGNS: dict[State, str] = {"ok": "+", "warning": "!", "failed": "x", "skipped": "-"}
SIGNS = "".join(_SIGNS.values()) + "→"
_REMEDY, _PLAIN_REMEDY = "→ ", "> "


def as_line(finding: CheckResult, *, plain: bool = False) -> str:
    """Write a finding: sign, name, time, what was found; below it the remedy.

    Args:
        finding: The finding.
        plain: Whether only ASCII signs can be shown.
    """
    sign = (_PLAIN_SIGNS if plain else _SIGNS)[finding.state]
    head = f"{sign} {finding.name:<{_NAME}} {_duration(finding):>7}  "
    margin = " " * len(head)
    lines = _wrapped(finding.outcome.message, head, margin)
    if finding.outcome.remedy:
        arrow = margin + (_PLAIN_REMEDY if plain else _REMEDY)
        lines += _wrapped(finding.outcome.remedy, arrow, " " * len(arrow))
    return "\n".join(lines)


def as_summary(findings: Sequence[CheckResult]) -> str:
    """Write what stands below the lines: what is to be copied, then the count."""
    details = [finding.outcome.details for finding in findings if finding.outcome.details]
    return "\n" + "\n\n".join([*details, _count(findings)])


def as_json(findings: Sequence[CheckResult], *, version: str) -> str:
    """Write findings for programs.

    Returns:
        An object with ``version``, ``ok``, and ``checks``: in order, each with ``name``, ``state``
        (``ok``, ``warning``, ``failed`` or ``skipped``), ``seconds``, ``says``, ``code``, ``remedy`` and
        ``details``; the last three are null where there is nothing to say. Of several clusters, each
        check has ``cluster`` besides.
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
        ("warning", "to look at"),
        ("skipped", "skipped"),
    )
    counted = [(sum(f.state == state for f in findings), word) for state, word in words]
    told = ", ".join(f"{number} {word}" for number, word in counted if number)
    return f"{len(findings)} checks: {told}." if told else f"All {len(findings)} checks are good."
