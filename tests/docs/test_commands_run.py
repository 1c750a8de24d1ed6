"""The commands that README and ``docs/`` show run as they stand, in a checkout, as a newcomer types them.

What stands for the reader's own (CLUSTER, NAME, ...) is filled in. The lives of clusters are in
test_cluster_commands_run.py.
"""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from awslabs_dsql_mcp.config.arguments import read_settings
from docs.blocks import TOP, block, commands, line_with
from support.newcomer import Newcomer, newcomer

# What is not run here, and why.
NOT_HERE: Final = {
    ".ci/test": "the tests that this is one of",
    "claude mcp add": "tests/clients/test_client_configs.py runs it",
    "codex mcp add": "likewise",
    " clusters ": "test_cluster_commands_run.py",
    "--overrides": "tests/integration/test_without_lint.py",
    "uv cache clean": "it would empty the cache that tests share",
}
_USAGE: Final = "clusters usage"
_READ: Final = "import psycopg; print(psycopg.connect().execute('SELECT current_user').fetchone())"
_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ID: Final = "abcdefghijklmnopqrstuvwxyz"
_ENDPOINT: Final = "CLUSTER.dsql.us-east-1.on.aws"
LINES: Final = commands()
RUN_LOCAL: Final = "uvx --from 'awslabs-dsql-mcp[local]' awslabs-dsql-mcp local"
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="commands for the shell"),
    pytest.mark.timeout(600),  # uv builds, and perhaps downloads
]


@pytest.fixture
def somebody(tmp_path: Path) -> Iterator[Newcomer]:
    """Gives somebody with an empty home."""
    with newcomer(tmp_path) as one:
        yield one


def test_every_command_is_run_or_has_its_reason(somebody: Newcomer) -> None:
    """One story, since commands need what the ones before them left."""
    demonstrates(somebody)
    installs(somebody)
    with somebody.running(RUN_LOCAL, "Ctrl-C"):
        takes_its_environment(somebody)
        looks_at_the_cluster(somebody)
        takes_the_file_of_two(somebody)
        with somebody.running(line_with("view --local"), "Ctrl-C", BROWSER="true"):  # in place of a real one
            pass
    elsewhere = str(somebody.home / "other")
    with somebody.running(line_with("--conflict-rate"), "Ctrl-C", XDG_DATA_HOME=elsewhere):
        pass
    left = [line for line in LINES if line not in somebody.typed]
    assert [line for line in left if not any(words in line for words in NOT_HERE)] == []
    assert all(any(words in line for line in left) for words in NOT_HERE)


def demonstrates(somebody: Newcomer) -> None:
    """README's first command as it stands; Windows' is the same to a shell that has README's uv."""
    first = line_with("--constraints requirements.txt")
    assert "--quiet" not in first  # so that uv shows what takes its time
    told = somebody.types(first)
    assert "Done. Next, give your MCP client such a server:" in told
    assert "usage:" in somebody.types(line_with('--from ".[local]"'), words={"uv ": ".ci/uv "}, more="--help")


def installs(somebody: Newcomer) -> None:
    """Install, check and remove as README says, and by the other ways of docs/clients.md."""
    written = somebody.home / ".claude.json"
    readme, release = "--from '.[local]'", "uvx awslabs-dsql-mcp@latest"
    on_aws, on_this_machine = "install claude-code --cluster_endpoint", "install claude-code --local"
    assert _ID in somebody.types(line_with(release, on_aws), more="--print", words={"CLUSTER": _ID})
    assert f"{TOP}[local]" in somebody.types(line_with(release, on_this_machine), more="--print")
    assert not written.exists()
    assert "expected your cluster's endpoint" in somebody.types(line_with(readme, on_aws), status=2)
    somebody.types(line_with(readme, on_aws), words={"CLUSTER": _ID})
    assert _ID in written.read_text()
    assert "--allow-writes" not in written.read_text()
    told = somebody.types(line_with(readme, on_this_machine))
    assert f"{TOP}[local]" in written.read_text()
    assert "--allow-writes" in written.read_text()
    assert "doctor --as claude-code" in told
    in_checkout = {"uv ": ".ci/uv "}
    # What one client starts without the network stays, whatever another one needs.
    somebody.types(line_with(readme, on_aws), words={"CLUSTER": _ID, "claude-code": "cursor"})
    assert "[extras: local]" in somebody.types(".ci/uv tool list --show-extras")
    bin_folder = Path(somebody.types(line_with("uv tool dir --bin"), words=in_checkout).strip())
    assert (bin_folder / "awslabs-dsql-mcp").exists()
    somebody.types(line_with("uv tool upgrade"), words=in_checkout)
    checked = somebody.types(line_with(readme, "doctor --as claude-code"))
    assert "As Claude Code starts it" in checked
    assert checked.count("✓") > 5
    somebody.types(line_with(readme, "--uninstall"))
    assert not written.exists()  # nothing else was in it
    somebody.types(line_with("git+https"))
    assert f"[local] @ git+file://{TOP}@" in written.read_text()
    somebody.types(line_with("uv tool uninstall"), words=in_checkout)
    assert not (bin_folder / "awslabs-dsql-mcp").exists()
    somebody.types("awslabs-dsql-mcp install claude-code --uninstall")
    assert not written.exists()


def takes_its_environment(somebody: Newcomer) -> None:
    """What each shell has after ``eval`` is what the later commands start with."""
    then = f"python -c {shlex.quote(_READ)}; env -0"
    told = [somebody.types(line_with("eval "), then=then, shell=shell) for shell in somebody.shells]
    assert all(said.startswith("('admin',)") for said in told)
    pairs = (pair.partition("=") for pair in told[-1].partition("\n")[2].split("\0"))
    somebody.environment |= {name: value for name, _, value in pairs if name.startswith(("AWS_", "PG"))}
    keys = (f"{name.lower()} = {somebody.environment[name]}" for name in _KEYS)
    folder = somebody.home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("\n".join(["[default]", *keys, ""]))


def looks_at_the_cluster(somebody: Newcomer) -> None:
    assert "1 cluster of account" in somebody.types(line_with(_USAGE))
    there = {"15432": somebody.environment["PGPORT"], "CLUSTER": "localhost"}
    assert "Logged in as admin" in somebody.types(line_with("PGPORT=15432"), words=there)
    checked = somebody.types(line_with("@latest doctor"), words={"CLUSTER": "localhost"})
    assert re.search(r"AWS credentials .*, from the shared credentials file", checked), checked
    assert "admin" in somebody.types("awslabs-dsql-mcp roles", more="--local")
    planned = line_with("roles plan agent")
    assert "CREATE ROLE agent" in somebody.types(planned)
    somebody.types("awslabs-dsql-mcp roles plan", more=planned.partition(" plan ")[2])
    assert "jdbc:postgresql://" in somebody.types(line_with("local --for"))
    host = {"ENDPOINT": somebody.environment["PGHOST"]}
    assert "PGHOST=" in somebody.types(line_with("local --env --host"), words=host)
    assert "usage: " in somebody.types(line_with("local --help"))
    somebody.types(line_with("local fail"), words={"create|backup|copy|restore|throttle": "backup"})
    somebody.types(line_with("local sleep"))
    somebody.types(line_with("awslabs-dsql-mcp[parquet]"))  # a server whose client has left


def takes_the_file_of_two(somebody: Newcomer) -> None:
    """README's file stands for each command's cluster, as it is shown."""
    file = somebody.home / "clusters.toml"
    file.write_text(block("README.md", "toml").replace("CLUSTER", _ID))
    own, given = "awslabs-dsql-mcp", f"--config {file}"
    for command in ("clusters", "clusters show", "roles"):
        assert "this is dev, its first. For another: --cluster prod" in somebody.types(
            f"{own} {command} {given}"
        )
        assert "this is" not in somebody.types(f"{own} {command} {given} --cluster dev")
    checked = somebody.types(f"{own} doctor {given}", status=1)  # there is no prod
    assert "prod\n✓ Settings" in checked
    with somebody.running(f"{own} view --no-open {given}", "Ctrl-C"):
        pass
    written = somebody.types(f"{own} install cursor --print {given}")
    assert json.loads(written.partition("}\nawslabs")[0] + "}")["mcpServers"]["aurora-dsql"]["args"][
        -1
    ] == str(file)


@pytest.mark.parametrize("line", [line for line in LINES if " mcp add " in line], ids=lambda line: line[:6])
def test_what_a_client_is_told_to_start_is_taken(line: str) -> None:
    words = shlex.split(line.partition(" -- ")[2])
    assert words[:2] == ["uvx", "awslabs-dsql-mcp@latest"]
    assert read_settings(words[2:], {}, version="").cluster_endpoint == _ENDPOINT
    assert os.linesep not in line
