"""AWS's dsql-lint, run as a program of its own for each text.

It is a binary without a Python API. A thread waits for it, since asyncio starts no programs on the event loop
that psycopg needs on Windows (Python documentation, "Platform Support", asyncio).
"""

import asyncio
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid, TimedOut
from awslabs_dsql_mcp.lint.model import MAX_LINTED, Diagnostic, LintReport, parse
from awslabs_dsql_mcp.lint.script import LintScript

_NAME: Final = "dsql-lint"
_MAX_UNREADABLE: Final = 9  # statements without tokens: the program is run once more for each
_DONE: Final = (0, 1, 3)  # clean or fixed; errors; fixed with warnings (its --help, "EXIT CODES")


class LintProgram:
    """Runs dsql-lint.

    Args:
        program: Its path; found by `find_program` when ``None``.
    """

    def __init__(self, program: Path | None = None) -> None:
        self._program = program

    async def lint(self, sql: str, *, fix: bool, timeout: float) -> LintReport:
        """Lint a script.

        Args:
            sql: Statements, psql meta-commands and rows of COPY, such as pg_dump writes.
            fix: True to return the script with its fixes as well.
            timeout: Seconds after which the program is killed.

        Raises:
            RequestInvalid: The script is too large, or not Unicode.
            NotConfigured: There is no dsql-lint, or it does not work.
            TimedOut: It took too long.
        """
        _require_lintable(sql)
        script = await asyncio.to_thread(LintScript.split, sql)
        deadline = time.monotonic() + timeout
        unreadable: list[Diagnostic] = []
        while True:
            try:
                report = await self._run(script.text, fix=fix, timeout=max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                raise TimedOut(
                    f"dsql-lint took longer than {timeout:g} s and was stopped.",
                    hint="Lint fewer statements at once.",
                ) from None
            error = report.token_error
            without = error and len(unreadable) < _MAX_UNREADABLE and script.withhold(error.line)
            if not error or not without:
                break
            unreadable.append(error)
            script = without
        return await asyncio.to_thread(_finish, script, report, unreadable)

    async def _run(self, text: str, *, fix: bool, timeout: float) -> LintReport:
        data = text.encode()
        process = self._start(fix=fix)
        talking = asyncio.ensure_future(asyncio.to_thread(_talk, process, data, timeout))
        talking.add_done_callback(_seen)
        try:
            output = await asyncio.shield(talking)
        finally:
            process.kill()  # a cancelled call's; the thread sees its end, and ends too
        try:
            return _read(output, process.returncode)
        except ValueError as error:
            raise _unusable(f"dsql-lint gave no usable answer: {error}") from None

    def _start(self, *, fix: bool) -> "subprocess.Popen[bytes]":
        program = self._program or find_program()
        if program is None:
            raise _unusable("dsql-lint is not installed where this server runs.")
        command = [str(program), *(["--fix"] if fix else []), "--format", "json", "-"]
        pipe = subprocess.PIPE
        try:
            # The program is ours to name; the text goes through its input.
            return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603 - see above
        except OSError as error:
            raise _unusable(f"dsql-lint does not start ({type(error).__name__}).") from None


def _talk(process: "subprocess.Popen[bytes]", data: bytes, timeout: float) -> bytes:
    with process:
        try:
            return process.communicate(data, timeout)[0]
        finally:
            process.kill()


def find_program() -> Path | None:
    """Find dsql-lint: beside our interpreter, where its package put it, then on PATH."""
    name = _NAME + (".exe" if sys.platform == "win32" else "")
    beside = [Path(sysconfig.get_path("scripts")), Path(sys.executable).parent]
    for candidate in (*(folder / name for folder in beside), *_of_package(name)):
        if candidate.is_file():
            return candidate
    found = shutil.which(_NAME)
    return Path(found) if found else None


def _of_package(name: str) -> list[Path]:
    try:
        files = metadata.distribution(_NAME).files or ()
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.name == name]


def _finish(script: LintScript, report: LintReport, unreadable: Sequence[Diagnostic]) -> LintReport:
    diagnostics = sorted((*report.diagnostics, *unreadable), key=lambda found: found.line)
    try:
        fixed = None if report.fixed_sql is None else script.apply(report.fixed_sql)
    except ValueError as error:
        raise _unusable(f"dsql-lint gave no usable answer: {error}.") from None
    return LintReport(tuple(diagnostics), fixed)


def _require_lintable(sql: str) -> None:
    try:
        data = sql.encode()
    except UnicodeEncodeError:
        raise RequestInvalid("sql has half of a surrogate pair in it.", hint="Send it whole.") from None
    if b"\0" in data:
        raise RequestInvalid("sql has a NUL character in it.", hint="Leave it out.")
    if len(data) > MAX_LINTED:
        raise RequestInvalid(
            f"sql has {len(data):,} bytes; at most {MAX_LINTED:,} are linted.",
            hint="Lint the schema without its data, or a part at a time.",
        )


def _read(output: bytes, status: int) -> LintReport:
    if status not in _DONE:
        raise ValueError(f"it ended with status {status}")
    return parse(output.decode())


def _unusable(told: str) -> NotConfigured:
    return NotConfigured(
        told,
        code="no_lint",
        hint="Go on without: transact says of each statement what Aurora DSQL does not take. The operator "
        "can install it beside this server, pip install dsql-lint, where it has a wheel: Linux with glibc "
        "(not Alpine), macOS, Windows on x86-64.",
    )


def _seen(talking: "asyncio.Future[bytes]") -> None:
    """Retrieve the exception of a run that was cancelled, which asyncio would log otherwise."""
    if not talking.cancelled():
        talking.exception()
