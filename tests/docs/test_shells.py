"""The commands that README and ``docs/`` show, read by the shells that people have."""

import subprocess

import pytest

from docs.blocks import BLOCKS, lines
from support.debian import program

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
