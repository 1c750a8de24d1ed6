"""What the checks found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class CheckOutcome:
    """What one check says.

    Attributes:
        says: What was found; one or two sentences, no secret.
        state: ``warning`` is for what works, yet should be otherwise.
        code: A stable name of the cause, for programs; ``None`` where all is well.
        remedy: What to do, in one or two lines; empty where nothing is to do.
        details: Lines to copy: SQL, a policy.
    """

    message: str
    state: State = "ok"
    code: str | None = None
    remedy: str = ""
    details: str = ""


def warning(says: str, *, code: str, remedy: str, details: str = "") -> CheckOutcome:
    """Say that something works, yet should be otherwise."""
    return CheckOutcome(says, "warning", code, remedy, details)


def failed(says: str, *, code: str, remedy: str) -> CheckOutcome:
    """Say that something does not work."""
    return CheckOutcome(says, "failed", code, remedy)


@dataclass(frozen=True)
class CheckResult:
    """A check's verdict, with its name and the seconds that it took.

    Attributes:
        cluster: Which of several clusters it is about; empty where there is one, or it is about all.
    """

    name: str
    seconds: float
    outcome: CheckOutcome
    cluster: str = ""

    @property
    def state(self) -> State:
        """How the check came out."""
        return self.outcome.state


def exit_status(findings: Iterable[CheckResult]) -> int:
    """Give 1 if a check failed; warnings alone leave it 0."""
    return int(any(finding.state == "failed" for finding in findings))
