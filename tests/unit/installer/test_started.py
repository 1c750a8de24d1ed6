"""The server as each client starts it: its entry, with what the client hands on."""

from pathlib import Path

import pytest

from awslabs_dsql_mcp.cli import main
from awslabs_dsql_mcp.installer.clients import CLIENTS, Client
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.installer.started import Started, started_by
from awslabs_dsql_mcp.option_parser import SettingsError

CLUSTER = ("--cluster_endpoint", "abc.dsql.eu-west-1.on.aws")
SHELL = {
    "HOME": "/home/u",
    "PATH": "/usr/bin",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SHARED_CREDENTIALS_FILE": "/x",
    "AWS_REGION": "eu-west-1",
    "PGHOSTADDR": "127.0.0.1",
    "HTTPS_PROXY": "http://u:p@proxy:1",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def started(home: Path, *argv: str) -> Started:
    return started_by(argv, PlatformPaths("linux", SHELL | {"HOME": str(home)}, str(home)), home)


def test_the_entry_s_flags_and_variables_are_used(home: Path) -> None:
    main(["install", "cursor", *CLUSTER, "--profile", "prod", "--allow-writes"])
    found = started(home, "--as", "cursor", "--json")
    assert found.arguments == [*CLUSTER, "--allow-writes", "--json"]
    assert found.environ == SHELL | {"HOME": str(home), "AWS_PROFILE": "prod"}
    assert found.origin == f"As Cursor starts it, from {home}/.cursor/mcp.json."
    assert started(home, "--as=cursor", *CLUSTER).arguments == list(CLUSTER)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("how", ["--latest", "--installed", "--from=awslabs-dsql-mcp==0.1.0"])
def test_each_client_s_entry_is_read(home: Path, client: Client, how: str) -> None:
    assert main(["install", client.name, *CLUSTER, how, "--env", "DSQL_CONFIRM=always"]) == 0
    found = started(home, "--as", client.name)
    assert found.arguments == list(CLUSTER)
    assert found.environ["DSQL_CONFIRM"] == "always"


def test_a_client_keeps_variables_back(home: Path) -> None:
    gemini = started(home, "--as", "gemini", *CLUSTER)
    assert sorted(gemini.environ) == ["AWS_REGION", "HOME", "PATH", "PGHOSTADDR"]
    assert "without this shell's AWS_ACCESS_KEY_ID, AWS_SHARED_CREDENTIALS_FILE, HTTPS_PROXY" in gemini.origin
    desktop = started(home, "--as", "claude-desktop", *CLUSTER)
    assert sorted(desktop.environ) == ["HOME", "PATH"]
    main(["install", "codex", *CLUSTER])
    codex = started(home, "--as", "codex")
    assert codex.environ["AWS_ACCESS_KEY_ID"] == "AKIA"
    assert "without this shell's AWS_REGION, PGHOSTADDR." in codex.origin


def test_an_entry_of_another_name_or_of_the_project_is_meant(home: Path) -> None:
    main(["install", "zed", *CLUSTER, "--name", "other", "--project"])
    assert started(home, "--as", "zed", "--name", "other", "--project").arguments == list(CLUSTER)
    with pytest.raises(SettingsError, match=r"Zed has no aurora-dsql in .*settings\.json, expected one"):
        started(home, "--as", "zed", "--project")


def test_what_cannot_be_read_is_told(home: Path) -> None:
    with pytest.raises(SettingsError, match="--as: got 'nothing', expected one of claude-code"):
        started(home, "--as", "nothing")
    with pytest.raises(SettingsError, match=r"--as: got 'claud', expected claude-code\?"):
        started(home, "--as", "claud")
    (home / ".cursor").mkdir()
    (home / ".cursor/mcp.json").write_text("{")
    with pytest.raises(SettingsError, match=r"mcp\.json cannot be read"):
        started(home, "--as", "cursor")
    (home / ".cursor/mcp.json").unlink()
    (home / ".cursor/mcp.json").mkdir()
    with pytest.raises(SettingsError, match=r"mcp\.json cannot be read: Is a directory$"):
        started(home, "--as", "cursor")


def test_without_as_nothing_changes(home: Path) -> None:
    assert started(home, *CLUSTER) == Started(CLUSTER, SHELL | {"HOME": str(home)})
