"""Forecasts in words: what a call will cost, before it is made.

No result of a call has its DPUs: Aurora DSQL tells nobody what a transaction has cost.
"""

import math
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.clusters.cost import dollars
from awslabs_dsql_mcp.dsql.dpu import Work
from awslabs_dsql_mcp.dsql.prices import Price

_DIGITS: Final = 3  # that a forecast is worth


@dataclass(frozen=True)
class Rate:
    """What is known of a cluster's costs.

    Attributes:
        price: Prices of the Region; `None` if they are not known.
        region: The Region; empty if it is not known.
        is_multi_region: Writes count twice; `None` if it is not known.
        is_local: It is a cluster on this machine, which costs nothing.
    """

    price: Price | None = None
    region: str = ""
    is_multi_region: bool | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Forecast:
    """What work will cost.

    Attributes:
        work: The work in one Region.
        rate: What is known of its costs.
        uncounted: What else is not counted, as a clause; empty for nothing.
        remedy: What helps to count that, as an imperative clause.
        limit: DPUs at most; `None` for no limit.
    """

    work: Work
    rate: Rate = Rate()
    uncounted: str = ""
    remedy: str = ""
    limit: float | None = None

    @property
    def dpu(self) -> float:
        """DPUs; of one Region where it is not known if there are two."""
        return self._dpu(twice=self.rate.is_multi_region is True)

    @property
    def most(self) -> float:
        """DPUs; of two Regions where it is not known if there are two."""
        return self._dpu(twice=self.rate.is_multi_region is not False)

    @property
    def amount(self) -> str:
        """DPUs and money."""
        price = self.rate.price
        return f"{in_dpu(self.dpu)}{'' if price is None else f', {dollars(price.of(self.dpu))}'}"

    @property
    def line(self) -> str:
        """The forecast as a line."""
        price, rate = self.rate.price, self.rate
        told = f"Forecast: about {self.amount}"
        if price is not None:
            told += f" at ${price.million_dpu:.2f} a million ({price.region}, {price.as_of})"
        elif rate.is_local:
            told += " on AWS"
        else:
            told += f" (no price of {rate.region} is known)" if rate.region else " (no Region, so no price)"
        if rate.is_multi_region:
            told += ", written in two Regions"
        elif rate.is_multi_region is None:
            told += f", or {in_dpu(self.most)} if multi-Region"
        not_counted = f"compute and {self.uncounted} are" if self.uncounted else "compute is"
        return f"{told}; {not_counted} not counted."

    @property
    def facts(self) -> dict[str, object]:
        """The forecast as values for programs."""
        twice = self.work.write if self.rate.is_multi_region else 0.0
        facts: dict[str, object] = {
            "dpu": round(self.dpu, 5),
            "read": round(self.work.read, 5),
            "write": round(self.work.write, 5),
            "multi_region_write": round(twice, 5),
        }
        if (price := self.rate.price) is not None:
            facts |= {"usd": round(price.of(self.dpu), 6), "region": price.region, "prices_of": price.as_of}
        if self.uncounted:
            facts["uncounted"] = self.uncounted
        if self.limit is not None:
            facts |= {"limit": self.limit, "refused": self.most > self.limit or bool(self.uncounted)}
        return facts

    def _dpu(self, *, twice: bool) -> float:
        return self.work.read + self.work.write * (2 if twice else 1)


def in_dpu(number: float) -> str:
    """Write DPUs with as many digits as a forecast is worth."""
    if number <= 0:
        return "0 DPU"
    places = _DIGITS - 1 - math.floor(math.log10(number))
    return f"{round(number, places):,.{max(0, places)}f} DPU"
