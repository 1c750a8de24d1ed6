"""Facts about the current tool call, kept in a context variable for its log and audit record."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class CallContext:
    """Facts about one call.

    Attributes:
        cluster: Name of the cluster, if the server has several.
        attempts: The most attempts that one transaction took; 0 if none was begun.
        commits: Number of transactions that are stored.
        commits_in_doubt: Number of COMMITs that were sent, and not answered so that the outcome is known.
        requests: Number of AWS's answers that took a change of the account.
        requests_in_doubt: Number of such requests that were sent, and have no answer that tells.
    """

    cluster: str | None = None
    attempts: int = 0
    commits: int = 0
    commits_in_doubt: int = 0
    requests: int = 0
    requests_in_doubt: int = 0


_CURRENT: ContextVar[CallContext | None] = ContextVar("call_context", default=None)


@contextmanager
def call_context() -> Generator[CallContext]:
    """Create the context of a call; it is current inside the ``with`` block."""
    context = CallContext()
    token = _CURRENT.set(context)
    try:
        yield context
    finally:
        _CURRENT.reset(token)


def record_attempts(attempts: int) -> None:
    """Record the attempts that a transaction took; without a current call, do nothing."""
    context = _CURRENT.get()
    if context is not None:
        context.attempts = max(context.attempts, attempts)


def record_commit_sent() -> None:
    """Record that a COMMIT is about to be sent: from now on it may be stored."""
    context = _CURRENT.get()
    if context is not None:
        context.commits_in_doubt += 1


def record_commit_answered(*, stored: bool) -> None:
    """Record that the outcome of a COMMIT which was sent is known."""
    context = _CURRENT.get()
    if context is not None:
        context.commits_in_doubt -= 1
        context.commits += stored


def record_request_sent() -> None:
    """Record that AWS is about to be asked for a change: from now on it may be made."""
    context = _CURRENT.get()
    if context is not None:
        context.requests_in_doubt += 1


def record_request_answered(*, taken: bool) -> None:
    """Record that AWS has taken a change that it was asked for, or has refused it."""
    context = _CURRENT.get()
    if context is not None:
        context.requests_in_doubt -= 1
        context.requests += taken


def current_cluster() -> str | None:
    """Name of the current call's cluster, if the server has several."""
    context = _CURRENT.get()
    return context.cluster if context else None
