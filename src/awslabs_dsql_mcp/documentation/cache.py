"""A bounded cache whose entries expire.

The clock is the caller's: each operation is given the time, so that a test can set it.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True)
class _Entry(Generic[V]):
    value: V
    size: int
    stored_at: float


class TTLCache(Generic[V]):
    """Values by key; the least recently used are dropped first.

    Args:
        lifetime: Seconds after which a value has expired.
        capacity: Bound on the sizes of all values together.
    """

    def __init__(self, *, lifetime: float, capacity: int) -> None:
        self._lifetime = lifetime
        self._capacity = capacity
        self._entries: OrderedDict[Hashable, _Entry[V]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable, *, now: float) -> tuple[V, float] | None:
        """The value and its age in seconds; ``None`` when there is none, or none young enough."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now - entry.stored_at >= self._lifetime:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.value, now - entry.stored_at

    def put(self, key: Hashable, value: V, *, size: int, now: float) -> None:
        """Remember a value; one larger than the whole capacity is not kept."""
        self._drop(key)
        if size > self._capacity:
            return
        self._entries[key] = _Entry(value, size, now)
        self._size += size
        while self._size > self._capacity:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size
