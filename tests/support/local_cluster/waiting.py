"""Waiting for what happens in another process."""

import threading
from collections.abc import Callable

import pytest


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask a hundred times a second, for ten seconds at most."""
    never = threading.Event()
    for _ in range(1000):
        if condition():
            return
        never.wait(0.01)
    pytest.fail("it did not happen in ten seconds")
