"""Table of MCP clients: configuration files, keys and entries.

Checked with the client itself (``tests/clients``): Claude Code, Codex, Gemini CLI, OpenCode, Copilot CLI.
The others follow their documentation, named in each row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from awslabs_dsql_mcp.installer.client_environment import (
    FOR_CREDENTIALS,
    HandsOn,
    codex,
    desktop,
    gemini,
    hands_on_all,
)
from awslabs_dsql_mcp.installer.formats import Format
from awslabs_dsql_mcp.installer.formats.jsonc import JSON
from awslabs_dsql_mcp.installer.formats.toml import TOML
from awslabs_dsql_mcp.installer.formats.yaml import YAML
from awslabs_dsql_mcp.installer.launch import LaunchCommand, ServerEntry, standard
from awslabs_dsql_mcp.installer.merge import with_entry
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths

UserFile = Callable[[PlatformPaths], PurePath]
Shape = Callable[[LaunchCommand, str], ServerEntry]


@dataclass(frozen=True)
class Client:
    """A client and its configuration.

    Attributes:
        name: Name for ``install``.
        title: Product name.
        key: Key of the servers in the file.
        source: Documentation of the format, or the test that found it.
        user: The user's files; the first that exists is used, else the first.
        project: The same in a project's directory; empty if the client has no such file.
        shape: Creates the entry from a launch command and the server's name.
        format: Format of the file.
        note: Advice for the user.
        project_note: Advice for who installs for a project.
        programs: Names of its programs on PATH; empty for one that is not started in a shell.
        hands_on: What of its own environment it gives to servers.
        named: Variables that its entry names, to be given to the server as well.
    """

    name: str
    title: str
    key: str
    source: str
    user: tuple[UserFile, ...]
    project: tuple[str, ...] = ()
    shape: Shape = lambda launch, _: ServerEntry(standard(launch))
    format: Format = JSON
    note: str = ""
    project_note: str = ""
    programs: tuple[str, ...] = ()
    hands_on: HandsOn = hands_on_all
    named: tuple[str, ...] = ()

    @property
    def is_desktop(self) -> bool:
        """True for a client that may be started without a shell, and so without its PATH."""
        return not self.programs

    def advice(self, *, of_project: bool) -> str:
        """Give what a user has to know; of an installation for a project more than of their own."""
        return " ".join(filter(None, (self.note, self.project_note if of_project else "")))


def snippet(client: Client, launch: LaunchCommand, name: str) -> str:
    """Give a client's file with nothing but our entry in it, and the settings that it needs."""
    return with_entry("", client.format, (client.key, name), client.shape(launch, name))


def _with(before: Mapping[str, object], **defaults: object) -> Shape:
    return lambda launch, _: ServerEntry({**before, **standard(launch)}, defaults)


def _codex(launch: LaunchCommand, _: str) -> ServerEntry:
    # Tokens kept of what any tool says; the default of some models, 10,000, cuts an answer of the usual
    # size in its middle (openai/codex, codex-rs/core/src/config; developers.openai.com/codex/config-sample).
    defaults = {"startup_timeout_sec": 30, "env_vars": list(FOR_CREDENTIALS)}
    return ServerEntry(standard(launch), defaults, {"tool_output_token_limit": 25_000})


def _opencode(launch: LaunchCommand, _: str) -> ServerEntry:
    fixed: dict[str, object] = {"type": "local", "command": [launch.command, *launch.args]}
    return ServerEntry(fixed | ({"environment": dict(launch.env)} if launch.env else {}), {"enabled": True})


def _goose(launch: LaunchCommand, name: str) -> ServerEntry:
    fixed: dict[str, object] = {"name": name, "type": "stdio", "cmd": launch.command}
    fixed |= {"args": list(launch.args)} | ({"envs": dict(launch.env)} if launch.env else {})
    return ServerEntry(fixed, {"enabled": True, "timeout": 300})


def _home(path: str) -> UserFile:
    return lambda machine: machine.folder(f"~/{path}")


def _app(path: str) -> UserFile:
    return lambda machine: machine.app_data / path


def _xdg(path: str) -> UserFile:
    return lambda machine: machine.xdg_config / path


def _variable_or(variable: str, otherwise: str, path: str) -> UserFile:
    return lambda machine: machine.from_variable(variable, otherwise) / path


def _on_windows(windows: UserFile, elsewhere: UserFile) -> UserFile:
    return lambda machine: (windows if machine.platform == "win32" else elsewhere)(machine)


CLIENTS: tuple[Client, ...] = (
    Client(
        "claude-code",
        "Claude Code",
        "mcpServers",
        "tests/clients; code.claude.com/docs/en/mcp",
        (_variable_or("CLAUDE_CONFIG_DIR", "~/", ".claude.json"),),
        (".mcp.json",),
        _with({"type": "stdio"}),
        project_note="Of a project's servers, Claude Code asks once whether to trust them.",
        programs=("claude",),
    ),
    Client(
        "claude-desktop",
        "Claude Desktop",
        "mcpServers",
        "modelcontextprotocol.io/docs/develop/connect-local-servers",
        (_app("Claude/claude_desktop_config.json"),),
        note="Quit and start Claude Desktop.",
        hands_on=desktop,
    ),
    Client(
        "cursor",
        "Cursor",
        "mcpServers",
        "cursor.com/docs/context/mcp",
        (_home(".cursor/mcp.json"),),
        (".cursor/mcp.json",),
    ),
    Client(
        "kiro",
        "Kiro IDE and CLI",
        "mcpServers",
        "kiro.dev/docs/mcp/configuration",
        (_home(".kiro/settings/mcp.json"),),
        (".kiro/settings/mcp.json",),
        _with({}, disabled=False, autoApprove=[]),
        note="Names of tools in `autoApprove` run without a question: `readonly_query`, `get_schema`.",
    ),
    Client(
        "vscode",
        "VS Code",
        "servers",
        "code.visualstudio.com/docs/agent-customization/mcp-servers",
        (_app("Code/User/mcp.json"),),
        (".vscode/mcp.json",),
        _with({"type": "stdio"}),
    ),
    Client(
        "codex",
        "Codex",
        "mcp_servers",
        "tests/clients; the repository openai/codex, docs/config.md",
        (_variable_or("CODEX_HOME", "~/.codex", "config.toml"),),
        (".codex/config.toml",),
        _codex,
        TOML,
        note="tool_output_token_limit is for all tools of Codex, and stays when the entry is taken out.",
        project_note="Codex reads a project's file only when it trusts the project.",
        programs=("codex",),
        hands_on=codex,
        named=FOR_CREDENTIALS,
    ),
    Client(
        "gemini",
        "Gemini CLI",
        "mcpServers",
        "tests/clients; the repository google-gemini/gemini-cli, docs/tools/mcp-server.md",
        (_variable_or("GEMINI_CLI_HOME", "~/", ".gemini/settings.json"),),
        (".gemini/settings.json",),
        _with({}, timeout=600_000),  # ms, its default for calls; `gemini mcp list` gives up after 5 s without
        note="Gemini CLI starts servers only in folders that it trusts.",
        programs=("gemini",),
        hands_on=gemini,
    ),
    Client(
        "windsurf",
        "Windsurf",
        "mcpServers",
        "docs.windsurf.com/windsurf/cascade/mcp",
        (_home(".codeium/windsurf/mcp_config.json"),),
    ),
    Client(
        "cline",
        "Cline",
        "mcpServers",
        "docs.cline.bot/mcp/configuring-mcp-servers",
        (_app("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),),
        shape=_with({}, disabled=False),
    ),
    Client(
        "zed",
        "Zed",
        "context_servers",
        "zed.dev/docs/ai/mcp",
        (_on_windows(_app("Zed/settings.json"), _xdg("zed/settings.json")),),
        (".zed/settings.json",),
        _with({"source": "custom"}),
    ),
    Client(
        "warp",
        "Warp",
        "mcpServers",
        "docs.warp.dev/agent-platform/capabilities/mcp",
        (_home(".warp/.mcp.json"),),
        (".warp/.mcp.json",),
    ),
    Client(
        "goose",
        "Goose",
        "extensions",
        "the repository block/goose, documentation/docs/guides/config-files.md",
        (_on_windows(_app("Block/goose/config/config.yaml"), _xdg("goose/config.yaml")),),
        shape=_goose,
        format=YAML,
        programs=("goose",),
    ),
    Client(
        "opencode",
        "OpenCode",
        "mcp",
        "tests/clients; opencode.ai/docs/mcp-servers",
        (_xdg("opencode/opencode.json"), _xdg("opencode/opencode.jsonc")),
        ("opencode.json", "opencode.jsonc"),
        _opencode,
        programs=("opencode",),
    ),
    Client(
        "copilot",
        "GitHub Copilot CLI",
        "mcpServers",
        "tests/clients; docs.github.com/copilot/how-tos/copilot-cli",
        (_variable_or("COPILOT_HOME", "~/.copilot", "mcp-config.json"),),
        (".github/mcp.json",),
        _with({"type": "local"}, tools=["*"]),
        project_note="Copilot CLI reads a project's file only in a folder that it trusts.",
        programs=("copilot",),
    ),
    Client(
        "amazon-q",
        "Amazon Q Developer CLI",
        "mcpServers",
        "docs.aws.amazon.com/amazonq/latest/qdeveloper-ug/command-line-mcp-understanding-config.html",
        (_home(".aws/amazonq/mcp.json"),),
        (".amazonq/mcp.json",),
        programs=("q",),
    ),
    Client(
        "jetbrains",
        "JetBrains Junie",
        "mcpServers",
        "jetbrains.com/help/junie/model-context-protocol-mcp.html",
        (_home(".junie/mcp/mcp.json"),),
        (".junie/mcp/mcp.json",),
        note="JetBrains AI Assistant: paste what --print shows under Settings > Tools > AI Assistant > MCP.",
    ),
)
