"""What CloudWatch tells ``diagnose``, as botocore asks and parses it."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from awslabs_dsql_mcp.aws.api import AwsApi
from awslabs_dsql_mcp.aws.credentials import Identity
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.diagnosis.metrics import Metrics, metric_findings, metric_lines, read_metrics
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from support.aws.account import DENIED, NOW, ORDERS
from support.aws.stand_in import StandIn

FIGURES: Mapping[str, float] = {
    "TotalTransactions": 500,
    "ReadOnlyTransactions": 300,
    "OccConflicts": 10,
    "QueryTimeouts": 0,
    "CommitLatency": 12.5,
}


def minutes(
    connections: float = 40, dimensions: int = 4, **of: float
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What GetMetricData says: the figures in each of two minutes, and connections by so many dimensions."""
    figures = {**FIGURES, **of, "ResourceCount": connections}

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        for query in asked["MetricDataQueries"]:
            metric, stat = query["MetricStat"]["Metric"], query["MetricStat"]
            assert stat["Period"] == 60
            named = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            has = named.get("ClusterId") == ORDERS
            if metric["Namespace"] == "AWS/Usage":
                assert (named["ResourceId"], named["Service"]) == (f"cluster/{ORDERS}", "AuroraDSQL")
                has = len(named) == dimensions
            times = [NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)] if has else []
            value = figures[metric["MetricName"]]
            values = [value, value / 2] if has else []
            results.append(
                {"Id": query["Id"], "Timestamps": times, "Values": values, "StatusCode": "Complete"}
            )
        return {"MetricDataResults": results}

    return answer


QUOTA = {"Quotas": [{"QuotaName": "Connections per cluster", "Value": 50.0}]}


async def read(this: ClusterName | None = ClusterName(ORDERS, "us-east-1"), **answers: object) -> Metrics:  # noqa: B008 - a value
    aws = StandIn({"GetMetricData": minutes(), "ListServiceQuotas": QUOTA} | answers)
    account = Account(AwsApi(Identity("us-east-1"), session=aws.session), "us-east-1", this)

    async def give() -> Account:
        return account

    return await read_metrics(give, 15, now=lambda: NOW)


@pytest.mark.parametrize("dimensions", [4, 5])
async def test_conflicts_connections_and_latency_are_told(dimensions: int) -> None:
    told = await read(GetMetricData=minutes(dimensions=dimensions))
    figures, connections = metric_lines(told, 15, 4)
    assert figures == (
        "CloudWatch, all clients, 15 min: 750 transactions, 15 conflicts (5.0 of 100 that write), at most 10 "
        "in a minute (11:58 UTC), of which this server saw 4; 0 timeouts; commits took 12.5 ms at most "
        "(median of a minute)."
    )
    assert connections == "Connections: 40 at most, of 50 (Service Quotas)."
    assert [each.kind for each in metric_findings(told, 4)] == ["connections", "conflicts_of_others"]
    assert [each.kind for each in metric_findings(told, 14)] == ["connections"]
    assert metric_findings(told, 4)[1].text == "11 conflicts that this server did not see: of other clients."
    young = metric_findings(told, 4, is_whole=False)[1]
    assert young.text.endswith("of other clients, or of before its start.")


async def test_the_default_quota_is_named_as_such_where_it_may_not_be_asked() -> None:
    told = await read(ListServiceQuotas=DENIED)
    line = metric_lines(told, 15, 0)[1]
    assert line.startswith("Connections: 40 at most, of 10,000 by default (Service Quotas not known: AWS ")
    assert "servicequotas:ListServiceQuotas" in line
    assert "connections" not in [each.kind for each in metric_findings(told, 15)]


async def test_what_may_not_be_asked_is_one_line_with_the_action() -> None:
    told = await read(GetMetricData=DENIED)
    (line,) = metric_lines(told, 15, 0)
    assert line.startswith("CloudWatch: not known. AWS does not permit cloudwatch:GetMetricData in us-east-1")
    assert metric_findings(told, 0) == []


async def test_a_cluster_without_an_id_is_not_asked_for() -> None:
    assert metric_lines(await read(None), 15, 0) == [
        "CloudWatch: not known. The endpoint does not tell the id of the cluster."
    ]


async def test_timeouts_are_a_finding_and_a_quiet_cluster_has_none() -> None:
    late = await read(GetMetricData=minutes(connections=1, OccConflicts=0, QueryTimeouts=2))
    assert [each.text for each in metric_findings(late, 0)] == ["3 transactions met the limit of 300 s."]
    quiet = await read(GetMetricData=minutes(connections=1, OccConflicts=0))
    assert metric_findings(quiet, 0) == []
    empty = await read(GetMetricData={"MetricDataResults": []})
    assert "no figures of the last 15 min" in metric_lines(empty, 15, 0)[0]


async def test_aws_is_not_waited_for_without_end() -> None:
    async def never() -> Account:
        await asyncio.Event().wait()
        raise AssertionError

    told = await read_metrics(never, 15, deadline=0.01)
    assert metric_lines(told, 15, 0) == ["CloudWatch: not known. AWS did not answer within 0.01 s."]
