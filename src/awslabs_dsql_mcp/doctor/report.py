"""What the checks found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """What one check says.

    Attributes:
        says: What was found; one or two sentences, no secret.
        state: ``warning`` is for what works, yet should be otherwise.
        code: A stable name of the cause, for programs; ``None`` where all is well.
        remedy: What to do, in one or two lines; empty where nothing is to do.
        details: Lines to copy: SQL, a policy.
    """

    says: str
    state: State = "ok"
    code: str | None = None
    remedy: str = ""
    details: str = ""


def warning(says: str, *, code: str, remedy: str, details: str = "") -> Verdict:
    """Say that something works, yet should be otherwise."""
    return Verdict(says, "warning", code, remedy, details)


def failed(says: str, *, code: str, remedy: str) -> Verdict:
    """Say that something does not work."""
    return Verdict(says, "failed", code, remedy)


@dataclass(frozen=True)
class Finding:
    """A check's verdict, with its name and the seconds that it took.

    Attributes:
        cluster: Which of several clusters it is about; empty where there is one, or it is about all.
    """

    name: str
    seconds: float
    verdict: Verdict
    cluster: str = ""

    @property
    def state(self) -> State:
        """How the check came out."""
        return self.verdict.state


def exit_status(findings: Iterable[Finding]) -> int:
    """Give 1 if a check failed; warnings alone leave it 0."""
    return int(any(finding.state == "failed" for finding in findings))
