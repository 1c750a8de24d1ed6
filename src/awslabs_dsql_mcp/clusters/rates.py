"""Price of a cluster's DPUs, asked of AWS in the background, so that no call waits long for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.clusters import price_list
from awslabs_dsql_mcp.clusters.forecast import Rate
from awslabs_dsql_mcp.clusters.model import read_cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.dsql.prices import Price, price_of
from awslabs_dsql_mcp.errors import DsqlError

if TYPE_CHECKING:
    from awslabs_dsql_mcp.aws.api import Api
    from awslabs_dsql_mcp.clusters.account import Account

_PATIENCE: Final = 1.5  # seconds of a call that AWS has for its answers
_KEPT: Final = 24 * 3600.0  # seconds until a price is asked for again
_RETRIED: Final = 600.0  # seconds until what was not answered is asked again


async def listed_price(api: "Api", region: str) -> Price | None:
    """Ask AWS's price list for a Region's prices.

    Returns:
        The prices; `None` where the list has none, or may not be asked.
    """
    from awslabs_dsql_mcp.aws.api import pages  # noqa: PLC0415 - most sessions ask nothing of AWS

    try:
        members = {"ServiceCode": price_list.SERVICE_CODE, "Filters": price_list.filters(region)}
        products: list[str] = []
        async for page in pages(api, "pricing", "GetProducts", price_list.REGION, members):
            products += page["PriceList"]
        return price_list.read_price(products, region)
    except (DsqlError, ValueError):
        return None


class Rates:
    """Tells what a cluster's DPUs cost: AWS's price list first, else the published prices.

    Args:
        region: Region of the cluster; empty if it is not known.
        account: Gives the AWS account; `None` for a cluster on this machine, of which nothing is asked.
        clock: Monotonic seconds.
        patience: Seconds from the beginning of a call on that it waits for AWS at most.
    """

    def __init__(
        self,
        region: str,
        account: Callable[[], Awaitable["Account"]] | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = _PATIENCE,
    ) -> None:
        self._account = account
        self._clock = clock
        self._patience = patience
        self._rate = Rate(price_of(region), region, None if account else False, is_local=account is None)
        self._asking: asyncio.Task[None] | None = None
        self._began = self._until = 0.0

    def begin(self) -> None:
        """Begin to ask, at the beginning of a call; what is known already is not asked again."""
        now = self._clock()
        if self._account is None or (self._asking is not None and not self._asking.done()):
            return
        if self._asking is None or now >= self._until:
            self._began, self._until = now, now + _RETRIED
            self._asking = asyncio.ensure_future(self._ask(self._account))

    async def rate(self) -> Rate:
        """Give what is known; AWS is waited for until its time is used up."""
        self.begin()
        if self._asking is not None and not self._asking.done():
            left = self._began + self._patience - self._clock()
            await asyncio.wait({self._asking}, timeout=max(0.0, left))
        return self._rate

    async def _ask(self, give: Callable[[], Awaitable["Account"]]) -> None:
        try:
            account = await give()
        except DsqlError:
            return
        region = self._rate.region or account.region
        self._rate = replace(self._rate, region=region, price=self._rate.price or price_of(region))
        await asyncio.gather(self._ask_price(account.api, region), self._ask_pair(account))

    async def _ask_price(self, api: "Api", region: str) -> None:
        price = await listed_price(api, region) if region else None
        if price is not None:
            today = datetime.now(timezone.utc)
            self._rate = replace(self._rate, price=replace(price, as_of=f"{today:%Y-%m-%d}"))
            self._until = self._clock() + _KEPT

    async def _ask_pair(self, account: "Account") -> None:
        """Ask whether the cluster is one of a pair, which it stays."""
        if account.cluster is None or self._rate.is_multi_region is not None:
            return
        try:
            is_pair = await _is_multi_region(account.api, account.cluster)
        except DsqlError:
            return
        self._rate = replace(self._rate, is_multi_region=is_pair)


async def _is_multi_region(api: "Api", name: ClusterName) -> bool:
    answer = await api.call("dsql", "GetCluster", name.region, identifier=name.identifier)
    return read_cluster(answer, name.region).is_multi_region
