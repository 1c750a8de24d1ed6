"""Somebody with an empty home and a checkout, who types what the documents show into a shell."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from support.debian import program

TOP: Final = Path(__file__).parents[2]
_REPOSITORY: Final = "https://github.com/awslabs/awslabs-dsql-mcp"
# A release is not needed, nor the network: uvx is a script here that keeps to the rule of docs/clients.md for
# a checkout, and takes the repository from where it is.
_UVX: Final = """\
#!/bin/sh
case "$1 $2" in
  "awslabs-dsql-mcp@latest "*) shift; set -- '.[local]' awslabs-dsql-mcp "$@" ;;
  "--from git+{repository}") shift 2; set -- 'git+file://{top}' "$@" ;;
  "--from "*) from=".${{2#awslabs-dsql-mcp}}"; shift 2; set -- "$from" "$@" ;;
  *) echo "uvx: no rule for $1" >&2; exit 64 ;;
esac
exec .ci/uv tool run --quiet --from "$@"
"""


class Newcomer:
    """The newcomer; the shells that are there take turns, since they give a program the same words.

    Attributes:
        environment: What a shell starts with.
        shells: The shells.
        typed: The commands that were run, as they are shown.
    """

    def __init__(self, home: Path, cache: str) -> None:
        programs = home / "programs"
        programs.mkdir()
        (programs / "uvx").write_text(_UVX.format(repository=_REPOSITORY, top=TOP))
        (programs / "uvx").chmod(0o755)
        kept = ("AWS_", "DSQL_", "PG", "XDG_", "UV", "FASTMCP_")
        around = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), around["PATH"]])
        self.environment = around | {
            "HOME": str(home),
            "PATH": path,
            "UV_CACHE_DIR": cache,
            "UV_PYTHON": sys.executable,
        }
        self.typed = set[str]()
        self.shells = [shell for shell in ("bash", "zsh") if program(shell, package=shell)]
        self._turns = itertools.cycle(self.shells)

    @property
    def home(self) -> Path:
        """The home."""
        return Path(self.environment["HOME"])

    def types(
        self,
        line: str,
        *,
        status: int = 0,
        then: str = "",
        more: str = "",
        words: Mapping[str, str] = {},
        shell: str = "",
    ) -> str:
        """Run a shown line with what it stands for filled in, and give all that it prints.

        Args:
            line: The line as it is shown.
            status: What it ends with.
            then: Another line of the same shell.
            more: Words behind it.
            words: Words of the line, and what replaces them.
            shell: The shell; by default the one whose turn it is.
        """
        done = subprocess.run(
            [shell or next(self._turns), "-c", f"{self._filled(line, words)} {more}\n{then}"],
            cwd=TOP,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        if re.search(r"Failed to (fetch|download)|error sending request", said):
            pytest.skip("uv cannot reach the package index")
        assert done.returncode == status, f"{line}\n{said}"
        return said

    @contextmanager
    def running(self, line: str, until: str, **environment: str) -> Generator[None]:
        """Keep a line running that stays, from when it has printed some words, until Ctrl-C."""
        self.typed.add(line)
        process = subprocess.Popen(
            [next(self._turns), "-c", line],
            cwd=TOP,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        said = list[str]()
        while not said or until not in said[-1]:
            said.append(process.stdout.readline())
            if not said[-1]:
                process.wait()
                pytest.fail(f"{line}\n{''.join(said)}")
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=30)

    def _filled(self, line: str, words: Mapping[str, str]) -> str:
        self.typed.add(line)
        for word, value in words.items():
            assert word in line, word
            line = line.replace(word, value)
        return line


@contextmanager
def newcomer(home: Path) -> Generator[Newcomer]:
    """Give one; what uv installed for them is removed."""
    cache = subprocess.run([TOP / ".ci/uv", "cache", "dir"], capture_output=True, text=True, check=False)
    if cache.returncode:
        pytest.skip("uv is not on this machine and cannot be brought")
    try:
        yield Newcomer(home, cache.stdout.strip())
    finally:
        shutil.rmtree(home, ignore_errors=True)
