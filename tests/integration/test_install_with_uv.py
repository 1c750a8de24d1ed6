"""From a checkout through uv itself: the entry that is written starts without the network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from mcp import StdioServerParameters

from support.line_client import LEGACY, line_client

TOP = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:1"
NO_NETWORK = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"), NOWHERE)
pytestmark = pytest.mark.timeout(300)  # uv builds and downloads


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user who has uv, and nothing in its cache."""
    home = tmp_path_factory.mktemp("home")
    uv = subprocess.run([TOP / ".ci/uv", "tool", "dir"], capture_output=True, text=True, check=False)
    if uv.returncode:
        pytest.skip("uv is not on this machine and cannot be brought")
    kept = ("AWS_", "DSQL_", "PG", "XDG_", "UV_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    path = f"{TOP / '.uv/bin'}{os.pathsep}{environ['PATH']}"
    return environ | {"HOME": str(home), "PATH": path, "UV_PYTHON": sys.executable}


def run(machine: dict[str, str], *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=machine, cwd=machine["HOME"], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def entry(machine: dict[str, str]) -> dict[str, Any]:
    """Claude Code's entry, by `install` as it runs through uv from a checkout."""
    through_uv = ("tool", "run", "--quiet", "--from", str(TOP), "awslabs-dsql-mcp")
    done = run(machine, TOP / ".ci/uv", *through_uv, "install", "zed", "--local")
    if "request" in done.stderr and done.returncode:
        pytest.skip("uv cannot reach the package index")
    assert done.returncode == 0, done.stderr
    assert f"uv installs {TOP}[local], once" in done.stderr
    file = Path(machine["HOME"], ".config/zed/settings.json")
    return json.loads(file.read_text())["context_servers"]["aurora-dsql"]


def test_the_entry_names_the_checkout_and_the_program_by_its_path(entry: dict[str, Any]) -> None:
    assert Path(entry["command"]).is_absolute()
    assert entry["args"] == ["--from", f"{TOP}[local]", "awslabs-dsql-mcp", "--local"]


async def test_it_starts_without_the_network(machine: dict[str, str], entry: dict[str, Any]) -> None:
    offline = {**machine, **NO_NETWORK}
    async with line_client(
        StdioServerParameters(
            command=entry["command"], args=[*entry["args"], "--local-data", "x"], env=offline
        ),
        LEGACY,
        {},
    ) as client:
        assert (await client.ask("tools/list"))["result"]["tools"]


def test_a_checkout_is_built_anew_when_it_has_changed(machine: dict[str, str], tmp_path: Path) -> None:
    """As by ``git pull``: by default uv looks at pyproject.toml alone, and starts what it built before."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TOP / "src", tmp_path / "src", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(TOP / name, tmp_path)
    command = (TOP / ".ci/uv", "tool", "run", "--quiet", "--from", tmp_path, "awslabs-dsql-mcp", "--version")
    first = run(machine, *command)
    if "request" in first.stderr and first.returncode:
        pytest.skip("uv cannot reach the package index")
    module = tmp_path / "src/awslabs_dsql_mcp/__init__.py"
    module.write_text(module.read_text().replace(first.stdout.strip(), "99.9"))
    assert run(machine, *command).stdout.strip() == "99.9"


def test_uv_looks_at_every_kind_of_file_of_the_package() -> None:
    project = tomlkit.parse((TOP / "pyproject.toml").read_text()).unwrap()
    watched = {Path(key["file"]).suffix for key in project["tool"]["uv"]["cache-keys"]}
    listed = subprocess.run(["git", "ls-files", "src"], cwd=TOP, capture_output=True, text=True, check=True)
    kinds = {Path(name).suffix for name in listed.stdout.split()} - {".typed"}  # which is empty
    assert kinds == watched - {".toml"}


def test_a_source_that_uv_cannot_install_is_told_and_nothing_is_written(machine: dict[str, str]) -> None:
    source = Path(machine["HOME"], "no-project")
    source.mkdir()
    flags = ("install", "cursor", "--local", "--from", str(source))
    done = run(machine, sys.executable, "-m", "awslabs_dsql_mcp", *flags)
    assert done.returncode == 1
    assert "Nothing was written: uv could not install" in done.stderr
    assert "--from SOURCE" in done.stderr
    assert not Path(machine["HOME"], ".cursor").exists()
