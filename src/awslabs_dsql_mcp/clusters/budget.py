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
NO_FORECAST: Final = "no_forecast"
_LEAST_ROWS: Final = 16  # as many as the least of a read transaction has: below, rows are not what it costs
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
    uncounted: NotRequired[str]
    limit: NotRequired[float]
    refused: NotRequired[bool]


@dataclass(frozen=True)
class Budget:
    """Forecasts calls, and refuses those that are above the limit.

    Attributes:
        rates: Tells what DPUs cost; by default it knows no prices.
        limit: DPUs of a call at most; ``None`` for no limit.
    """

    rates: Rates = field(default_factory=lambda: Rates("", None))
    limit: float | None = None

    async def forecast(self, work: Work, uncounted: str = "", remedy: str = "") -> Forecast:
        """Forecast work.

        Args:
            work: The work, in one Region.
            uncounted: What else it is that cannot be forecast, as a clause.
            remedy: What helps to forecast that, as an imperative clause.
        """
        return Forecast(work, await self.rates.rate(), uncounted, remedy, self.limit)

    def refusal(self, forecast: Forecast, rows: int = 0) -> RequestInvalid | None:
        """Make the error for a forecast above the limit, or that cannot be held against it.

        Args:
            forecast: The forecast.
            rows: Rows that the work grows with; 0 if it does not grow with rows alone.
        """
        if self.limit is None:
            return None
        limit = f"{self.limit:,} DPU, {_OPTION}"
        if forecast.most > self.limit:
            told, more = f"about {forecast.amount}", ""
            if forecast.dpu <= self.limit:
                told = f"{in_dpu(forecast.most)} if the cluster is multi-Region"
                more = " AWS did not tell if it is: dsql:GetCluster lets this server ask."
            fit = _rounded_down(rows * self.limit / forecast.most)
            part = f" (about {fit:,} rows fit)" if fit >= _LEAST_ROWS else ""
            hint = f"Ask for a smaller part{part}, or the operator for more.{more}"
            return _refused(f"The forecast, {told}, is above {limit}.", CODE, hint, forecast)
        if forecast.uncounted:
            told = f"There is no forecast of {forecast.uncounted}, to be held against {limit}."
            way = forecast.remedy or "leave that out"
            hint = f"{way[0].upper()}{way[1:]}; or let the operator start the server without --max-dpu."
            return _refused(told, NO_FORECAST, hint, forecast)
        return None

    def require(self, forecast: Forecast, rows: int = 0) -> None:
        """Refuse a call that is above the limit.

        Args:
            forecast: The forecast.
            rows: As for `refusal`.

        Raises:
            RequestInvalid: It is.
        """
        if (error := self.refusal(forecast, rows)) is not None:
            error.message = f"Refused: {error.message} Nothing was run by this call."
            raise error


def _refused(told: str, code: str, hint: str, forecast: Forecast) -> RequestInvalid:
    error = RequestInvalid(told, code=code, hint=hint)
    error.facts = {"forecast": forecast.facts}
    return error


def _rounded_down(number: float) -> int:
    """Round down to three digits, which a forecast is worth."""
    whole = int(number)
    step = 10 ** max(0, len(str(whole)) - 3)
    return whole - whole % step


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
