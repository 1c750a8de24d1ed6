"""AWS's dsql-lint, run as a program of its own for each text.

It is a binary without a Python API. A thread waits for it, since asyncio starts no programs on the event loop
that psycopg needs on Windows (Python documentation, "Platform Support", asyncio).
"""

import asyncio
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.errors import NotConfigured, TimedOut
from awslabs_dsql_mcp.lint.model import Diagnostic, parse

_NAME: Final = "dsql-lint"
_DONE: Final = (0, 1, 3)  # clean or fixed; errors; fixed with warnings (its --help, "EXIT CODES")


class LintProgram:
    """Runs dsql-lint.

    Args:
        program: Its path; found by `find_program` when ``None``.
    """

    def __init__(self, program: Path | None = None) -> None:
        self._program = program

    async def lint(self, sql: str, *, timeout: float) -> tuple[Diagnostic, ...]:
        """Lint statements.

        Args:
            sql: Statements without psql's commands and rows of COPY.
            timeout: Seconds after which the program is killed.

        Raises:
            NotConfigured: There is no dsql-lint, or it does not work.
            TimedOut: It took too long.
        """
        try:
            return await self._run(sql, timeout)
        except subprocess.TimeoutExpired:
            raise TimedOut(
                f"dsql-lint took longer than {timeout:g} s and was stopped.",
                hint="Lint fewer statements at once.",
            ) from None

    async def _run(self, text: str, timeout: float) -> tuple[Diagnostic, ...]:
        data = text.encode()
        process = self._start()
        talking = asyncio.ensure_future(asyncio.to_thread(_talk, process, data, timeout))
        talking.add_done_callback(_seen)
        try:
            output = await asyncio.shield(talking)
        finally:
            process.kill()  # a cancelled call's; the thread sees its end, and ends too
        try:
            return await asyncio.to_thread(_read, output, process.returncode)
        except ValueError as error:
            raise _unusable(f"dsql-lint gave no usable answer: {error}") from None

    def _start(self) -> "subprocess.Popen[bytes]":
        program = self._program or find_program()
        if program is None:
            raise _unusable("dsql-lint is not installed where this server runs.")
        command = [str(program), "--format", "json", "-"]
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


def _read(output: bytes, status: int) -> tuple[Diagnostic, ...]:
    if status not in _DONE:
        raise ValueError(f"it ended with status {status}")
    return parse(output.decode())


def _unusable(told: str) -> NotConfigured:
    return NotConfigured(
        told,
        code="no_lint",
        hint="Go on without: the findings are complete as far as this server knows Aurora DSQL. The operator "
        "can install it beside this server, pip install dsql-lint, where it has a wheel: Linux with glibc "
        "(not Alpine), macOS, Windows on x86-64.",
    )


def _seen(talking: "asyncio.Future[bytes]") -> None:
    """Retrieve the exception of a run that was cancelled, which asyncio would log otherwise."""
    if not talking.cancelled():
        talking.exception()
