"""The commands that README and ``docs/`` show, read by the shells that people have."""

import json
import shlex
import subprocess

import pytest

from docs.blocks import BLOCKS, TOP, line_with, lines
from support.debian import program

GRAMMAR = ("--from", "tree-sitter==0.25.2", "--with", "tree-sitter-powershell==0.26.4")
SHOWN = [line for block in BLOCKS if block.language == "sh" for line in lines(block.text)]


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_gives_programs_the_same_words(shell: str) -> None:
    """What a program is given is what `sh` gives it; an array or a glob of another shell would change it."""
    if program(shell, package=shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    tried = [line for line in SHOWN if not line.startswith("eval ")]  # for sh and its kin alone
    tried.append('x --from "${PWD}[local]"' if shell != "fish" else 'x --from "$PWD"')
    assert len(tried) > 20
    for line in tried:
        assert words(shell, line) == words("sh", line), line


def words(shell: str, line: str) -> list[str]:
    program, _, rest = line.partition(" ")
    done = subprocess.run(
        [shell, "-c", f"printf '%s\\n' {program} {rest}"], capture_output=True, text=True, check=True, cwd="/"
    )
    return done.stdout.splitlines()


def test_powershell_s_grammar_reads_the_same_words() -> None:
    """As the note for Windows says; PowerShell itself is not on this machine."""
    shown = [
        line
        for each in BLOCKS
        if (each.document, each.language) == ("README.md", "sh")
        for line in lines(each.text)
    ]
    tried = [line.removeprefix(".ci/") for line in shown if ".ci/uv" in line]
    tried.append(line_with('--from ".[local]"'))
    assert len(tried) > 5
    bring = [TOP / ".ci/uv", "tool", "run", "--quiet", *GRAMMAR, "python"]
    read = subprocess.run(
        [*bring, TOP / "tests/docs/powershell_words.py"],
        input="".join(f"{line}\n" for line in [*tried, "x {"]),
        capture_output=True,
        text=True,
        check=False,
    )
    if "error sending request" in read.stderr:
        pytest.skip("uv cannot reach the package index")
    assert list(map(json.loads, read.stdout.splitlines())) == [*map(shlex.split, tried), None], read.stderr
