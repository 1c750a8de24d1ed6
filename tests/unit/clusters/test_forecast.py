"""Forecasts in words, and what AWS is asked for them: permitted, denied, slow, in Regions without a price."""

import asyncio
import json
import threading
from collections.abc import Callable

import pytest

from awslabs_dsql_mcp.aws.api import AwsApi
from awslabs_dsql_mcp.aws.credentials import Identity
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.budget import Budget
from awslabs_dsql_mcp.clusters.forecast import Forecast, Rate, in_dpu
from awslabs_dsql_mcp.clusters.rates import Rates
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.dsql.dpu import Work
from awslabs_dsql_mcp.dsql.prices import Price
from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid
from support.aws.account import DENIED, ORDERS, PEER, account_of, arn, cluster
from support.aws.stand_in import StandIn

WORK = Work(read=200.0, write=18_550.74)
PRICE = Price("us-east-1", 8.0, 0.33, "2026-04")
PAIR = cluster(multiRegionProperties={"witnessRegion": "us-west-2", "clusters": [arn(PEER, "us-east-2")]})


def product(usd: str, unit: str) -> str:
    """A product of AWS's price list with one price."""
    dimensions = {"d": {"unit": unit, "pricePerUnit": {"USD": usd}}}
    return json.dumps({"product": {}, "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}}})


LISTED = {"PriceList": [product("0.0000091", "DPU"), product("0.35", "GB-Mo")]}


def rates(aws: StandIn, region: str = "us-east-1", patience: float = 30.0) -> Rates:
    """What is known of a cluster through a stand-in for AWS."""
    account = Account(
        AwsApi(Identity(region), session=aws.session), region, ClusterName(ORDERS, region or "us-east-1")
    )

    async def give() -> Account:
        return account

    return Rates(region, give, patience=patience)


@pytest.mark.parametrize(
    ("rate", "line"),
    [
        (
            Rate(PRICE, "us-east-1", is_multi_region=False),
            "about 18,800 DPU, $0.15 at $8.00 a million (us-east-1, 2026-04); compute is not counted.",
        ),
        (
            Rate(PRICE, "us-east-1", is_multi_region=True),
            (
                "about 37,300 DPU, $0.30 at $8.00 a million (us-east-1, 2026-04), written in two Regions; "
                "compute is not counted."
            ),
        ),
        (
            Rate(PRICE, "us-east-1"),
            (
                "about 18,800 DPU, $0.15 at $8.00 a million (us-east-1, 2026-04), "
                "or 37,300 DPU if multi-Region; compute is not counted."
            ),
        ),
        (
            Rate(None, "eu-west-1", is_multi_region=False),
            "about 18,800 DPU (no price of eu-west-1 is known); compute is not counted.",
        ),
        (Rate(is_multi_region=False, is_local=True), "about 18,800 DPU on AWS; compute is not counted."),
    ],
)
def test_a_forecast_is_a_line(rate: Rate, line: str) -> None:
    told = Forecast(WORK, rate).line
    assert told == f"Forecast: {line}"
    assert "free" not in told


def test_what_else_is_not_counted_is_named() -> None:
    forecast = Forecast(WORK, Rate(is_local=True, is_multi_region=False), "the scan of t")
    assert forecast.line.endswith("; compute and the scan of t are not counted.")


def test_its_values_are_those_of_the_line() -> None:
    facts = Forecast(WORK, Rate(PRICE, "us-east-1", is_multi_region=True)).facts
    assert facts == {
        "dpu": 37_301.48,
        "read": 200.0,
        "write": 18_550.74,
        "multi_region_write": 18_550.74,
        "usd": 0.298412,
        "region": "us-east-1",
        "prices_of": "2026-04",
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 DPU"),
        (0.053751, "0.0538 DPU"),
        (6.4847, "6.48 DPU"),
        (999.9, "1,000 DPU"),
        (18_751, "18,800 DPU"),
        (1.5e7, "15,000,000 DPU"),
    ],
)
def test_dpus_have_as_many_digits_as_a_forecast_is_worth(number: float, text: str) -> None:
    assert in_dpu(number) == text


async def test_the_price_list_comes_first_with_the_day_it_was_asked() -> None:
    aws = account_of(GetProducts=LISTED)
    found = await rates(aws).rate()
    assert found.price is not None
    assert (found.price.million_dpu, found.price.region) == (9.1, "us-east-1")
    assert found.price.as_of.startswith("20")
    assert len(found.price.as_of) == len("2026-11-29")
    assert found.is_multi_region is False


async def test_where_the_price_list_may_not_be_asked_the_published_price_is_told_with_its_month() -> None:
    found = await rates(account_of(GetProducts=DENIED)).rate()
    assert found.price == PRICE


async def test_a_region_without_a_price_has_dpus_alone() -> None:
    found = await rates(account_of(GetProducts={"PriceList": []}), "eu-west-1").rate()
    assert found.price is None
    assert "no price of eu-west-1 is known" in Forecast(WORK, found).line


async def test_a_pair_writes_twice_and_who_may_not_ask_hears_both() -> None:
    pair = await rates(account_of(GetCluster=PAIR)).rate()
    unknown = await rates(account_of(GetCluster=DENIED)).rate()
    assert pair.is_multi_region is True
    assert unknown.is_multi_region is None


async def test_a_day_has_one_question_whatever_is_called() -> None:
    aws = account_of(GetProducts=LISTED)
    asked = rates(aws)
    await asyncio.gather(asked.rate(), asked.rate())
    await asked.rate()
    assert sorted(aws.operations()) == ["GetCluster", "GetProducts"]


async def test_no_call_waits_longer_for_aws_than_its_patience_and_a_later_one_has_the_answer() -> None:
    go = threading.Event()

    def late(_asked: object) -> object:
        go.wait(30)
        return LISTED

    before = asyncio.all_tasks()  # those of other tests among them
    asked = rates(account_of(GetProducts=late), patience=0.05)
    first = await asked.rate()
    assert first.price == PRICE
    go.set()
    await asyncio.gather(*(asyncio.all_tasks() - before))
    later = (await asked.rate()).price
    assert later is not None
    assert later.million_dpu == 9.1


async def test_a_server_without_an_account_knows_what_is_published() -> None:
    async def none() -> Account:
        raise NotConfigured("No Region is known.")

    found = await Rates("us-east-1", none).rate()
    assert found == Rate(PRICE, "us-east-1")


async def test_of_a_cluster_on_this_machine_nothing_is_asked() -> None:
    assert await Rates("", None).rate() == Rate(is_multi_region=False, is_local=True)
    named = await Rates("us-east-1", None).rate()
    assert named.price == PRICE


def budget(limit: int | None) -> Budget:
    return Budget(Rates("", None), limit)


SINGLE, UNKNOWN = Rate(PRICE, "us-east-1", is_multi_region=False), Rate(PRICE, "us-east-1")


@pytest.mark.parametrize(
    ("forecast", "told"),
    [
        (Forecast(WORK, SINGLE), ("about 18,800 DPU, $0.15, is above 18,000 DPU", "--max-dpu", "operator")),
        (
            Forecast(Work(0, 10_000), UNKNOWN),
            ("20,000 DPU if the cluster is multi-Region", "dsql:GetCluster"),
        ),
        (Forecast(Work(), SINGLE, "the scan of t"), ("no forecast of the scan of t", "18,000 DPU")),
    ],
)
def test_what_is_above_the_limit_or_cannot_be_held_against_it_is_refused(
    forecast: Forecast, told: tuple[str, ...]
) -> None:
    with pytest.raises(RequestInvalid) as refused:
        budget(18_000).require(forecast)
    said = f"{refused.value.text} {refused.value.hint}"
    assert all(part in said for part in told), said
    assert "Nothing was run by this call." in said


ALLOWED: list[Callable[[], Forecast]] = [
    lambda: Forecast(WORK, SINGLE),
    lambda: Forecast(Work(0, 9_000), UNKNOWN),
]


@pytest.mark.parametrize("forecast", ALLOWED)
def test_what_is_below_it_is_not(forecast: Callable[[], Forecast]) -> None:
    budget(20_000).require(forecast())
    budget(None).require(Forecast(Work(0, 1e12), UNKNOWN, "the scan of t"))
