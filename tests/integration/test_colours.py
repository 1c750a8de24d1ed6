"""Colours and signs of progress: on a terminal that shows them, and nowhere else."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.pseudo_terminal import at_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal")
COLOUR = re.compile(r"\x1b\[\d+m")
GREEN, RED, YELLOW, BOLD = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[1m"


def command(words: Sequence[str], **environment: str) -> list[str]:
    """The command as a terminal runs it, with these variables and none other that decides about colours."""
    ours = {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment}
    given = [f"{name}={value}" for name, value in ours.items()]
    without = [word for name in ("NO_COLOR", "FORCE_COLOR") for word in ("-u", name)]
    return ["env", *without, *given, sys.executable, "-m", "awslabs_dsql_mcp", *words]


@pytest.fixture
def doctor(cluster_folder: Path, cluster: object) -> list[str]:
    """A doctor that finds all well, but for a documentation server that is not there."""
    assert cluster
    where = ["--local", "--local-data", str(cluster_folder)]
    return ["doctor", *where, "--knowledge-server", "http://127.0.0.1:9/"]


def test_the_doctor_shows_what_it_does_and_colours_what_it_found(doctor: list[str]) -> None:
    seen = at_terminal(command(doctor)).text
    assert re.search(r"\r[|/\\-] Login … ", seen)
    assert f"{GREEN}✓\x1b[0m Login" in seen
    assert re.search(rf"{re.escape(YELLOW)}! \w[\w -]+\x1b\[0m", seen)
    last = seen.rstrip().splitlines()[-1]
    assert last.startswith(GREEN)
    left = [re.sub(r".*\r(?:\x1b\[K)?", "", line) for line in seen.split("\n")]  # what the screen keeps
    assert [line for line in left if " … " in COLOUR.sub("", line)] == []


def test_a_sign_that_turns_stays_on_one_line_of_a_narrow_terminal(doctor: list[str]) -> None:
    seen = at_terminal(command(doctor, COLUMNS="12")).text
    assert "\r| Local Pos\r" in seen
    assert max(len(part) for part in re.findall(r"\r([|/\\-] [^\r\x1b]*)", seen)) < 12


def test_what_fails_is_red() -> None:
    seen = at_terminal(command(["doctor", "--cluster_endpoint", "https://x"]))
    assert seen.status == 1
    assert f"{RED}✗ Settings\x1b[0m" in seen.text
    assert seen.text.rstrip().splitlines()[-1].startswith(RED)


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_who_wants_no_colours_gets_none(doctor: list[str], plain: dict[str, str]) -> None:
    seen = at_terminal(command(doctor, **plain)).text
    assert "✓ Login" in seen
    assert not COLOUR.search(seen)
    assert ("\x1b" in seen) is ("TERM" not in plain)  # the sign that turns has no colour


def test_a_client_s_environment_does_not_decide_for_who_looks(tmp_path: Path) -> None:
    """Codex hands on no NO_COLOR; the doctor that looks as Codex does has a reader of its own."""
    (tmp_path / ".codex").mkdir()
    entry = 'command = "awslabs-dsql-mcp"\nargs = ["--cluster_endpoint", "https://x"]\n'
    (tmp_path / ".codex/config.toml").write_text(f"[mcp_servers.aurora-dsql]\n{entry}")
    words = ["doctor", "--as", "codex"]
    assert RED in at_terminal(command(words, HOME=str(tmp_path))).text
    seen = at_terminal(command(words, HOME=str(tmp_path), NO_COLOR="1")).text
    assert "✗ Settings" in seen
    assert not COLOUR.search(seen)


def test_install_colours_what_comes_and_what_goes(tmp_path: Path) -> None:
    words = ["install", "cursor", "--installed", "--local"]
    seen = at_terminal(command(words, HOME=str(tmp_path))).text
    assert f'{GREEN}+    "aurora-dsql": {{\x1b[0m' in seen
    seen = at_terminal(command([*words[:2], "--uninstall"], HOME=str(tmp_path))).text
    assert f'{RED}-    "aurora-dsql": {{\x1b[0m' in seen
    assert f"{BOLD}--- {tmp_path}/.cursor/mcp.json\x1b[0m" in seen


def test_a_file_gets_no_colours_unless_they_are_forced(tmp_path: Path) -> None:
    words = ["install", "cursor", "--installed", "--local"]
    assert not COLOUR.search(piped(command(words, HOME=str(tmp_path))))
    assert COLOUR.search(piped(command([*words, "--allow-writes"], HOME=str(tmp_path), FORCE_COLOR="1")))
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert not COLOUR.search(piped(command([*words[:2], "--uninstall"], HOME=str(tmp_path), **both)))


def piped(words: Sequence[str]) -> str:
    """What is printed into a pipe."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_the_demo_turns_a_sign_while_it_starts_and_ends_on_ctrl_c() -> None:
    seen = at_terminal(command(["demo"]), ("  tools: ", "\x03"))
    assert re.search(r"\r[|/\\-] Starting a server", seen.text)
    assert f"{BOLD}A server on a local cluster" in seen.text
    assert "Traceback" not in seen.text
    assert seen.status == 130
