"""The guide's page on the local cluster, from the table of requirements; run it to write the page anew."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from support.local_cluster.requirements import Requirement, Table, load

PAGE = Path(__file__).parents[2] / "src" / "awslabs_dsql_mcp" / "documentation" / "pages" / "local-cluster.md"
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


def page(table: Table) -> str:
    """The whole page."""
    checked = sum(not row.not_applicable for row in table.rows)
    return "\n".join([_HEAD.format(count=checked), *_sections(table)])


def _sections(table: Table) -> Iterator[str]:
    for group, heading in table.groups.items():
        rows = [row for row in table.rows if row.group == group and row.difference]
        if rows:
            yield f"## Differences: {heading[0].lower()}{heading[1:]}\n"
            yield from _items(rows)
            yield ""


def _items(rows: Iterable[Requirement]) -> Iterator[str]:
    for row in rows:
        yield f"- On AWS: {row.says} Locally: {row.difference} {row.means}"


if __name__ == "__main__":
    PAGE.write_text(page(load()), encoding="utf-8")
