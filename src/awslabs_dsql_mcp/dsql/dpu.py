"""DPUs of reads and writes before they are done, by the formulas that AWS publishes.

Aurora DSQL counts the bytes of each transaction, with a least for each row, each index entry and the whole
(`dsql.prices` has the figures and their source). Compute is the time that queries take, which nobody knows
before: it is no part of a forecast.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from awslabs_dsql_mcp.dsql.prices import (
    MIN_READ_BYTES,
    MIN_ROW_BYTES,
    MIN_WRITE_BYTES,
    READ_DPU,
    WRITE_DPU,
)


@dataclass(frozen=True)
class Work:
    """DPUs of reading and of writing in one Region.

    Attributes:
        read: DPUs of reading.
        write: DPUs of writing; a multi-Region cluster counts as many again.
    """

    read: float = 0.0
    write: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        """Add other work, of other transactions."""
        return Work(self.read + other.read, self.write + other.write)

    def times(self, count: float) -> "Work":
        """Do the same so many times, each in transactions of its own."""
        return Work(self.read * count, self.write * count)


def counted(sizes: Iterable[float]) -> float:
    """Sum up the sizes of rows and index entries in bytes, as they are counted."""
    return sum(max(size, MIN_ROW_BYTES) for size in sizes)


def transaction(read: float, written: float) -> Work:
    """Count a transaction.

    Args:
        read: Bytes that it reads, each row as it is `counted`.
        written: Bytes that it writes, likewise.
    """
    return Work(
        max(read, MIN_READ_BYTES) * READ_DPU if read > 0 else 0.0,
        max(written, MIN_WRITE_BYTES) * WRITE_DPU if written > 0 else 0.0,
    )


def batches(rows: float, size: int, read: float, written: float) -> Work:
    """Count equal rows in transactions of some size, the last of which may be smaller.

    Args:
        rows: Number of rows.
        size: Rows of a transaction.
        read: Bytes that are read for each, as they are `counted`.
        written: Bytes that are written for each, likewise.
    """
    full, rest = divmod(rows, size)
    return transaction(size * read, size * written).times(full) + transaction(rest * read, rest * written)
