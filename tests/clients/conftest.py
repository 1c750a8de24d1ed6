"""Clients from npm, in a folder of their own, and a home that only ``install`` has written to."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.daemon.file_lock import locked

Run = Callable[..., str]
TOP = Path(__file__).parents[2]
CACHE = Path(os.environ.get("DSQL_TEST_CLIENTS", TOP / ".clients"))
# All but the conformance suite run on Node.js 20; what they print is what the tests read.
PACKAGES = (
    "@anthropic-ai/claude-code@2.1.197",
    "@openai/codex@0.169.0",
    "@google/gemini-cli@0.61.0",
    "opencode-ai@1.18.33",
    "@github/copilot@1.0.102",
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/inspector@0.15.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@anthropic-ai/mcpb@2.1.2",
)
_NODE = (22, "22.23.3")  # what the conformance suite needs at least, and what is brought if there is less
_MAX_INSTALLING = 380  # seconds; below the timeout of the tests that may have to wait
# Install scripts are off; these two put a native program in its place.
_SETUPS = ("@anthropic-ai/claude-code/install.cjs", "opencode-ai/postinstall.mjs")


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of the clients' programs; without npm or its registry the tests are skipped."""
    if not shutil.which("npm"):
        pytest.skip("no npm on this machine: clients not tried")
    modules, done = CACHE / "node_modules", CACHE / "installed"
    packages = PACKAGES if _has_node() else (*PACKAGES, f"{_node_package()}@{_NODE[1]}")
    wanted = "\n".join(packages)
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "lock", timeout=_MAX_INSTALLING):  # one worker brings them for all
        if not done.exists() or done.read_text() != wanted:
            _bring(packages, modules)
            done.write_text(wanted)
    return modules / ".bin"


def _bring(packages: Sequence[str], modules: Path) -> None:
    """Install packages from npm, or skip the test."""
    (CACHE / "package.json").write_text('{"private": true}')
    flags = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefix", str(CACHE))
    made = subprocess.run(["npm", "install", *flags, *packages], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"npm could not install the clients: {made.stderr[-200:]}")
    for script in _SETUPS:
        subprocess.run(["node", modules / script], check=True, capture_output=True)


@pytest.fixture(scope="session")
def node(programs: Path) -> Path:
    """A Node.js that is new enough for all."""
    return Path("node") if _has_node() else programs.parent / _node_package() / "bin" / "node"


def _has_node() -> bool:
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)", done.stdout)
    return version is not None and int(version[1]) >= _NODE[0]


def _node_package() -> str:
    """Name npm's package of Node.js itself for this machine."""
    system = platform.system().lower().replace("windows", "win")
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
    return f"node-{system}-{machine.get(platform.machine().lower(), platform.machine().lower())}"


@pytest.fixture(scope="session")
def home_environment() -> dict[str, str]:
    """This machine's environment without a home: only the way to programs."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NO_COLOR": "1"}


@pytest.fixture
def environment(tmp_path: Path, home_environment: dict[str, str]) -> dict[str, str]:
    """A home of the test's own, and of this machine's environment only the way to programs."""
    (tmp_path / "project").mkdir()
    return {"HOME": str(tmp_path), **home_environment}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs a program in the project folder of that home, and gives what it prints."""

    def run_there(*command: str | Path) -> str:
        done = subprocess.run(
            command,
            cwd=tmp_path / "project",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run_there


@pytest.fixture
def install(run: Run, tmp_path: Path) -> Callable[[str], str]:
    """Installs the server, on a cluster that nothing connects to before a query, into a client."""

    def install_into(client: str) -> str:
        flags = ("--installed", "--local", "--local-data", str(tmp_path / "data"))
        return run(sys.executable, "-m", "awslabs_dsql_mcp", "install", client, *flags)

    return install_into
