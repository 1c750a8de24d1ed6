"""Real clients take what ``install`` wrote: no login, no model, no network."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from docs.blocks import line_with

Run = Callable[..., str]
Install = Callable[[str], str]
TOOLS = {
    "readonly_query",
    "transact",
    "get_schema",
    "explain_query",
    "dsql_search_documentation",
    "dsql_read_documentation",
    "dsql_recommend",
}
pytestmark = pytest.mark.timeout(400)  # the first test brings the clients


def test_claude_code_connects(programs: Path, run: Run, install: Install) -> None:
    install("claude-code")
    assert "✔ Connected" in run(programs / "claude", "mcp", "list")


@pytest.mark.parametrize("client", ["claude", "codex"])
def test_a_client_s_own_command_adds_the_server_as_shown(programs: Path, run: Run, client: str) -> None:
    line = line_with(f"{client} mcp add ")
    run(programs / client, *shlex.split(line)[1:])
    told = run(programs / client, "mcp", "get", "aurora-dsql")
    assert " ".join([field(told, "command"), field(told, "args")]) == " ".join(shlex.split(line)[-6:])
    assert "AWS_PROFILE" in told


def field(told: str, name: str) -> str:
    """What a client shows as a field of a server."""
    (found,) = re.findall(rf"^\s*{name}: (.*)$", told, re.MULTILINE | re.IGNORECASE)
    return found


def test_gemini_cli_connects(programs: Path, run: Run, install: Install, tmp_path: Path) -> None:
    install("gemini")
    trusted = {str(tmp_path / "project"): "TRUST_FOLDER"}
    (tmp_path / ".gemini/trustedFolders.json").write_text(json.dumps(trusted))
    assert "✓ aurora-dsql" in run(programs / "gemini", "mcp", "list")


def test_opencode_connects(programs: Path, run: Run, install: Install) -> None:
    install("opencode")
    assert "✓ aurora-dsql" in run(programs / "opencode", "mcp", "list")


def test_copilot_cli_reads_it(programs: Path, run: Run, install: Install) -> None:
    install("copilot")
    told = run(programs / "copilot", "mcp", "get", "aurora-dsql")
    assert "Status: Enabled" in told
    assert "Tools: * (all)" in told


def test_codex_lists_every_tool(
    programs: Path, install: Install, environment: dict[str, str], tmp_path: Path
) -> None:
    install("codex")
    with speaking(programs / "codex", environment, tmp_path) as ask:
        ask("initialize", {"clientInfo": {"name": "t", "title": "t", "version": "1"}})
        (server,) = ask("mcpServerStatus/list", {})["data"]
    assert server["name"] == "aurora-dsql"
    assert server["tools"].keys() >= TOOLS


@contextmanager
def speaking(codex: Path, environment: dict[str, str], folder: Path) -> Generator[Callable[..., Any]]:
    """Speak JSON-RPC to Codex's app server."""
    command, pipe = [codex, "app-server"], subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, cwd=folder, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        to, back = server.stdin, server.stdout

        def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
            print(json.dumps({"id": method, "method": method, "params": params}), file=to, flush=True)
            return answer(back, method)

        yield ask
        to.close()


def answer(lines: IO[str], number: str) -> dict[str, Any]:
    """Read on to the answer of a request."""
    reply = next(found for line in lines if (found := json.loads(line)).get("id") == number)
    return reply["result"]
