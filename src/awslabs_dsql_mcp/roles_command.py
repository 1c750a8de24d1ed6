"""``awslabs-dsql-mcp roles``: database roles and the IAM identities that may connect as them."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from awslabs_dsql_mcp.catalog.iam_identity import read_identity
from awslabs_dsql_mcp.catalog.role_script import Level, connect_policy, role_script
from awslabs_dsql_mcp.catalog.roles import RoleReport, read_roles
from awslabs_dsql_mcp.command_error import report_error
from awslabs_dsql_mcp.config.arguments import settings_of
from awslabs_dsql_mcp.config.clusters import add_cluster_choice, read_one_cluster
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.dsql.cluster_names import name_in
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.option_parser import OptionParser, SettingsError, add_options, refuse_idle
from awslabs_dsql_mcp.target import open_database
from awslabs_dsql_mcp.text import as_line

_NAMING: Final = frozenset({"cluster_endpoint", "config"})
_CONNECTING: Final = _NAMING | {
    *("region", "database_user", "profile", "local", "local_data", "local_session_minutes"),
    *("ssl_root_cert", "connect_timeout", "statement_timeout", "call_timeout"),
}
_SERVER_OPTIONS: Final = tuple(option for option in OPTIONS if option.name in _CONNECTING)
_LIST, _PLAN, _POLICY = "list", "plan", "plan --policy"
_TASKS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "ROLE": (_PLAN, _POLICY),
    "--arn": (_PLAN, _POLICY),
    "--policy": (_POLICY,),
    "--level": (_PLAN,),
    "--schema": (_PLAN,),
    "--cluster": (_LIST, _POLICY),
    **{each.flag: (_LIST, _POLICY) if each.name in _NAMING else (_LIST,) for each in _SERVER_OPTIONS},
}
"""Commands that each option is for."""


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
    given = _parser().parse_intermixed_args(argv)
    task = _LIST if given.action == _LIST else _POLICY if "policy" in given else _PLAN
    refuse_idle(vars(given), "roles", task, _TASKS_OF)
    settings = settings_of(vars(given), environ)
    if task != _PLAN:  # which is about none
        settings = read_one_cluster(settings, vars(given).get("cluster"), partial(print, file=sys.stderr))
    try:
        if task == _LIST:
            return _print_roles(asyncio.run(_list(settings)), as_json=given.json)
        lines = _plan(given, settings, task)
    except DsqlError as error:
        return report_error("roles", error, as_json=given.json)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _plan(given: argparse.Namespace, settings: Settings, task: str) -> list[str]:
    if not ("role" in given and "arn" in given):
        raise SettingsError("roles plan: expected ROLE and --arn ARN")
    level: Level = getattr(given, "level", "read")
    script = role_script(given.role, given.arn, level, getattr(given, "schema", ["public"]))
    if task == _PLAN and given.json:
        return json.dumps(vars(script), indent=2, ensure_ascii=False).splitlines()
    if task == _PLAN:
        return [*(f"-- {note}" for note in script.notes), *script.sql.splitlines()]
    cluster = name_in(settings.cluster_endpoint or "")
    if cluster is None:
        raise SettingsError("--policy: expected it with --cluster_endpoint, which tells the cluster's id")
    identity = read_identity(given.arn)
    assert identity is not None  # noqa: S101 - the script has read it
    return connect_policy(cluster.arn(identity.account, identity.partition)).splitlines()


async def _list(settings: Settings) -> RoleReport:
    async with AsyncExitStack() as stack:
        return await read_roles((await open_database(settings, stack)).database)


def _print_roles(report: RoleReport, *, as_json: bool) -> int:
    if as_json:
        lines = [json.dumps(report.facts(), indent=2, ensure_ascii=False)]
    else:
        lines = [*report.lines(), *map(as_line, report.notes)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        "awslabs-dsql-mcp roles",
        description="list: the roles of the database, who may connect as them, and what they may do. plan: "
        "print the script that makes one for an IAM identity; `migrate` runs it as admin.",
        allow_abbrev=False,
    )
    unset = argparse.SUPPRESS
    parser.add_argument("action", nargs="?", choices=[_LIST, _PLAN], default=_LIST)
    parser.add_argument("role", nargs="?", default=unset, help="name of the role, for plan")
    parser.add_argument(
        "--arn", default=unset, help="ARN of the IAM role or user that is to connect, for plan"
    )
    parser.add_argument(
        "--level",
        choices=["read", "write"],
        default=unset,
        help="whether it may change rows, for plan (default: read)",
    )
    parser.add_argument(
        "--schema",
        action="append",
        default=unset,
        help="schema whose tables it is for, for plan; again for more (default: public)",
    )
    parser.add_argument(
        "--policy", action="store_true", default=unset, help="print the identity's IAM policy, for plan"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_cluster_choice(parser, "cluster")
    add_options(parser, _SERVER_OPTIONS, "options of the server", "They choose the cluster and the login.")
    return parser
