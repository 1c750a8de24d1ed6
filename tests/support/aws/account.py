"""An account with two clusters for the stand-in of AWS, as its APIs answer."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from awslabs_dsql_mcp.aws.api import AwsApi
from awslabs_dsql_mcp.aws.credentials import Identity
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.status import ClusterStatus
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.views.extension import VIEW
from support.aws.stand_in import Refusal, StandIn

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)
ORDERS, STOCK, PEER = "a" * 26, "b" * 26, "c" * 26
ACCOUNT = "111122223333"
DENIED = Refusal("AccessDeniedException", "You may not.", 403)
FIGURES: Mapping[str, float] = {
    "TotalDPU": 1000.0,
    "ComputeDPU": 700.0,
    "ReadDPU": 200.0,
    "WriteDPU": 100.0,
    "ClusterStorageSize": 2e9,
    "TotalTransactions": 5000.0,
    "ReadOnlyTransactions": 3000.0,
    "OccConflicts": 100.0,
    "CommitLatency": 12.5,
}


def arn(identifier: str, region: str = "us-east-1") -> str:
    return f"arn:aws:dsql:{region}:{ACCOUNT}:cluster/{identifier}"


def cluster(identifier: str = ORDERS, status: str = "ACTIVE", **more: object) -> dict[str, Any]:
    """What GetCluster says of a cluster."""
    return {
        "identifier": identifier,
        "arn": arn(identifier),
        "status": status,
        "creationTime": NOW - timedelta(days=100),
        "deletionProtectionEnabled": True,
        "endpoint": f"{identifier}.dsql.us-east-1.on.aws",
        "tags": {"Name": {ORDERS: "orders", STOCK: "stock"}.get(identifier, "")},
        **more,
    }


def figures(
    of: Mapping[str, Mapping[str, float]], dimension: str = "ClusterId", state: str = "Complete"
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What GetMetricData says: these figures of each cluster, yesterday and today, by one dimension alone."""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        for query in asked["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            (named,) = metric["Dimensions"]
            value = of.get(named["Value"], {}).get(metric["MetricName"])
            days = [] if value is None or named["Name"] != dimension else [NOW - timedelta(days=1), NOW]
            results.append(
                {
                    "Id": query["Id"],
                    "Label": metric["MetricName"],
                    "Timestamps": days,
                    "Values": [value] * len(days),
                    "StatusCode": state,
                }
            )
        return {"MetricDataResults": results}

    return answer


def account_of(**answers: object) -> StandIn:
    """An account with two clusters, one of them never backed up; some answers may be others."""
    usual: dict[str, Any] = {
        "ListClusters": {"clusters": [{"identifier": each, "arn": arn(each)} for each in (STOCK, ORDERS)]},
        "GetCluster": _cluster,
        "GetMetricData": figures({ORDERS: FIGURES, STOCK: {"TotalDPU": 5.0}}),
        "ListServiceQuotas": {"Quotas": [{"QuotaName": "Single-Region clusters", "Value": 30.0}]},
        "GetProducts": DENIED,
        "DescribeProtectedResource": _protected,
        "ListBackupJobs": {"BackupJobs": []},
        "ListRestoreJobsByProtectedResource": {"RestoreJobs": []},
    }
    return StandIn(usual | answers)


def _cluster(asked: dict[str, Any]) -> dict[str, Any]:
    return cluster(asked["identifier"])


def _protected(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "ResourceArn": asked["ResourceArn"],
        "LastBackupTime": NOW - timedelta(days=3),
        "LastBackupVaultArn": f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:Default",
        "LastRecoveryPointArn": f"arn:aws:backup:us-east-1:{ACCOUNT}:recovery-point:p",
    }


class Asked:
    """``cluster_status`` on a stand-in for AWS, with the time standing still but for its pauses."""

    def __init__(self, aws: StandIn, this: ClusterName | None = None) -> None:
        self.aws = aws
        self.progress: list[str] = []
        self._now = NOW
        account = Account(AwsApi(Identity("us-east-1"), session=aws.session), "us-east-1", this)

        async def give() -> Account:
            return account

        self._status = ClusterStatus(give, now=lambda: self._now, sleep=self._sleep, views=True)

    async def _sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    async def text(
        self,
        cluster_id: str = "",
        region: str = "",
        days: int | None = None,
        wait: float = 0,
        *,
        until_gone: bool = False,
    ) -> str:
        """Call the tool; give its text."""
        return (await self._answer(cluster_id, region, days, wait, until_gone)).text

    async def values(self, cluster_id: str = "") -> dict[str, Any]:
        """Call the tool; give its values for programs."""
        return (await self._answer(cluster_id)).structured

    async def drawing(self, cluster_id: str = "", region: str = "", days: int | None = None) -> object:
        """Call the tool; give what a view draws."""
        return (await self._answer(cluster_id, region, days)).for_person[VIEW]

    async def _answer(
        self,
        cluster_id: str,
        region: str = "",
        days: int | None = None,
        wait: float = 0,
        until_gone: bool = False,  # noqa: FBT001, FBT002 - as in `text`
    ) -> ToolOutput:
        async def report(_done: float, _total: float | None, message: str | None) -> None:
            self.progress.append(message or "")

        return await self._status.report(cluster_id, region, days, wait, report, until_gone=until_gone)
