"""The commands: asked for, decided on, carried out, waited for, and told of."""

import json
import shlex
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.cluster_changes_command.arguments import Wanted, read_arguments
from awslabs_dsql_mcp.cluster_changes_command.person import PersonApproval, QuestionAsked, ask
from awslabs_dsql_mcp.cluster_changes_command.watched_api import WatchedApi
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.asker import at_command_line
from awslabs_dsql_mcp.clusters.by_name import by_name
from awslabs_dsql_mcp.clusters.changes.advice import PROGRAM, CommandAdvice
from awslabs_dsql_mcp.clusters.changes.carrying_out import RestorableDeletion
from awslabs_dsql_mcp.clusters.changes.change import ChangeCluster
from awslabs_dsql_mcp.clusters.changes.creation.create import CreateCluster
from awslabs_dsql_mcp.clusters.changes.policy import NOTES, own_policy
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.status import ClusterStatus, named
from awslabs_dsql_mcp.command_error import report_error
from awslabs_dsql_mcp.config.arguments import settings_of
from awslabs_dsql_mcp.config.clusters import read_one_cluster
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, OutcomeUnknown, RequestInvalid
from awslabs_dsql_mcp.option_parser import OptionParser
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.server.process import run
from awslabs_dsql_mcp.server.session_clusters import Visits
from awslabs_dsql_mcp.target import resolve_account
from awslabs_dsql_mcp.text import as_line

_CLIENT: Final = "the command line"
"""Whom a cluster that is created has for its maker, in the tag ``created_by``."""

_DONE, _FAILED, _INTERRUPTED, _NOT_DONE = 0, 1, 130, 3
_NO_LIMIT: Final = sys.maxsize
_REPEAT: Final = 30.0  # seconds after which the same line of progress is told again


def main(word: str, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Change a cluster.

    Args:
        word: The command behind ``clusters``.
        arguments: All other arguments.
        environ: The environment.

    Returns:
        The exit status: 0 if it is done; 1 if it is refused or fails; 3 if it was asked for and is not done
        yet, or that is not known; 130 behind an interrupt.

    Raises:
        SettingsError: A wrong argument.
    """
    if word == "policy":
        return _print_policy(arguments)
    wanted = read_arguments(word, arguments)
    settings = read_one_cluster(settings_of(wanted.settings, environ), wanted.of_file, tell=None)
    work = _Work(wanted, settings)
    try:
        answer = work.answer()
    except DsqlError as error:
        report_error(f"clusters {word}", error, as_json=wanted.as_json)
        return _NOT_DONE if isinstance(error, OutcomeUnknown) else _FAILED
    except KeyboardInterrupt:
        sys.stderr.write(_interrupted(word, arguments, work.asked))
        return _INTERRUPTED
    if wanted.as_json:
        _print_json(answer.structured)
    else:
        sys.stdout.write(f"{answer.text}\n")
    if is_done(answer):
        return _DONE
    if settings.local and word in ("back-up", "restore"):
        folder = ("--local-data", str(settings.local_data)) if settings.local_data else ()
        sys.stderr.write(
            "A local cluster ends with the last process that uses it, and jobs of AWS Backup fail with it: "
            f"keep `{shlex.join((PROGRAM, 'local', *folder))}` running.\n"
        )
    return _NOT_DONE


def is_done(answer: ToolOutput) -> bool:
    """Return true if what was asked for is there, as read back."""
    return bool(answer.values.get("done", answer.values.get("ready")))


class _Work:
    """One command.

    Args:
        wanted: What is asked for.
        settings: Settings for its account.

    Attributes:
        asked: The changes that AWS was asked for.
    """

    def __init__(self, wanted: Wanted, settings: Settings) -> None:
        self._wanted = wanted
        self._settings = settings
        self._identifier = ""
        self._told = ("", 0.0)
        self.asked: list[str] = []

    def answer(self) -> ToolOutput:
        """Carry it out, with a question between two runs where one is due.

        Raises:
            DsqlError: It is refused, or fails, or its outcome is not known.
        """
        approval = PersonApproval(None, is_agreed=self._wanted.is_agreed)
        try:
            return run(self._carry_out(approval))
        except QuestionAsked as question:
            agreed = ask(question.proposal, self._identifier)
        return run(self._carry_out(PersonApproval(agreed, is_agreed=False)))

    async def _carry_out(self, approval: PersonApproval) -> ToolOutput:
        async with AsyncExitStack() as stack:
            account = await resolve_account(self._settings, stack)
            region = self._settings.region or account.region
            account = replace(account, api=WatchedApi(account.api, self.asked), region=region)
            return await (self._create if self._wanted.creates else self._change)(account, approval)

    async def _create(self, account: Account, approval: PersonApproval) -> ToolOutput:
        wanted = self._wanted
        if not (account.region or wanted.regions or wanted.point):
            raise NotConfigured(
                f"No Region is named, and {account.no_region}.",
                code="no_region",
                hint=at_command_line().no_region,
            )
        work = CreateCluster(_giving(account), Registry(_NO_LIMIT), advice=CommandAdvice(account.options))
        answer, _ = await work.create(
            wanted.order(account.region), _CLIENT, approval, self._tell, wanted.wait
        )
        return answer

    async def _change(self, account: Account, approval: PersonApproval) -> ToolOutput:
        wanted, began = self._wanted, time.monotonic()
        # A Region of the environment is a default: an ARN of another one does not contradict it.
        regions = [str(wanted.settings["region"])] if "region" in wanted.settings else []
        asker = at_command_line(account.options)
        given = await by_name(wanted.cluster, account, regions, asker)
        name = named(given, account, regions, asker)
        self._identifier = name.identifier
        advice = CommandAdvice(account.options)
        work = ChangeCluster(
            _giving(account),
            "all",  # what a server permits its agents does not bind a person
            Visits(self._settings, {}),
            Registry(_NO_LIMIT),
            is_only=False,
            advice=advice,
        )
        try:
            answer = await work.change(
                lambda _: name, given, wanted.request, approval, self._tell, wanted.wait
            )
        except RequestInvalid as error:
            if error.code == "no_such_cluster" and wanted.word == "delete":
                gone = advice.follow(given, until_gone=True)
                error.hint = f"{error.hint or ''} {gone} succeeds if it is deleted.".strip()
            raise
        if answer.values.get("status") != "DELETING" or not wanted.wait:
            return answer
        left = max(0.0, wanted.wait - (time.monotonic() - began))
        return await self._until_gone(account, answer, left)

    async def _until_gone(self, account: Account, answer: ToolOutput, left: float) -> ToolOutput:
        """Wait for the end of a deletion; what is told otherwise is that AWS has taken it."""
        status = ClusterStatus(_giving(account), at_command_line(account.options, waits=True))
        try:
            last = await status.report(str(answer.values["arn"]), "", None, left, self._tell, until_gone=True)
        except DsqlError as error:
            return answer.adding(f"How far it is cannot be read now: {error.text}")
        if last.values.get("status") == "DELETED":
            if isinstance(answer, RestorableDeletion):
                last = last.adding(answer.restore, recovery_point=answer.point)
            return last.adding(done=True)
        return answer

    async def _tell(self, done: float, _total: float | None, message: str | None) -> None:
        """Tell what is waited for, when it is something else or has lasted."""
        text, told = self._told
        if message and (message != text or done - told >= _REPEAT):
            self._told = message, done
            sys.stderr.write(f"Waiting, {done:.0f} s: {as_line(message)}\n")
            sys.stderr.flush()


def _giving(account: Account) -> Callable[[], Awaitable[Account]]:
    async def give() -> Account:
        return account

    return give


def _interrupted(word: str, arguments: Sequence[str], asked: Sequence[str]) -> str:
    """Word what an interrupt leaves."""
    if not asked:
        return "\nInterrupted. AWS was asked for no change.\n"
    again = shlex.join((PROGRAM, "clusters", word, *arguments))
    return as_lines(
        f"Interrupted. AWS was asked for {', '.join(asked)}; what it has taken goes on.",
        f"The same command looks first, and goes on where it stopped: {again}",
    )


def as_lines(*lines: str) -> str:
    """Write lines below whatever stands on the terminal's line."""
    return "\n" + "".join(f"{as_line(line)}\n" for line in lines)


def _print_json(values: Mapping[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(values, indent=2, ensure_ascii=False)}\n")


def _print_policy(arguments: Sequence[str]) -> int:
    parser = OptionParser(
        "awslabs-dsql-mcp clusters policy",
        description="Print the IAM policy that holds an identity to the clusters that awslabs-dsql-mcp "
        "made, as --allow-cluster-changes own does. What it cannot hold is told on standard error.",
        allow_abbrev=False,
    )
    parser.parse_args(arguments)
    _print_json(own_policy())
    sys.stderr.write("".join(f"Note: {note}\n" for note in NOTES))
    return _DONE
