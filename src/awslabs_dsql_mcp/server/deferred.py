"""Values that are made at their first use, since what they import takes long."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deferred(Generic[T]):
    """A value that is made once, at its first use, in a thread: the event loop goes on meanwhile.

    Args:
        make: Imports and makes it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._made: list[T] = []

    async def __call__(self) -> T:
        """Give it."""
        async with self._lock:
            if not self._made:
                self._made.append(await asyncio.to_thread(self._make))
        return self._made[0]
