"""Results of checks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class CheckOutcome:
    """Outcome of one check.

    Attributes:
        message: The finding, in one or two sentences without secrets.
        state: ``warning`` is for something that works but should be changed.
        code: Code of the cause, for programs; ``None`` if there is no problem.
        remedy: The remedy, in one or two lines; empty if none is needed.
        details: Lines to copy, such as SQL or a policy.
    """

    message: str
    state: State = "ok"
    code: str | None = None
    remedy: str = ""
    details: str = ""


def warning(message: str, *, code: str, remedy: str, details: str = "") -> CheckOutcome:
    """Outcome of a check of something that works but should be changed."""
    return CheckOutcome(message, "warning", code, remedy, details)


def failed(message: str, *, code: str, remedy: str) -> CheckOutcome:
    """Outcome of a check that failed."""
    return CheckOutcome(message, "failed", code, remedy)


@dataclass(frozen=True)
class CheckResult:
    """Result of a check.

    Attributes:
        name: Name of the check.
        seconds: How long it took.
        outcome: What it found.
        cluster: Name of the cluster, if the server has several.
    """

    name: str
    seconds: float
    outcome: CheckOutcome
    cluster: str = ""

    @property
    def state(self) -> State:
        """State of the outcome."""
        return self.outcome.state


def exit_status(findings: Iterable[CheckResult]) -> int:
    """Return 1 if a check failed, else 0."""
    return int(any(finding.state == "failed" for finding in findings))
