"""``awslabs-dsql-mcp roles``: database roles and the IAM identities that may connect as them."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

from awslabs_dsql_mcp.catalog.role_script import connect_policy, role_script
from awslabs_dsql_mcp.clusters.model import name_in
from awslabs_dsql_mcp.config.arguments import settings_of
from awslabs_dsql_mcp.config.clusters import read_one_cluster
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.connector import Connector
from awslabs_dsql_mcp.database.executor import Limits, PooledDatabase
from awslabs_dsql_mcp.database.transaction import Query, RetryPolicy, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.option_parser import OptionParser, SettingsError, add_options
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.target import resolve_target
from awslabs_dsql_mcp.text import as_line

_ROLES: Final = Query(
    """
    SELECT r.rolname, r.rolcanlogin, m.arn
    FROM pg_catalog.pg_roles r LEFT JOIN sys.iam_pg_role_mappings m ON m.pg_role_name = r.rolname
    WHERE r.rolname !~ '^(pg_|rds)'
    ORDER BY r.rolname, m.arn
    """
)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """List the roles, or print the script that makes one.

    Args:
        argv: The arguments after ``roles``.
        environ: The environment.

    Returns:
        The exit status: 0; 1 if the cluster cannot be read, or the role cannot be made so.

    Raises:
        SettingsError: A wrong argument.
    """
    given = _parser().parse_args(argv)
    settings = read_one_cluster(settings_of(vars(given), environ))
    try:
        lines = _plan(given, settings) if given.action == "plan" else asyncio.run(_list(settings))
    except DsqlError as error:
        sys.stderr.write(f"awslabs-dsql-mcp roles: {error.text}\n{error.hint or ''}".rstrip() + "\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _plan(given: argparse.Namespace, settings: Settings) -> list[str]:
    if not (given.role and given.arn):
        raise SettingsError("roles plan: expected ROLE and --arn ARN")
    script = role_script(given.role, given.arn, given.level, given.schema or ["public"])
    if not given.policy:
        return [*(f"-- {note}" for note in script.notes), *script.sql.splitlines()]
    cluster = name_in(settings.cluster_endpoint or "")
    if cluster is None:
        raise SettingsError("--policy: expected it with --cluster_endpoint, which tells the cluster's id")
    partition, account = given.arn.split(":")[1], given.arn.split(":")[4]
    arn = f"arn:{partition}:dsql:{cluster.region}:{account}:cluster/{cluster.identifier}"
    return connect_policy(arn).splitlines()


async def _list(settings: Settings) -> list[str]:
    async with AsyncExitStack() as stack:
        target = await resolve_target(settings, stack)
        database = PooledDatabase(
            Connector(target, timeout=settings.connect_timeout).connect,
            policy=RetryPolicy(settings.retry_attempts, settings.retry_time, settings.retry_delay),
            limits=Limits(settings.statement_timeout, settings.call_timeout, settings.max_connections),
        )
        stack.push_async_callback(database.aclose)
        rows = (await database.run(UnitOfWork((_ROLES,), read_only=True))).results[0].rows
    mapped: dict[str, list[str]] = {}
    for role, may_login, arn in rows:
        name = as_line(quote_identifier(str(role))) + ("" if may_login == "t" else " (no login)")
        mapped.setdefault(name, []).append(as_line(str(arn)) if arn else "")
    return [f"{role}: {', '.join(filter(None, arns)) or _nobody(role)}" for role, arns in mapped.items()]


def _nobody(role: str) -> str:
    if role == "admin":
        return "whoever has dsql:DbConnectAdmin"
    return "no IAM identity" if not role.endswith(")") else "nobody"


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        "awslabs-dsql-mcp roles",
        description="list: the database's roles, and who may connect as them. plan: print the script that "
        "makes one for an IAM identity; `migrate` runs it as admin. The server's options choose the cluster.",
        allow_abbrev=False,
    )
    parser.add_argument("action", nargs="?", choices=["list", "plan"], default="list")
    parser.add_argument("role", nargs="?", default="", help="name of the role, for plan")
    parser.add_argument("--arn", default="", help="ARN of the IAM role or user that is to connect, for plan")
    parser.add_argument(
        "--level",
        choices=["read", "write"],
        default="read",
        help="whether it may change rows (default: read)",
    )
    parser.add_argument(
        "--schema", action="append", help="schema whose tables it is for; again for more (default: public)"
    )
    parser.add_argument("--policy", action="store_true", help="print the identity's IAM policy instead")
    add_options(parser, OPTIONS, "options of the server", "Those that choose the cluster count here.")
    return parser
