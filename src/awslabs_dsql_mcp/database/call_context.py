"""What a call does on a cluster: noted where it is done, read where the call ends."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class CallContext:
    """One call's account.

    Attributes:
        cluster: The cluster that it works on, where there are several to choose from.
        attempts: Runs of the transaction that was run most often; 0 while none was begun.
    """

    cluster: str | None = None
    attempts: int = 0


_CURRENT: ContextVar[CallContext | None] = ContextVar("account", default=None)


@contextmanager
def call_context() -> Generator[CallContext]:
    """Open an account for all that happens inside."""
    account = CallContext()
    token = _CURRENT.set(account)
    try:
        yield account
    finally:
        _CURRENT.reset(token)


def record_attempts(attempts: int) -> None:
    """Note how often a transaction was run; without a call there is nobody to tell."""
    account = _CURRENT.get()
    if account is not None:
        account.attempts = max(account.attempts, attempts)


def current_cluster() -> str | None:
    """Name the cluster that the call works on, where there are several to choose from."""
    account = _CURRENT.get()
    return account.cluster if account else None
