"""The guide's pages on the local cluster, from the table of requirements; `.ci/generate` writes them anew."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from support.local_cluster.requirements import Requirement, Table, load

_PAGES = Path(__file__).parents[2] / "src" / "awslabs_dsql_mcp" / "documentation" / "pages"
_ACCOUNT = ("cluster", "backup")  # the groups that have a page of their own
# ruff: noqa: E501 - the guide's lines are as long as its paragraphs
_HEAD = """\
---
title: The local cluster and how it differs from Aurora DSQL
summary: What --local is, how far it can be trusted, and each known difference from a cluster on AWS.
keywords: local cluster --local emulator emulation offline testing tests ci difference differences differs fidelity simulated faults conflict-rate without an aws account sandbox try
as-of: 2026-11-28
sources: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/what-is-aurora-dsql.html; the table of requirements of this project's tests, where each fact has its source
---
## What it is

`awslabs-dsql-mcp local`, or the server's own `--local`, runs a cluster on this machine: TLS, IAM tokens, roles, and Aurora DSQL's statements, refusals, limits and conflicts, on an embedded PostgreSQL 16. No AWS account is needed, and no data leave the machine. It is for learning, for tests and for CI; what it holds is not kept safe against a power failure.

{count} facts about Aurora DSQL are checked on it, in Aurora DSQL's own words where they are known. It differs in what follows, and each difference is tested too. It costs nothing and answers faster: neither prices nor speed can be learned from it.
"""

_ACCOUNT_HEAD = """\
---
title: Clusters of the local account and how they differ from AWS
summary: The local cluster's API makes further clusters on this machine, of one Region or two, with AWS Backup, for boto3 and the AWS CLI; each known difference from AWS.
keywords: local account api control plane create cluster locally boto3 aws cli AWS_ENDPOINT_URL_DSQL AWS_ENDPOINT_URL_BACKUP endpoint url emulator emulate several clusters multi-region pair localstack moto terraform difference
as-of: 2026-11-29
sources: https://docs.aws.amazon.com/aurora-dsql/latest/APIReference/Welcome.html; the table of requirements of this project's tests, where each fact has its source
---
## How to use it

While the local cluster runs, AWS's API for clusters is there, too. `awslabs-dsql-mcp local --env` sets AWS_ENDPOINT_URL_DSQL, by which boto3, the AWS CLI and other SDKs find it: create, get, list, update, delete and tag clusters as on AWS. Each has its own endpoint and database; `awslabs-dsql-mcp local --env --host ENDPOINT` sets what psql and drivers need to connect to it, `local token --host ENDPOINT` prints a password. A multi-Region pair is two endpoints over one database. Nothing reaches AWS, and nothing costs.

{count} facts about the API and its clusters are checked, each answer against AWS's own model of it. It differs in what follows.

## How to rehearse a restore

AWS Backup is at AWS_ENDPOINT_URL_BACKUP: after `aws backup start-backup-job --backup-vault-name Default --resource-arn ARN --iam-role-arn ROLE`, with any role, change or delete the cluster; `aws backup start-restore-job` makes a new one with its rows, roles and jobs as they were. `awslabs-dsql-mcp clusters show` and `cluster_status` tell of it as on AWS.
"""


def pages(table: Table) -> dict[Path, str]:
    """The text of each page."""
    checked = Counter(row.group in _ACCOUNT for row in table.rows if not row.not_applicable)
    groups = {
        is_account: [g for g in table.groups if (g in _ACCOUNT) == is_account] for is_account in (False, True)
    }
    return {
        _PAGES / name: "\n".join(
            [head.format(count=checked[is_account]), *_sections(table, groups[is_account])]
        )
        for name, head, is_account in (
            ("local-cluster.md", _HEAD, False),
            ("local-account.md", _ACCOUNT_HEAD, True),
        )
    }


def _sections(table: Table, groups: Iterable[str]) -> Iterator[str]:
    for group in groups:
        heading = table.groups[group]
        rows = [row for row in table.rows if row.group == group and row.difference]
        if rows:
            yield f"## Differences: {heading[0].lower()}{heading[1:]}\n"
            yield from _items(rows)
            yield ""


def _items(rows: Iterable[Requirement]) -> Iterator[str]:
    for row in rows:
        yield f"- On AWS: {row.says} Locally: {row.difference} {row.means}"


if __name__ == "__main__":
    for path, text in pages(load()).items():
        path.write_text(text, encoding="utf-8")
