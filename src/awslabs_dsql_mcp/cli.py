"""The command line: reads arguments and environment, runs the server or another command.

Only this module reads ``os.environ`` for settings. It imports next to nothing before it handles an interrupt;
each command brings its own imports.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress

_USAGE_ERROR = 2
_INTERRUPTED = 128 + signal.SIGINT
_STDOUT = 1
_MAX_WORD = 1_000  # characters
_BROKEN_PIPE = 128 + 13  # SIGPIPE, which Windows has not


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command: the server, or the one that the first argument names (see ``--help``).

    Args:
        argv: The arguments; ``sys.argv`` by default.

    Returns:
        The exit status: 0, 1 if a command reports a failure, 2 for wrong arguments, 128 plus the number of a
        signal.
    """
    _open_streams()
    try:
        try:
            return _run(argv)
        finally:
            if not sys.stdout.closed:
                sys.stdout.flush()
    except Exception as error:
        if fault := _fault_outside(error):
            print(f"awslabs-dsql-mcp: {fault}", file=sys.stderr)  # noqa: T201 - output of a command
        elif not _is_broken_pipe(error):
            raise
        # Python's own flush at the end must not fail too (Python documentation, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
        return 1 if fault else _BROKEN_PIPE


def _open_streams() -> None:
    """Give the process the standard streams that it was started without; no file may take their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # A new descriptor is the lowest that is free.
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(descriptor, "w" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the process
    # A redirected output may have the code page of Windows or of an old locale, without arrows and dots.
    if reconfigure := getattr(
        sys.stdout, "reconfigure", None
    ):  # of a file, not of a program that embeds this
        reconfigure(errors="replace")


def _fault_outside(error: Exception) -> str:
    """Word a fault that no command is to blame for; empty if it is none."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        return f"the output cannot be written: {error.strerror}"
    try:
        os.getcwd()  # noqa: PTH109 - pathlib takes its time
    except FileNotFoundError:
        return "the current folder is not there any more: change to another one"
    return ""


def _is_broken_pipe(error: BaseException) -> bool:
    """Say if nobody reads the output any more, as with ``| head``; tasks raise it within a group."""
    inner: Sequence[BaseException] = getattr(error, "exceptions", ())
    return isinstance(error, BrokenPipeError) or any(map(_is_broken_pipe, inner))


def _run(argv: Sequence[str] | None) -> int:
    with _interrupts_exit():
        from awslabs_dsql_mcp.option_parser import SettingsError  # noqa: PLC0415 - see the module
    try:
        with _interrupts_exit():
            command = _command(list(sys.argv[1:] if argv is None else argv))
        return command()
    except SettingsError as error:
        print(f"awslabs-dsql-mcp: {_shortened(str(error))}", file=sys.stderr)  # noqa: T201 - output of a command
        return _USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED


def _shortened(text: str) -> str:
    """Cut words that fill a screen: they were typed or pasted by mistake."""
    return " ".join(f"{word[:80]}…" if len(word) > _MAX_WORD else word for word in text.split(" "))


def _command(arguments: Sequence[str]) -> Callable[[], int]:
    """Import a command; with no name, the server."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", arguments)
    if name == "help":
        return _help(rest)
    if name == "serve":
        arguments = rest
    if name in ("local", "demo"):
        return _local_command(name, rest)
    if name == "install":
        from awslabs_dsql_mcp.installer.cli import main as install  # noqa: PLC0415 - see the module

        return lambda: install(rest)
    origin, shell = "", dict(os.environ)
    if name == "doctor":
        rest, origin = _as_started(rest)
    from awslabs_dsql_mcp.config.options import LIBPQ_VARIABLES  # noqa: PLC0415 - see the module
    from awslabs_dsql_mcp.server import process  # noqa: PLC0415 - see the module

    given = dict(os.environ)
    for variable in given:
        if variable.startswith("PG") and variable not in LIBPQ_VARIABLES:
            del os.environ[variable]
    if not os.environ.get("AWS_PROFILE", "unset"):
        del os.environ["AWS_PROFILE"]  # empty means unset, also for boto3
    if name == "doctor":
        from awslabs_dsql_mcp.doctor.cli import main as doctor  # noqa: PLC0415 - see the module

        return lambda: process.run(doctor(rest, given, origin, shell))
    return _aws_command(name, rest) or (lambda: process.main(arguments, os.environ))


def _help(words: Sequence[str]) -> Callable[[], int]:
    """Print the help of a topic; that of a command is its own."""
    from awslabs_dsql_mcp.config.help import topic  # noqa: PLC0415 - see the module

    text = topic(words)
    if text is None:
        return _command([words[0], "--help"])

    def show() -> int:
        sys.stdout.write(f"{text}\n")
        return 0

    return show


def _local_command(name: str, rest: Sequence[str]) -> Callable[[], int]:
    """Import a command that starts a local cluster, or report that the extra for it is not installed."""
    from awslabs_dsql_mcp.errors import NotConfigured  # noqa: PLC0415 - see the module
    from awslabs_dsql_mcp.local_cluster.extra import require_extra  # noqa: PLC0415 - see the module

    try:
        require_extra()
    except NotConfigured as error:
        from awslabs_dsql_mcp.command_error import report_error  # noqa: PLC0415 - see the module

        missing = error
        return lambda: report_error(name, missing)
    if name == "demo":
        from awslabs_dsql_mcp.demo import main as demo  # noqa: PLC0415 - see the module

        return lambda: demo(rest, _program())
    from awslabs_dsql_mcp.local_cluster.cli import main as local  # noqa: PLC0415 - see the module

    return lambda: local(rest, os.environ)


def _program() -> str:
    """Write how the user starts this program."""
    import shlex  # noqa: PLC0415 - see the module

    from awslabs_dsql_mcp.installer.program import own_program  # noqa: PLC0415 - see the module

    return shlex.join(own_program(os.environ))


def _as_started(arguments: Sequence[str]) -> tuple[Sequence[str], str]:
    """Take the environment that the client of ``--as`` would give, also for botocore and libpq."""
    if not any(word.startswith("--as") for word in arguments):
        return arguments, ""
    from pathlib import Path  # noqa: PLC0415 - see the module

    from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths  # noqa: PLC0415 - see the module
    from awslabs_dsql_mcp.installer.started import started_by  # noqa: PLC0415 - see the module

    machine = PlatformPaths(sys.platform, dict(os.environ), str(Path.home()))
    started = started_by(arguments, machine, Path.cwd())
    os.environ.clear()
    os.environ.update(started.environ)
    return started.arguments, started.origin


def _aws_command(name: str, rest: Sequence[str]) -> Callable[[], int] | None:
    """Import a command that asks AWS or the cluster; `None` for any other name."""
    if name == "clusters":
        from awslabs_dsql_mcp.clusters import CHANGING_WORDS, REPORTING_WORDS  # noqa: PLC0415 - see the module

        word = next((each for each in rest if each in (*CHANGING_WORDS, *REPORTING_WORDS)), "")
        if word in CHANGING_WORDS:
            from awslabs_dsql_mcp.cluster_changes_command.command import (  # noqa: PLC0415 - see the module
                main as changes,
            )

            others = list(rest)
            others.remove(word)
            return lambda: changes(word, others, os.environ)
        from awslabs_dsql_mcp.clusters_command import main as clusters  # noqa: PLC0415 - see the module

        return lambda: clusters(rest, os.environ)
    if name == "roles":
        from awslabs_dsql_mcp.roles_command import main as roles  # noqa: PLC0415 - see the module

        return lambda: roles(rest, os.environ)
    if name == "view":
        from awslabs_dsql_mcp.viewer.command import main as view  # noqa: PLC0415 - see the module

        return lambda: view(rest, os.environ)
    return None


@contextmanager
def _interrupts_exit() -> Generator[None]:
    """Let an interrupt end the process at once while a command is imported: there is nothing to close yet."""
    previous = None
    with suppress(ValueError):  # not in the main thread: the embedding program handles signals
        previous = signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        if previous is not None:
            signal.signal(signal.SIGINT, previous)


def _exit(_number: int, _frame: object) -> None:
    os._exit(_INTERRUPTED)
