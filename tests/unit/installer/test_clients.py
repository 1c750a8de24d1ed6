"""Where each client keeps its file, on each platform, and what stands in it."""

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from awslabs_dsql_mcp.installer.clients import CLIENTS, Client, snippet
from awslabs_dsql_mcp.installer.launch import LaunchCommand, is_ours
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths

LINUX = PlatformPaths("linux", {}, "/home/u")
MACOS = PlatformPaths("darwin", {}, "/Users/u")
WINDOWS = PlatformPaths("win32", {"APPDATA": r"C:\Users\u\AppData\Roaming"}, r"C:\Users\u")
BY_NAME = {client.name: client for client in CLIENTS}
ROAMING = r"C:\Users\u\AppData\Roaming"
SUPPORT = "/Users/u/Library/Application Support"
CLINE = "Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"

# client: Linux, macOS, Windows
USER_FILES = {
    "claude-code": ("/home/u/.claude.json", "/Users/u/.claude.json", r"C:\Users\u\.claude.json"),
    "claude-desktop": (
        "/home/u/.config/Claude/claude_desktop_config.json",
        f"{SUPPORT}/Claude/claude_desktop_config.json",
        rf"{ROAMING}\Claude\claude_desktop_config.json",
    ),
    "cursor": ("/home/u/.cursor/mcp.json", "/Users/u/.cursor/mcp.json", r"C:\Users\u\.cursor\mcp.json"),
    "kiro": (
        "/home/u/.kiro/settings/mcp.json",
        "/Users/u/.kiro/settings/mcp.json",
        r"C:\Users\u\.kiro\settings\mcp.json",
    ),
    "vscode": (
        "/home/u/.config/Code/User/mcp.json",
        f"{SUPPORT}/Code/User/mcp.json",
        rf"{ROAMING}\Code\User\mcp.json",
    ),
    "codex": ("/home/u/.codex/config.toml", "/Users/u/.codex/config.toml", r"C:\Users\u\.codex\config.toml"),
    "gemini": (
        "/home/u/.gemini/settings.json",
        "/Users/u/.gemini/settings.json",
        r"C:\Users\u\.gemini\settings.json",
    ),
    "windsurf": (
        "/home/u/.codeium/windsurf/mcp_config.json",
        "/Users/u/.codeium/windsurf/mcp_config.json",
        r"C:\Users\u\.codeium\windsurf\mcp_config.json",
    ),
    "cline": (f"/home/u/.config/{CLINE}", f"{SUPPORT}/{CLINE}", str(PureWindowsPath(ROAMING, CLINE))),
    "zed": (
        "/home/u/.config/zed/settings.json",
        "/Users/u/.config/zed/settings.json",
        rf"{ROAMING}\Zed\settings.json",
    ),
    "warp": ("/home/u/.warp/.mcp.json", "/Users/u/.warp/.mcp.json", r"C:\Users\u\.warp\.mcp.json"),
    "goose": (
        "/home/u/.config/goose/config.yaml",
        "/Users/u/.config/goose/config.yaml",
        rf"{ROAMING}\Block\goose\config\config.yaml",
    ),
    "opencode": (
        "/home/u/.config/opencode/opencode.json",
        "/Users/u/.config/opencode/opencode.json",
        r"C:\Users\u\.config\opencode\opencode.json",
    ),
    "copilot": (
        "/home/u/.copilot/mcp-config.json",
        "/Users/u/.copilot/mcp-config.json",
        r"C:\Users\u\.copilot\mcp-config.json",
    ),
    "amazon-q": (
        "/home/u/.aws/amazonq/mcp.json",
        "/Users/u/.aws/amazonq/mcp.json",
        r"C:\Users\u\.aws\amazonq\mcp.json",
    ),
    "jetbrains": (
        "/home/u/.junie/mcp/mcp.json",
        "/Users/u/.junie/mcp/mcp.json",
        r"C:\Users\u\.junie\mcp\mcp.json",
    ),
}


def test_every_client_is_tabled() -> None:
    assert USER_FILES.keys() == BY_NAME.keys()


@pytest.mark.parametrize("name", USER_FILES)
def test_the_user_s_file_on_each_platform(name: str) -> None:
    find = BY_NAME[name].user[0]
    linux, macos, windows = USER_FILES[name]
    assert find(LINUX) == PurePosixPath(linux)
    assert find(MACOS) == PurePosixPath(macos)
    assert find(WINDOWS) == PureWindowsPath(windows)


@pytest.mark.parametrize(
    ("name", "variable", "file"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "/x/.claude.json"),
        ("codex", "CODEX_HOME", "/x/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "/x/.gemini/settings.json"),
        ("copilot", "COPILOT_HOME", "/x/mcp-config.json"),
        ("opencode", "XDG_CONFIG_HOME", "/x/opencode/opencode.json"),
        ("claude-desktop", "XDG_CONFIG_HOME", "/x/Claude/claude_desktop_config.json"),
    ],
)
def test_a_variable_moves_the_file(name: str, variable: str, file: str) -> None:
    assert BY_NAME[name].user[0](PlatformPaths("linux", {variable: "/x"}, "/home/u")) == PurePosixPath(file)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_an_entry_says_all_of_the_launch(client: Client) -> None:
    launch = LaunchCommand(
        "uvx", ("awslabs-dsql-mcp@latest", "--region", "us-east-1"), {"AWS_PROFILE": "p q"}
    )
    servers: Any = client.format.read(snippet(client, launch, "n"))[client.key]
    assert is_ours(servers["n"])
    assert all(word in str(servers["n"]) for word in ("uvx", *launch.args, "AWS_PROFILE", "p q"))
