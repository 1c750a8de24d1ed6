"""The commands that README and ``docs/`` show run as they stand, in a checkout, as a newcomer types them.

A release is not needed: ``uvx`` is a script here that does what docs/clients.md tells readers to do until
there is one. What stands for the reader's own (CLUSTER, NAME, ...) is filled in; commands that change
clusters do so on the account of a local cluster.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from awslabs_dsql_mcp.config.arguments import read_settings
from docs.test_documents import SHOWN, TOP

SHELLS: Final = ("bash", "zsh")
# Long stories are told once: test_shells.py has it that both give a program the same words.
INSTALLS_IN: Final = "bash"
CHANGES_CLUSTERS_IN: Final = "zsh" if shutil.which("zsh") else "bash"
# What is not run here, and why.
NOT_HERE: Final = {
    "--quiet --constraints requirements.txt": "CI runs README's `run` itself",
    ".ci/test": "the tests that this is one of",
    "claude mcp add": "a program of its own: what it is given is read",
    "codex mcp add": "likewise",
}
_UVX: Final = """\
#!/bin/sh
# The rule of docs/clients.md for a checkout.
case "$1" in
  awslabs-dsql-mcp@latest) shift; set -- '.[local]' awslabs-dsql-mcp "$@" ;;
  --from) from=".${2#awslabs-dsql-mcp}"; shift 2; set -- "$from" "$@" ;;
  *) echo "uvx: no rule for $1" >&2; exit 64 ;;
esac
exec .ci/uv tool run --quiet --from "$@"
"""
_READ: Final = "import psycopg; print(psycopg.connect().execute('SELECT current_user').fetchone())"
_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ID: Final = "abcdefghijklmnopqrstuvwxyz"
_ENDPOINT: Final = "CLUSTER.dsql.us-east-1.on.aws"
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="commands for the shell"),
    pytest.mark.timeout(300),  # uv builds, and perhaps downloads
]


def shown() -> list[str]:
    """The command lines, each once."""
    blocks = re.findall(r"^```sh\n(.*?)^```", SHOWN, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    inline = re.findall(r"`(awslabs-dsql-mcp (?:local|clusters|roles|doctor)\b[^`…]*)`", SHOWN)
    return list(dict.fromkeys([*lines, *(" ".join(line.split()) for line in inline)]))


class Newcomer:
    """Somebody with an empty home and a checkout, who types into a shell.

    Attributes:
        shell: The shell.
        environment: What it starts with.
        typed: The commands that were run, as they are shown.
    """

    def __init__(self, shell: str, home: Path, cache: str) -> None:
        programs = home / "programs"
        programs.mkdir()
        (programs / "uvx").write_text(_UVX)
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
        self.shell = shell

    def types(
        self, line: str, *, status: int = 0, then: str = "", more: str = "", words: Mapping[str, str] = {}
    ) -> str:
        """Run a shown line with what it stands for filled in, and give all that it prints.

        Args:
            line: The line as it is shown.
            status: What it ends with.
            then: Another line of the same shell.
            more: Words behind it.
            words: Words of the line, and what replaces them.
        """
        done = subprocess.run(
            [self.shell, "-c", f"{self._filled(line, words)} {more}\n{then}"],
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

    def starts(self, line: str, until: str, **environment: str) -> "subprocess.Popen[str]":
        """Run a line that stays, until it has printed some words."""
        self.typed.add(line)
        process = subprocess.Popen(
            [self.shell, "-c", line],
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
        return process

    def _filled(self, line: str, words: Mapping[str, str]) -> str:
        self.typed.add(line)
        for word, value in words.items():
            assert word in line, word
            line = line.replace(word, value)
        return line


def end(process: "subprocess.Popen[str]") -> None:
    """Press Ctrl-C, and wait for the end."""
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)


@pytest.fixture(scope="module", params=SHELLS)
def newcomer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """Gives one for each shell; what uv installed for them is removed."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not on this machine")
    cache = subprocess.run([TOP / ".ci/uv", "cache", "dir"], capture_output=True, text=True, check=False)
    if cache.returncode:
        pytest.skip("uv is not on this machine and cannot be brought")
    home = tmp_path_factory.mktemp("own")
    yield Newcomer(request.param, home, cache.stdout.strip())
    shutil.rmtree(home, ignore_errors=True)


LINES: Final = shown()
RUN_LOCAL: Final = "uvx --from 'awslabs-dsql-mcp[local]' awslabs-dsql-mcp local"


def line_with(*words: str) -> str:
    """The one line that has these words."""
    found = [line for line in LINES if all(word in line for word in words)]
    assert len(found) == 1, (words, found)
    return found[0]


def test_every_command_is_run_or_has_its_reason(newcomer: Newcomer) -> None:
    """One story, since commands need what the ones before them left."""
    if newcomer.shell == INSTALLS_IN:
        installs(newcomer)
    running = newcomer.starts(RUN_LOCAL, "Ctrl-C")
    try:
        takes_its_environment(newcomer)
        looks_at_the_cluster(newcomer)
        if newcomer.shell == CHANGES_CLUSTERS_IN:
            changes_clusters(newcomer)
    finally:
        end(running)
    elsewhere = str(Path(newcomer.environment["HOME"], "other"))
    end(newcomer.starts(line_with("--conflict-rate"), "Ctrl-C", XDG_DATA_HOME=elsewhere))
    typed = newcomer.typed | {
        *(line for line in LINES if newcomer.shell != INSTALLS_IN and is_of_install(line)),
        *(line for line in LINES if newcomer.shell != CHANGES_CLUSTERS_IN and is_a_change(line)),
    }
    left = [line for line in LINES if line not in typed]
    assert [line for line in left if not any(words in line for words in NOT_HERE)] == []
    assert all(any(words in line for line in left) for words in NOT_HERE)


def is_of_install(line: str) -> bool:
    return " install " in line or "--as " in line


def is_a_change(line: str) -> bool:
    return "clusters " in line and " usage " not in line


def installs(newcomer: Newcomer) -> None:
    written = Path(newcomer.environment["HOME"], ".claude.json")
    on_aws = line_with("install claude-code --cluster_endpoint")
    assert "expected your cluster's endpoint" in newcomer.types(on_aws, status=2)
    newcomer.types(on_aws, words={"CLUSTER": _ID})
    assert _ID in written.read_text()
    newcomer.types(line_with("install claude-code --local --allow-writes"))
    assert "--allow-writes" in written.read_text()
    told = newcomer.types(line_with("--from . awslabs-dsql-mcp install claude-code --local"))
    assert f"{TOP}[local]" in written.read_text()
    assert "doctor --as claude-code" in told
    assert newcomer.types(line_with("doctor --as claude-code")).count("✓") > 5
    newcomer.types(line_with("--uninstall"))
    assert not written.exists()  # nothing else was in it


def takes_its_environment(newcomer: Newcomer) -> None:
    """What the shell has after ``eval`` is what the later commands start with."""
    read = f"python -c {shlex.quote(_READ)}"
    said = newcomer.types(line_with("eval "), then=f"{read}; env -0")
    assert said.startswith("('admin',)")
    pairs = (pair.partition("=") for pair in said.partition("\n")[2].split("\0"))
    newcomer.environment |= {name: value for name, _, value in pairs if name.startswith(("AWS_", "PG"))}
    keys = (f"{name.lower()} = {newcomer.environment[name]}" for name in _KEYS)
    folder = Path(newcomer.environment["HOME"], ".aws")
    folder.mkdir()
    (folder / "credentials").write_text("\n".join(["[default]", *keys, ""]))


def changes_clusters(newcomer: Newcomer) -> None:
    """The life of a cluster, as the page tells it."""
    local = "--local"
    made = newcomer.types(line_with("clusters create"), more=local, words={"NAME": "shop"})
    cluster = _found(made, r"cluster (\w{26})")
    newcomer.types(line_with("clusters pair"), more=local, words={" PAIR ": " orders "})
    kept = newcomer.types(line_with("clusters back-up"), more=local, words={"CLUSTER": cluster})
    for word in ("unprotect", "delete"):
        line = line_with(f"clusters {word}")
        assert "--yes" in newcomer.types(line, status=1, more=local, words={"CLUSTER": cluster})
        newcomer.types(line, more=f"{local} --yes", words={"CLUSTER": cluster})
    point = _found(kept, r"Recovery point: (\S+)\.")
    restored = line_with("clusters restore")
    newcomer.types(restored, more=local, words={"RESTORED": "again", "RECOVERY_POINT_ARN": point})


def looks_at_the_cluster(newcomer: Newcomer) -> None:
    assert "1 cluster of account" in newcomer.types(line_with("clusters usage"))
    there = {"15432": newcomer.environment["PGPORT"], "CLUSTER": "localhost"}
    assert "Logged in as admin" in newcomer.types(line_with("PGPORT=15432"), words=there)
    checked = newcomer.types(line_with("@latest doctor"), words={"CLUSTER": "localhost"})
    assert re.search(r"AWS credentials .*, from the shared credentials file", checked), checked
    for line in ("awslabs-dsql-mcp doctor", "awslabs-dsql-mcp roles"):
        newcomer.types(line, more="--local")
    role = "agent --arn arn:aws:iam::123456789012:role/NAME --level read --schema shop"
    assert role in " ".join(SHOWN.split())
    assert "CREATE ROLE agent" in newcomer.types("awslabs-dsql-mcp roles plan", more=role)


def _found(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


@pytest.mark.parametrize("line", [line for line in LINES if " mcp add " in line], ids=lambda line: line[:6])
def test_what_a_client_is_told_to_start_is_taken(line: str) -> None:
    words = shlex.split(line.partition(" -- ")[2])
    assert words[:2] == ["uvx", "awslabs-dsql-mcp@latest"]
    assert read_settings(words[2:], {}, version="").cluster_endpoint == _ENDPOINT
