"""Faults on demand of the account: what the next call or job is to fail with."""

import threading
from collections import Counter
from typing import Final, Literal

NextFault = Literal["create", "backup", "copy", "restore", "throttle"]
FAULTS: Final[tuple[NextFault, ...]] = ("create", "backup", "copy", "restore", "throttle")


class NextFaults:
    """Faults that were asked for; threads may share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: Counter[str] = Counter()

    def add(self, fault: str, times: int) -> None:
        """Let so many more calls or jobs fail."""
        with self._lock:
            self._left[fault] += times

    def take(self, fault: str) -> bool:
        """Return true if this call or job is to fail."""
        with self._lock:
            if self._left[fault] <= 0:
                return False
            self._left[fault] -= 1
            return True
