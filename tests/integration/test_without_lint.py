"""An installation without AWS's dsql-lint, as on musl, for which that has no wheel."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from support.client_helpers import call

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/troubleshooting.md").read_text(encoding="utf-8")
MUSL = (
    "--python-platform",
    "x86_64-unknown-linux-musl",
    "--python-version",
    "3.12",
    "--only-binary",
    ":all:",
)
pytestmark = pytest.mark.timeout(300)  # uv installs


@pytest.fixture(scope="module")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the page has its readers write."""
    line = re.search(r'echo "(dsql-lint;.*)" > without-lint\.txt', " ".join(PAGE.split()))
    assert line
    file = tmp_path_factory.mktemp("own") / "without-lint.txt"
    file.write_text(line[1] + "\n")
    return file


def uv(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([TOP / ".ci/uv", *words], cwd=TOP, capture_output=True, text=True, check=False)
    if re.search(r"Failed to (fetch|download)|error sending request", done.stderr):
        pytest.skip("uv cannot reach the package index")
    return done


def test_with_the_override_all_that_is_needed_has_a_wheel_for_musl(overrides: Path) -> None:
    resolve = ("pip", "compile", "--quiet", *MUSL, "pyproject.toml")
    without = uv(*resolve)
    assert without.returncode
    assert "dsql-lint" in without.stderr
    assert uv(*resolve, "--override", overrides).returncode == 0


@pytest.fixture(scope="module")
def installed(overrides: Path) -> StdioServerParameters:
    """A server so installed, where a dsql-lint of the tests' is not found either."""
    venv = overrides.parent / "venv"
    assert uv("venv", "--quiet", "--python", sys.executable, venv).returncode == 0
    pinned = ("--constraints", "requirements.txt", "--override", overrides)
    made = uv("pip", "install", "--quiet", "--python", venv, *pinned, ".")
    assert made.returncode == 0, made.stderr
    program = venv / ("Scripts" if sys.platform == "win32" else "bin") / "awslabs-dsql-mcp"
    path = os.pathsep.join(["/usr/bin", "/bin"])
    environment = {"PATH": path, "HOME": str(overrides.parent)}
    return StdioServerParameters(command=str(program), args=[], env=environment)


async def test_it_starts_and_lints_and_says_what_is_missing(installed: StdioServerParameters) -> None:
    async with Client(installed) as client:
        told = (await call(client, "dsql_lint", sql="CREATE TABLE t (id serial PRIMARY KEY)")).text
    assert "serial" in told
    assert "dsql-lint is not installed" in told


def test_the_doctor_says_what_is_missing(installed: StdioServerParameters) -> None:
    command = [installed.command, "doctor", "--local"]
    checked = subprocess.run(command, env=installed.env, capture_output=True, text=True, check=False)
    assert re.search(r"! dsql-lint .*Not installed", checked.stdout), checked.stdout
