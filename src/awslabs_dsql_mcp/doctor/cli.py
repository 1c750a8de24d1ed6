"""The command ``awslabs-dsql-mcp doctor``."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.doctor.context import Environment
from awslabs_dsql_mcp.doctor.format import SIGNS, as_json, as_line, as_summary
from awslabs_dsql_mcp.doctor.report import CheckResult, exit_status
from awslabs_dsql_mcp.doctor.runner import run_checks
from awslabs_dsql_mcp.logging_setup import log_to_stderr
from awslabs_dsql_mcp.terminal import takes_colours, working

_HELP = """\
usage: awslabs-dsql-mcp doctor [--json] [--as CLIENT] [the server's options]

Check the settings, credentials, network, TLS, login and privileges that the
server needs, with the options and the environment that it would be started
with (see awslabs-dsql-mcp --help). For each failure, print the cause and the
remedy. --json prints JSON.

--as CLIENT checks what that MCP client starts: the options and variables of
its entry (--name NAME, --project: as for install), with what the client hands
on of this shell's environment. Options that are given replace the entry's.

The exit status is 0 if no check failed, 1 otherwise.
"""


async def main(
    argv: Sequence[str], environ: Mapping[str, str], origin: str = "", shell: Mapping[str, str] | None = None
) -> int:
    """Run the checks and print their results.

    Args:
        argv: The arguments after ``doctor``.
        environ: The environment.
        origin: A sentence on where they are from, for the first result.
        shell: The environment of who looks, where it is another one.

    Returns:
        The exit status: 0, or 1 if a check failed.
    """
    if {"--help", "-h"} & set(argv):
        _say(_HELP.rstrip())
        return 0
    log_to_stderr("CRITICAL")  # the results report the errors of libraries
    for_programs, flags = "--json" in argv, [word for word in argv if word != "--json"]
    plain, findings, about = not _can_show(SIGNS), list[CheckResult](), ""
    seen_by = environ if shell is None else shell
    colours = takes_colours(sys.stdout, seen_by)

    def during(name: str) -> AbstractContextManager[None]:
        return working(name, sys.stderr, seen_by, otherwise=False)

    async for finding in run_checks(flags, Environment(environ, origin=origin, during=during)):
        if finding.cluster and not for_programs and finding.cluster != about:
            _say(f"\n{finding.cluster}" if findings else finding.cluster)
        findings.append(finding)
        about = finding.cluster
        if not for_programs:
            _say(as_line(finding, plain=plain, colours=colours))
    _say(as_json(findings, version=__version__) if for_programs else as_summary(findings, colours=colours))
    return exit_status(findings)


def _can_show(signs: str) -> bool:
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _say(text: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)  # noqa: T201 - output of a command
