"""The server as a client starts it, on a local cluster, with the stand-in for AWS in the place of AWS.

``python -m support.aws.stdio_server OPTION…``: the options of the server. The cluster that it is connected to
is ``orders`` of the stand-in's account.
"""

import os
import sys
from contextlib import AsyncExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

from awslabs_dsql_mcp import target
from awslabs_dsql_mcp.aws.api import AwsApi
from awslabs_dsql_mcp.aws.credentials import Identity
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.server.process import main
from support.aws.account import ACCOUNT, DENIED, FIGURES, ORDERS, STOCK, account_of, cluster

_BACKED_UP = timedelta(hours=5)


def _figures(asked: dict[str, Any]) -> dict[str, Any]:
    """What GetMetricData says: orders is busy, and stock hardly; each day and each minute has a value."""
    of = {ORDERS: FIGURES, STOCK: {"TotalDPU": 5.0}}
    now = datetime.now(timezone.utc)
    results: list[dict[str, Any]] = []
    for query in asked["MetricDataQueries"]:
        metric, seconds = query["MetricStat"]["Metric"], query["MetricStat"]["Period"]
        named = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        value = of.get(named.get("ClusterId", ""), {}).get(metric["MetricName"])
        if named.get("ResourceId") == f"cluster/{ORDERS}" and "Class" not in named:
            value = 42.0
        times = [] if value is None else [now - timedelta(seconds=seconds), now]
        values = [] if value is None else [value] * 2
        results.append({"Id": query["Id"], "Timestamps": times, "Values": values, "StatusCode": "Complete"})
    return {"MetricDataResults": results}


def _protected(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "ResourceArn": asked["ResourceArn"],
        "LastBackupTime": datetime.now(timezone.utc) - _BACKED_UP,
        "LastBackupVaultArn": f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:Default",
        "LastRecoveryPointArn": f"arn:aws:backup:us-east-1:{ACCOUNT}:recovery-point:p",
    }


def _cluster(asked: dict[str, Any]) -> dict[str, Any]:
    created = datetime.now(timezone.utc) - timedelta(days=100)
    return cluster(asked["identifier"], creationTime=created)


def serve() -> int:
    """Serve, with the stand-in's account."""
    answers: dict[str, object] = {
        "GetMetricData": _figures,
        "GetCluster": _cluster,
        "DescribeProtectedResource": _protected,
        "ListServiceQuotas": DENIED,
    }
    aws = account_of(**answers)

    async def resolve_account(settings: Settings, stack: AsyncExitStack) -> Account:
        del settings, stack
        api = AwsApi(Identity("us-east-1"), session=aws.session)
        return Account(api, "us-east-1", ClusterName(ORDERS, "us-east-1"))

    target.resolve_account = resolve_account
    return main(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(serve())
