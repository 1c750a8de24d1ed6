"""The operator's limit of what a call may cost, held against its forecast before anything is written."""

from dataclasses import dataclass, field
from typing import Final

from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.clusters.forecast import Forecast, in_dpu
from awslabs_dsql_mcp.clusters.rates import Rates
from awslabs_dsql_mcp.dsql.dpu import Work
from awslabs_dsql_mcp.errors import RequestInvalid

_MAX_REMEMBERED: Final = 100  # jobs, as many as the runner remembers
CODE: Final = "max_dpu"
_OPTION: Final = "the operator's limit of a call (--max-dpu)"


class ForecastFacts(TypedDict):
    """A forecast: DPUs, their parts, and the money where a price is known."""

    dpu: float
    read: float
    write: float
    multi_region_write: float
    usd: NotRequired[float]
    region: NotRequired[str]
    prices_of: NotRequired[str]


@dataclass(frozen=True)
class Budget:
    """Forecasts calls, and refuses those that are above the limit.

    Attributes:
        rates: Tells what DPUs cost; by default it knows no prices.
        limit: DPUs of a call at most; ``None`` for no limit.
    """

    rates: Rates = field(default_factory=lambda: Rates("", None))
    limit: int | None = None

    async def forecast(self, work: Work, uncounted: str = "") -> Forecast:
        """Forecast work.

        Args:
            work: The work, in one Region.
            uncounted: What else it is that cannot be forecast, as a clause.
        """
        return Forecast(work, await self.rates.rate(), uncounted)

    def refusal(self, forecast: Forecast) -> RequestInvalid | None:
        """Make the error for a forecast above the limit, or that cannot be held against it."""
        if self.limit is None:
            return None
        limit, smaller = f"{self.limit:,} DPU, {_OPTION}", "Ask for a smaller part, or the operator for more."
        if forecast.most > self.limit:
            told, more = f"about {forecast.amount}", ""
            if forecast.dpu <= self.limit:
                told = f"{in_dpu(forecast.most)} if the cluster is multi-Region"
                more = " AWS did not tell if it is: dsql:GetCluster lets this server ask."
            return RequestInvalid(
                f"The forecast, {told}, is above {limit}.", code=CODE, hint=f"{smaller}{more}"
            )
        if forecast.uncounted:
            return RequestInvalid(
                f"There is no forecast of {forecast.uncounted}, to be held against {limit}.",
                code=CODE,
                hint=smaller,
            )
        return None

    def require(self, forecast: Forecast) -> None:
        """Refuse a call that is above the limit.

        Raises:
            RequestInvalid: It is.
        """
        if (error := self.refusal(forecast)) is not None:
            error.message = f"Refused: {error.message} Nothing was run by this call."
            raise error


class Affordable:
    """Jobs whose rest is known to be below the limit, from some point of theirs on; the last hundred."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}

    def covers(self, job: object, point: int) -> bool:
        """Return true if what remains of a job behind a point is below the limit."""
        known = self._known.get(job)
        return known is not None and known <= point

    def note(self, job: object, point: int) -> None:
        """Note that what remains of a job behind a point is below the limit."""
        self._known[job] = min(point, self._known.pop(job, point))
        while len(self._known) > _MAX_REMEMBERED:
            self._known.pop(next(iter(self._known)))
