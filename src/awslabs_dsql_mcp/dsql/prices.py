"""Prices of Aurora DSQL by Region, each with its source and date, and the formulas of DPUs.

A DPU is Aurora DSQL's unit of work. Sources, where a row has no other: Amazon Aurora DSQL pricing; Aurora
DSQL user guide, "Understanding Aurora DSQL billing and usage".
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Price:
    """Prices of a Region, in US dollars.

    Attributes:
        region: The Region.
        million_dpu: Of a million DPUs.
        gb_month: Of a GB stored for a month.
        as_of: Month of the source, ``YYYY-MM``; ``today`` for AWS's own list, just asked.
    """

    region: str
    million_dpu: float
    gb_month: float
    as_of: str

    def of(self, dpu: float) -> float:
        """Price DPUs, in dollars."""
        return dpu * self.million_dpu / 1e6

    def __str__(self) -> str:
        """Name the prices and where they hold."""
        where = f"({self.region}, {self.as_of})"
        return f"${self.million_dpu:.2f} a million DPU, ${self.gb_month:.2f} a GB-month {where}"


PRICES: Final = (
    Price("us-east-1", 8.00, 0.33, "2026-04"),
    Price("eu-central-1", 9.50, 0.45, "2026-08"),
    Price("ap-northeast-2", 10.00, 0.40, "2026-09"),
    Price("ap-northeast-1", 10.00, 0.40, "2025-05"),
)
"""Published prices. Of other Regions none was found; AWS's price list has them."""

READ_DPU: Final = 0.00000183105
"""DPUs of a byte that is read."""

WRITE_DPU: Final = 0.00004883
"""DPUs of a byte that is written; in a multi-Region cluster once more."""

MIN_READ_BYTES: Final = 2048
MIN_WRITE_BYTES: Final = 1024
"""Bytes that are counted at least of a transaction that reads, and of one that writes."""

MIN_ROW_BYTES: Final = 128
"""Bytes that are counted at least of a row, and of an index entry."""

FREE_DPU: Final = 100_000
"""DPUs of each month that cost nothing, for all accounts of an organisation together."""

FREE_GB: Final = 1
"""GB of storage of each month that cost nothing, likewise."""


def price_of(region: str) -> Price | None:
    """Give the published prices of a Region."""
    return next((price for price in PRICES if price.region == region), None)
