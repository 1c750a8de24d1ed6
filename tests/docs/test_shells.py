"""The commands that README and ``docs/`` show, read by the shells that people have."""

import re
import shutil
import subprocess

import pytest

from docs.test_documents import SHOWN

BLOCKS = re.findall(r"^```sh\n(.*?)^```", SHOWN, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_gives_programs_the_same_words(shell: str) -> None:
    """What a program is given is what `sh` gives it; an array or a glob of another shell would change it."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    lines = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("eval ")]  # for sh and its kin alone
    lines.append('x --from "${PWD}[local]"' if shell != "fish" else 'x --from "$PWD"')
    assert len(lines) > 5
    for line in lines:
        assert words(shell, line) == words("sh", line), line


def words(shell: str, line: str) -> list[str]:
    program, _, rest = line.partition(" ")
    done = subprocess.run(
        [shell, "-c", f"printf '%s\\n' {program} {rest}"], capture_output=True, text=True, check=True, cwd="/"
    )
    return done.stdout.splitlines()
