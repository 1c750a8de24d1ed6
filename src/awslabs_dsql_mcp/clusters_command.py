"""``awslabs-dsql-mcp clusters``: the report of the tool ``cluster_status``, for people and scripts."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Final, cast

from awslabs_dsql_mcp.clusters import CHANGING_WORDS, MAX_DAYS
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.asker import at_command_line
from awslabs_dsql_mcp.clusters.by_name import by_name
from awslabs_dsql_mcp.clusters.model import MOVING
from awslabs_dsql_mcp.clusters.status import THIS, ClusterStatus
from awslabs_dsql_mcp.command_error import report_error
from awslabs_dsql_mcp.config.arguments import settings_of
from awslabs_dsql_mcp.config.clusters import add_cluster_choice, read_one_cluster
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.config.parsers import read_region
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.option_parser import (
    Option,
    OptionParser,
    add_options,
    read_switch,
    read_value,
    refuse_idle,
    whole_number,
)
from awslabs_dsql_mcp.target import resolve_account


def _read_regions(text: str) -> str:
    """Read Regions, separated by commas."""
    return ",".join(read_region(name) for name in text.replace(",", " ").split())


_ACTIONS: Final = {
    "list": "the account's clusters",
    "show": "one cluster",
    "usage": "usage and cost",
    "wait": "one cluster, once its state does not change any more",
}
_USUAL_DAYS: Final = "30"
_GOOD: Final = frozenset({"ACTIVE", "IDLE", "INACTIVE", "DELETED"})
"""States in which ``wait`` succeeds."""

_GONE: Final = frozenset({"DELETED"})
"""The same of ``wait --deleted``."""

_OPTIONS: Final = (
    Option(
        "--days",
        (),
        whole_number(1, MAX_DAYS),
        "Days whose usage is told, with usage.",
        "N",
        _USUAL_DAYS,
    ),
    Option("--regions", (), _read_regions, "Regions to look in, separated by commas.", "LIST", "--region's"),
    Option("--seconds", (), whole_number(1, 3600), "Longest to wait, with wait.", "s", "300"),
    Option(
        "--deleted",
        (),
        read_switch,
        "Wait until it is deleted; that it is not there is success, with wait.",
    ),
)
_SERVER_OPTIONS: Final = tuple(
    option
    for option in OPTIONS
    if option.name
    in {"cluster_endpoint", "config", "region", "profile", "local", "local_data", "local_session_minutes"}
)
_TASKS_OF: Final = {
    "CLUSTER": ("show", "usage", "wait"),
    "--days": ("usage",),
    "--seconds": ("wait",),
    "--deleted": ("wait",),
}
"""Reports that each argument is for; the others are for all."""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print a report.

    Args:
        argv: The arguments after ``clusters``.
        environ: The environment.

    Returns:
        The exit status: 0; 1 if AWS does not tell, or a wait ends in another state than usable or deleted;
        3 if its time is over before the state has settled.

    Raises:
        SettingsError: A wrong argument.
    """
    given = _parser().parse_intermixed_args(argv)
    refuse_idle(vars(given), "clusters", given.action, _TASKS_OF)
    named = vars(given).get("of_file")
    settings = read_one_cluster(settings_of(vars(given), environ), named, partial(print, file=sys.stderr))
    try:
        text, facts = asyncio.run(_report(given, settings))
    except DsqlError as error:
        return report_error("clusters", error, as_json=given.json)
    sys.stdout.write(f"{json.dumps(facts, indent=2, ensure_ascii=False) if given.json else text}\n")
    state = facts.get("status")
    if given.action != "wait" or state in (_GONE if "deleted" in given else _GOOD):
        return 0
    if state not in MOVING:
        return 1
    sys.stderr.write(f"awslabs-dsql-mcp clusters: it is still {state}. The same command again waits on.\n")
    return 3


async def _report(given: argparse.Namespace, settings: Settings) -> tuple[str, Mapping[str, object]]:
    async with AsyncExitStack() as stack:
        account = await resolve_account(settings, stack)
        account = replace(account, region=settings.region or account.region)

        async def give() -> Account:
            return account

        async def tell(_done: float, _total: float | None, message: str | None) -> None:
            sys.stderr.write(f"{message}\n")

        days = _value(given, "--days") if given.action == "usage" else None
        wait = cast("int", _value(given, "--seconds")) if given.action == "wait" else 0
        asker = at_command_line(account.options, waits=given.action == "wait")
        status = ClusterStatus(give, asker)
        cluster = getattr(given, "cluster", THIS if given.action in ("show", "wait") else "")
        # A Region of the environment is a default: an ARN of another one does not contradict it.
        named = "" if settings.cluster_endpoint else getattr(given, "region", "")
        regions = str(_value(given, "--regions") if "regions" in given else named)
        found = await by_name(cluster, account, regions.split(",") if regions else [], asker)
        if found != cluster:
            cluster, regions = found, ""
        answer = await status.report(
            cluster, regions, cast("int | None", days), wait, tell, until_gone="deleted" in given
        )
        return answer.text, answer.structured


def _value(given: argparse.Namespace, flag: str) -> object:
    option = next(option for option in _OPTIONS if option.flag == flag)
    return read_value(option, flag, getattr(given, option.name, option.default))


def _parser() -> argparse.ArgumentParser:
    told = "; ".join(f"{name}: {what}" for name, what in _ACTIONS.items())
    parser = OptionParser(
        "awslabs-dsql-mcp clusters",
        description=f"Print what AWS tells of clusters. {told}. Changes have a help of their own, such as "
        f"`clusters create --help`: {', '.join(CHANGING_WORDS)}.",
        allow_abbrev=False,
    )
    parser.add_argument("action", nargs="?", choices=[*_ACTIONS, *CHANGING_WORDS], default="list")
    parser.add_argument(
        "cluster",
        nargs="?",
        default=argparse.SUPPRESS,
        help="id, ARN, endpoint, or the name of one (default: --cluster_endpoint's; of usage, all)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_options(parser, _OPTIONS)
    add_cluster_choice(parser, "of_file")
    add_options(parser, _SERVER_OPTIONS, "options of the server", "They choose the account and the cluster.")
    return parser
