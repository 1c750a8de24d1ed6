"""The agents: how each is configured for a server and a stand-in model, and started for one prompt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import tomlkit
from mcp import StdioServerParameters

_PROMPT = "Call the tools."


@dataclass(frozen=True)
class Start:
    """The start of an agent.

    Attributes:
        program: The program, in the folder of programs.
        arguments: Its arguments.
        environment: What its environment has besides.
    """

    program: str
    arguments: Sequence[str | Path]
    environment: Mapping[str, str]


class Agent(Protocol):
    """Writes an agent's configuration into a home, and says how to start it."""

    def __call__(self, home: Path, server: StdioServerParameters, model: str) -> Start: ...


def claude_code(home: Path, server: StdioServerParameters, model: str) -> Start:
    """Claude Code; without the search of tools, by which its model would have to find ours first."""
    config = _write(home / "mcp.json", {"mcpServers": {"dsql": _entry(server)}})
    flags = (
        "--mcp-config",
        config,
        "--strict-mcp-config",
        "--allowedTools",
        "mcp__dsql",
        "--model",
        "sonnet",
    )
    _write(home / ".claude/settings.json", {"hooks": {"Elicitation": [{"hooks": [_hook()]}]}})
    environment = {
        "ANTHROPIC_BASE_URL": model,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ENABLE_TOOL_SEARCH": "false",
        "MCP_TIMEOUT": "60000",
    }
    return Start("claude", ("-p", _PROMPT, *flags), environment)


def codex(home: Path, server: StdioServerParameters, model: str) -> Start:
    """Codex."""
    provider = {"name": "none", "base_url": f"{model}/v1", "wire_api": "responses"}
    settings: dict[str, Any] = {
        "model": "gpt-5",
        "model_provider": "none",
        "approval_policy": "never",
        "model_providers": {"none": provider},
        "mcp_servers": {
            "dsql": _entry(server) | {"default_tools_approval_mode": "approve", "required": True}
        },
    }
    (home / ".codex").mkdir()
    (home / ".codex/config.toml").write_text(tomlkit.dumps(settings))
    return Start("codex", ("exec", "--skip-git-repo-check", _PROMPT), {})


def opencode(home: Path, server: StdioServerParameters, model: str) -> Start:
    """OpenCode."""
    options = {"baseURL": f"{model}/v1", "apiKey": "none"}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"m": {"name": "m"}}}
    command = [server.command, *server.args]
    entry = {"type": "local", "command": command, "environment": server.env, "enabled": True}
    settings = {
        "provider": {"none": provider},
        "model": "none/m",
        "mcp": {"dsql": entry},
        "autoupdate": False,
    }
    _write(home / "project/opencode.json", settings)
    return Start("opencode", ("run", _PROMPT), {"OPENCODE_DISABLE_MODELS_FETCH": "1"})


def gemini_cli(home: Path, server: StdioServerParameters, model: str) -> Start:
    """Gemini CLI."""
    settings = {
        "mcpServers": {"dsql": _entry(server) | {"trust": True}},
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "telemetry": {"enabled": False},
        "privacy": {"usageStatisticsEnabled": False},
    }
    _write(home / ".gemini/settings.json", settings)
    _write(home / ".gemini/trustedFolders.json", {str(home / "project"): "TRUST_FOLDER"})
    environment = {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": model}
    flags = ("--approval-mode", "yolo", "-m", "gemini-2.5-pro")
    return Start("gemini", (*flags, "-p", _PROMPT), environment)


def _hook() -> dict[str, str]:
    """A hook of Claude Code that answers for the user: it accepts only what changes ``shop.dropped``."""
    accept, decline = (
        json.dumps({"hookSpecificOutput": {"hookEventName": "Elicitation", **answer}})
        for answer in ({"action": "accept", "content": {"run": True}}, {"action": "decline"})
    )
    choice = f"if grep -q shop.dropped; then echo '{accept}'; else echo '{decline}'; fi"
    return {"type": "command", "command": choice}


def _entry(server: StdioServerParameters) -> dict[str, Any]:
    return {"command": server.command, "args": server.args, "env": server.env}


def _write(file: Path, settings: Mapping[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings))
    return file
