"""The commands as a user types them: help, words that are nearly right, and what is not installed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.help import GROUPS, command_names
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.installer.clients import CLIENTS
from conftest import server

CLIENT_NAMES = ", ".join(client.name for client in CLIENTS)
WIDTH = 81  # columns, and one


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    start = server(*words, **environment)
    return subprocess.run(
        [start.command, *start.args],
        env=start.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_groups_all_commands_and_options() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(option.name for option in OPTIONS)
    for words in (["--help"], ["-h"], ["help"], ["serve", "--help"]):
        done = run(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert max(map(len, done.stdout.splitlines())) < WIDTH
        assert all(f"\n  {name} " in done.stdout for name in command_names())
        assert all(f"\n  {option.flag}" in done.stdout for option in OPTIONS)


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("install", "usage: awslabs-dsql-mcp install"),
        ("doctor", "usage: awslabs-dsql-mcp doctor"),
        ("local", "usage: awslabs-dsql-mcp local"),
        ("allow-writes", "every tool only\n  reads. Environment: DSQL_ALLOW_WRITES."),
        ("--local", "Environment: DSQL_LOCAL."),
        ("time", "--retry-delay, --retry_delay s"),
    ],
)
def test_help_tells_of_a_topic(topic: str, says: str) -> None:
    done = run("help", topic)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["demos"], "demos: unknown command, expected demo?"),
        (["uninstall", "cursor"], "uninstall: unknown command, expected install CLIENT --uninstall?"),
        (["start"], "start: unknown command, expected serve?"),
        (["--foo"], "--foo: unknown flag, see --help"),
        (["serve", "--alow-writes"], "--alow-writes: unknown flag, expected --allow-writes?"),
        ([""], "'': unknown command, see --help"),
        (["install", "cursor", "uninstall"], "uninstall: unknown argument, expected --uninstall?"),
        (
            ["local", "--env", "--format"],
            "--format: got nothing, expected sh or fish or powershell or dotenv or json",
        ),
        (["clusters", "delete"], "CLUSTER: got nothing, see --help"),
        (["local", "--prot", "1"], "--prot: unknown flag, expected --port?"),
        (["clusters", "--dayz", "3", "usage"], "--dayz: unknown flag, expected --days?"),
        (["help", "tiem"], "help: got 'tiem', expected time?"),
        (
            ["help", "qqq"],
            "help: got 'qqq', expected a command, an option or a group of options, as `help` lists them",
        ),
        (["x" * 5_000], f"{'x' * 80}… unknown command, see --help"),
        (["install", "x" * 5_000 + " y"], f"CLIENT: got '{'x' * 79}… y', expected one of {CLIENT_NAMES}"),
        (
            ["--load-dir", "/nowhere/at-all"],
            "--load-dir: got '/nowhere/at-all', expected a directory that exists",
        ),
    ],
)
def test_a_word_that_is_nearly_right_is_told(words: list[str], says: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"awslabs-dsql-mcp: {says}\n"


@pytest.mark.parametrize("words", [["demo"], ["doctor", "--local"]], ids=" ".join)
def test_an_output_without_arrows_and_dots_is_written_with_question_marks(
    words: list[str], tmp_path: Path
) -> None:
    done = run(*words, PYTHONIOENCODING="ascii", HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "?" in done.stdout


def test_serve_is_what_is_done_without_a_command() -> None:
    for words in ([], ["serve"]):
        done = run(*words, "--log-level", "INFO", "--max-rows", "7")
        assert done.returncode == 0
        assert "started" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="another search path")
@pytest.mark.parametrize(
    "words",
    [
        ["demo"],
        ["local"],
        ["local", "token"],
        ["local", "--env"],
        ["clusters", "list", "--local"],
        ["roles", "list", "--local"],
    ],
    ids=" ".join,
)
def test_without_the_extra_a_command_says_so_in_two_lines(tmp_path: Path, words: list[str]) -> None:
    hide = (
        "import sys\nfor name in ('psutil', 'platformdirs', 'cryptography'):\n    sys.modules[name] = None\n"
    )
    (tmp_path / "sitecustomize.py").write_text(hide)
    done = run(*words, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    problem, remedy = done.stderr.splitlines()
    assert problem.startswith(f"awslabs-dsql-mcp {words[0]}: The extra `local` is incomplete: cryptography")
    assert "awslabs-dsql-mcp[local]" in remedy


def test_the_demonstration_calls_each_tool_and_ends_with_what_to_do_next() -> None:
    done = run("demo", PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr.splitlines()[1:]) == (0, [])
    assert done.stderr.startswith("Starting a server")
    tools = done.stdout.partition("  tools: ")[2].splitlines()[0].split(", ")
    assert len(tools) > 12
    assert [tool for tool in tools if f"\n→ {tool} " not in done.stdout] == []
    assert "What costs, estimated" in done.stdout
    command = re.search(
        r"^  (\S.*?) install claude-code --local", done.stdout.partition("\nDone. Next")[2], re.MULTILINE
    )
    assert command
    shown = subprocess.run(
        [*shlex.split(command[1]), "--version"], env=server().env, capture_output=True, text=True, check=False
    )
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"{__version__}\n", "")
    headings = [line for line in done.stdout.splitlines() if line.endswith(":") and line[0] not in " →"]
    assert len(headings) >= 3
    assert [line for line in headings[1:] if f"\n\n{line}\n" not in done.stdout] == []
    assert "\x1b" not in done.stdout
