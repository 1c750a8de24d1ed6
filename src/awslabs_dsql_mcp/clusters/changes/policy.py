"""The IAM policy that holds an identity to the clusters that awslabs-dsql-mcp made, as ``own`` does. Pure.

Sources: AWS Service Authorization Reference, "Actions, resources, and condition keys for Amazon Aurora DSQL"
and "... for AWS Backup" (which keys an action takes); IAM user guide, "Condition operators", Null.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from awslabs_dsql_mcp.clusters.changes.ownership import MANAGED_BY, MANAGER

_CLUSTERS: Final = "arn:aws:dsql:*:*:cluster/*"
_ROLE: Final = "arn:aws:iam::*:role/service-role/AWSBackupDefaultServiceRole"
_REQUESTED: Final = f"aws:RequestTag/{MANAGED_BY}"
_TAGGED: Final = f"aws:ResourceTag/{MANAGED_BY}"
_OURS: Final = {_TAGGED: MANAGER}

NOTES: Final = (
    f"A cluster without the tag {MANAGED_BY} can be given it, and is own then: give others another value.",
    "Peers and witness of a pair are not held by the tag: a new cluster has none when AWS judges them.",
    "Backups and restores are not held by it either: AWS Backup judges vault, recovery point and role.",
    "A restore of a pair also needs dsql:UpdateCluster and dsql:RemovePeerCluster on clusters without a tag.",
    "Add dsql:DbConnectAdmin or dsql:DbConnect on the clusters that are to be connected to.",
)
"""Notes on what the policy does not say, or cannot hold."""


def own_policy() -> dict[str, Any]:
    """Give the policy, as JSON values."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "Read",
                ("dsql:ListClusters", "dsql:GetCluster", "dsql:ListTagsForResource"),
                "*",
            ),
            _allow(
                "CreateTagged", ("dsql:CreateCluster",), _CLUSTERS, {"StringEquals": {_REQUESTED: MANAGER}}
            ),
            _allow(
                "TagNew",
                ("dsql:TagResource",),
                _CLUSTERS,
                {"StringEquals": {_REQUESTED: MANAGER}, "Null": {_TAGGED: "true"}},
            ),
            _allow(
                "ChangeOwn",
                ("dsql:UpdateCluster", "dsql:DeleteCluster", "dsql:TagResource", "dsql:UntagResource"),
                _CLUSTERS,
                {"StringEquals": _OURS},
            ),
            _allow(
                "Pair",
                ("dsql:PutMultiRegionProperties", "dsql:AddPeerCluster", "dsql:PutWitnessRegion"),
                _CLUSTERS,
            ),
            _allow(
                "BackUpAndRestore",
                (
                    "backup:StartBackupJob",
                    "backup:DescribeBackupJob",
                    "backup:ListBackupJobs",
                    "backup:ListRecoveryPointsByResource",
                    "backup:ListBackupVaults",
                    "backup:ListRecoveryPointsByBackupVault",
                    "backup:StartCopyJob",
                    "backup:DescribeCopyJob",
                    "backup:StartRestoreJob",
                    "backup:DescribeRestoreJob",
                ),
                "*",
            ),
            _allow(
                "PassBackupRole",
                ("iam:PassRole",),
                _ROLE,
                {"StringEquals": {"iam:PassedToService": "backup.amazonaws.com"}},
            ),
            _allow(
                "FirstCluster",
                ("iam:CreateServiceLinkedRole",),
                "*",
                {"StringEquals": {"iam:AWSServiceName": "dsql.amazonaws.com"}},
            ),
        ],
    }


def _allow(
    sid: str, actions: Sequence[str], resource: str, condition: Mapping[str, object] | None = None
) -> dict[str, object]:
    statement: dict[str, object] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": resource,
    }
    return statement | ({"Condition": condition} if condition else {})
