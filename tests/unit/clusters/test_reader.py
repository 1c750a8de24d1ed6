"""What is read of clusters for one who decides on them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from awslabs_dsql_mcp.aws.api import AwsApi
from awslabs_dsql_mcp.aws.credentials import Identity
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.reader import ClusterReader
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from support.aws.account import NOW, ORDERS, account_of, figures


@pytest.mark.parametrize(
    ("since", "seconds", "begins"),
    [
        (NOW - timedelta(minutes=3, seconds=20), 60, NOW - timedelta(minutes=4)),
        (NOW - timedelta(days=1, minutes=20), 3600, NOW - timedelta(days=1, hours=1)),
    ],
)
async def test_transactions_since_a_time_count_whole_minutes_or_hours(
    since: datetime, seconds: int, begins: datetime
) -> None:
    asked: dict[str, Any] = {}

    def answer(members: dict[str, Any]) -> dict[str, Any]:
        asked.update(members)
        return figures({ORDERS: {"TotalTransactions": 9.0, "ReadOnlyTransactions": 2.0}})(members)

    aws = account_of(GetMetricData=answer)
    account = Account(AwsApi(Identity("us-east-1"), session=aws.session), "us-east-1", None)
    reader = ClusterReader(account, lambda: NOW)
    told = await reader.transactions(ClusterName(ORDERS, "us-east-1"), since)
    assert (told.total("TotalTransactions"), told.total("ReadOnlyTransactions")) == (18.0, 4.0)
    assert (asked["StartTime"], asked["EndTime"]) == (begins, NOW)
    assert {each["MetricStat"]["Period"] for each in asked["MetricDataQueries"]} == {seconds}
