"""``awslabs-dsql-mcp install`` as its user sees it: files, words and status."""

import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.cli import main
from awslabs_dsql_mcp.installer.chooser import choose, clients_here
from awslabs_dsql_mcp.installer.clients import CLIENTS
from awslabs_dsql_mcp.installer.files import load, save
from awslabs_dsql_mcp.installer.formats import NotEditable
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.option_parser import SettingsError
from docs.blocks import block

PROGRAM = f"{sys.executable} -m awslabs_dsql_mcp"  # as of an installation that PATH does not lead to
CLUSTER = ("--cluster_endpoint", "abc.dsql.eu-west-1.on.aws")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own without uv, with a project in it that is the current folder."""
    outside = ("DSQL_", "AWS_", "XDG_", "UV", "SSL_", "REQUESTS_", "HTTP", "http")
    for name in [name for name in os.environ if name.startswith(outside)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return tmp_path


def entry(file: Path, key: str = "mcpServers") -> dict[str, Any]:
    return json.loads(file.read_text())[key]["aurora-dsql"]


def test_it_writes_for_the_user_or_the_project(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "cursor", *CLUSTER, "--profile", "dev", "--env", "A=b=c"]) == 0
    assert entry(home / ".cursor/mcp.json") == {
        "command": "uvx",
        "args": ["--from", "awslabs-dsql-mcp", "awslabs-dsql-mcp", *CLUSTER],
        "env": {"A": "b=c", "AWS_PROFILE": "dev"},
    }
    out, err = capsys.readouterr()
    assert f"+++ {home}/.cursor/mcp.json" in out
    assert "Cursor has aurora-dsql now" in err
    assert main(["install", "--region", "eu-west-1", *CLUSTER, "--project", "vscode"]) == 0
    assert entry(home / "project/.vscode/mcp.json", "servers")["args"][-2:] == ["--region", "eu-west-1"]


def test_a_file_of_clusters_stands_for_a_cluster(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "project/clusters.toml"
    file.write_text(
        "[clusters.a]\nlocal = true\n[clusters.b]\ncluster_endpoint = 'b.dsql.eu-west-1.on.aws'\n"
    )
    assert main(["install", "cursor", "--config", "clusters.toml"]) == 0
    args = entry(home / ".cursor/mcp.json")["args"]
    assert args == ["--from", "awslabs-dsql-mcp[local]", "awslabs-dsql-mcp", "--config", str(file)]
    file.write_text("[clusters.a]\n")
    assert main(["install", "cursor", "--config", "clusters.toml"]) == 2
    assert "line 1: clusters.a: expected either cluster_endpoint or local" in capsys.readouterr().err


def test_a_program_that_is_not_there_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    assert main(["install", "cursor", *CLUSTER]) == 0
    assert "uvx, which starts the server, is not on your PATH: install uv" in capsys.readouterr().err
    assert main(["install", "cursor", *CLUSTER, "--installed"]) == 0
    assert "not on your PATH" not in capsys.readouterr().err


def test_an_endpoint_that_was_not_filled_in_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for endpoint in ("CLUSTER.dsql.us-east-1.on.aws", "your-cluster.dsql.us-east-1.on.aws"):
        assert main(["install", "cursor", "--cluster_endpoint", endpoint]) == 2
        assert "expected your cluster's endpoint" in capsys.readouterr().err
    file = home / "clusters.toml"
    file.write_text(block("README.md", "toml"))
    assert main(["install", "cursor", "--config", str(file)]) == 2
    assert f"{file}: clusters.prod.cluster_endpoint: got 'CLUSTER." in capsys.readouterr().err
    assert not (home / ".cursor").exists()
    assert main(["install", "cursor", "--print", "--cluster_endpoint", "CLUSTER.dsql.us-east-1.on.aws"]) == 0


def test_another_time_the_variables_of_an_installation_are_set_anew(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ["--profile", "prod", "--env", "DSQL_ALLOW_WRITES=true", "--env", "MINE=1"]
    for client, file in (("cursor", ".cursor/mcp.json"), ("kiro", ".kiro/settings/mcp.json")):
        assert main(["install", client, *CLUSTER, *first]) == 0
        capsys.readouterr()
        assert main(["install", client, *CLUSTER]) == 0
        assert entry(home / file)["env"] == {"MINE": "1"}
        assert "from an earlier installation: DSQL_ALLOW_WRITES, AWS_PROFILE" in capsys.readouterr().err
    assert main(["install", "opencode", *CLUSTER, "--profile", "prod"]) == 0
    assert main(["install", "opencode", *CLUSTER]) == 0
    assert "environment" not in entry(home / ".config/opencode/opencode.json", "mcp")


def test_what_a_client_does_not_hand_on_is_told_or_written(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/x")
    assert main(["install", "gemini", *CLUSTER]) == 0
    assert "Gemini CLI does not hand on AWS_ACCESS_KEY_ID of this shell" in capsys.readouterr().err
    assert main(["install", "claude-desktop", *CLUSTER]) == 0
    assert "does not hand on AWS_ACCESS_KEY_ID, AWS_CA_BUNDLE of" in capsys.readouterr().err
    for client in ("claude-code", "codex"):
        assert main(["install", client, *CLUSTER]) == 0
        assert "hand on" not in capsys.readouterr().err
    config = (home / ".codex/config.toml").read_text()
    assert '"AWS_ACCESS_KEY_ID",' in config.partition("env_vars = [")[2]


def test_a_client_without_a_shell_gets_the_path_of_uvx(home: Path) -> None:
    uvx = home / "bin/uvx"
    uvx.parent.mkdir()
    uvx.write_text("#!/bin/sh\n")
    uvx.chmod(0o700)
    for client, file, key in (
        ("claude-desktop", home / ".config/Claude/claude_desktop_config.json", "mcpServers"),
        ("zed", home / ".config/zed/settings.json", "context_servers"),
    ):
        assert main(["install", client, *CLUSTER]) == 0
        assert entry(file, key)["command"] == str(uvx)
    assert main(["install", "claude-code", *CLUSTER]) == 0
    assert entry(home / ".claude.json")["command"] == "uvx"
    assert main(["install", "zed", "--project", *CLUSTER]) == 0
    assert entry(home / "project/.zed/settings.json", "context_servers")["command"] == "uvx"
    (home / "bin/CACHEDIR.TAG").touch()
    assert main(["install", "cursor", *CLUSTER]) == 0
    assert entry(home / ".cursor/mcp.json")["command"] == "uvx"


def test_uvx_that_path_does_not_lead_to_is_named_by_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a checkout that brought uv for itself, which tells where it is."""
    for name in ("uv", "uvx"):
        program = home / "checkout" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
    monkeypatch.setenv("UV", str(home / "checkout/uv"))
    assert main(["install", "claude-code", *CLUSTER]) == 0
    uvx = str(home / "checkout/uvx")
    assert entry(home / ".claude.json")["command"] == uvx
    told = capsys.readouterr().err
    assert "not on your PATH" not in told
    assert told.splitlines()[-1].strip().startswith(f"{uvx} --from ")
    assert main(["install", "claude-code", "--project", *CLUSTER]) == 0
    assert entry(home / "project/.mcp.json")["command"] == "uvx"
    assert "not on your PATH" in capsys.readouterr().err


def test_an_installation_in_a_cache_is_not_written_down(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "uv").mkdir()
    (home / "uv/CACHEDIR.TAG").touch()
    monkeypatch.setattr(sys, "executable", str(home / "uv/archive-v0/x/bin/python"))
    assert main(["install", "cursor", *CLUSTER, "--installed"]) == 2
    assert "--installed: got an installation of uvx for this run alone" in capsys.readouterr().err


def test_it_ends_with_the_command_that_checks_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def last(*flags: str) -> str:
        assert main(["install", "codex", *flags]) == 0
        return capsys.readouterr().err.splitlines()[-1].strip()

    ours = "awslabs-dsql-mcp"
    assert last(*CLUSTER) == f"uvx --from {ours} {ours} doctor --as codex"
    assert last(*CLUSTER, "--latest") == f"uvx {ours}@latest doctor --as codex"
    assert last("--local", "--project") == f"uvx --from '{ours}[local]' {ours} doctor --as codex --project"
    assert last(*CLUSTER, "--installed", "--name", "a") == (
        f"{sys.executable} -m awslabs_dsql_mcp doctor --as codex --name a"
    )
    assert home


def test_the_clients_of_this_machine_are_found(home: Path) -> None:
    (home / ".cursor").mkdir()
    (home / "bin").mkdir()
    (home / "bin/claude").write_text("#!/bin/sh\n")
    (home / "bin/claude").chmod(0o700)
    machine = PlatformPaths(sys.platform, dict(os.environ), str(home))
    assert [client.name for client in clients_here(machine)] == ["claude-code", "cursor"]


@pytest.mark.parametrize(
    ("answer", "chosen"), [("2", "cursor"), ("claude-code", "claude-code"), ("zed", "zed")]
)
def test_without_a_name_it_asks(answer: str, chosen: str) -> None:
    here = [client for client in CLIENTS if client.name in ("claude-code", "cursor")]
    screen = io.StringIO()
    assert choose(here, io.StringIO(answer + "\n"), screen).name == chosen
    assert "  2. Cursor (cursor)\n" in screen.getvalue()
    with pytest.raises(SettingsError, match="expected a number of the list"):
        choose(here, io.StringIO("3\n"), screen)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("client", ["claude-code", "codex", "copilot"])
def test_who_installs_for_a_project_is_told_that_it_must_be_trusted(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", client, *CLUSTER]) == 0
    assert "trust" not in capsys.readouterr().err
    assert main(["install", client, *CLUSTER, "--project"]) == 0
    assert "trust" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_settings_beside_the_entry_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "codex", *CLUSTER]) == 0
    assert "+tool_output_token_limit = 25000" in capsys.readouterr().out


def test_a_second_time_it_does_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / ".claude.json"
    main(["install", "claude-code", *CLUSTER])
    before = file.stat()
    capsys.readouterr()
    assert main(["install", "claude-code", *CLUSTER]) == 0
    assert "Claude Code already has aurora-dsql" in capsys.readouterr().err
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in home.iterdir() if path.is_file()] == [".claude.json"]


def test_uninstall_takes_it_out_and_a_name_leaves_the_other(home: Path) -> None:
    main(["install", "kiro", *CLUSTER])
    main(["install", "kiro", "--local", "--name", "here"])
    assert main(["install", "kiro", "--uninstall"]) == 0
    assert list(json.loads((home / ".kiro/settings/mcp.json").read_text())["mcpServers"]) == ["here"]
    assert main(["install", "kiro", "--uninstall"]) == 0


@pytest.mark.usefixtures("home")
def test_uninstall_names_what_it_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    data = DataDir.of(None).path
    main(["install", "cursor", "--local"])
    main(["install", "kiro", "--local", "--installed"])
    data.mkdir(parents=True)
    for client, left in (
        (
            "cursor",
            f"the program (uv tool uninstall awslabs-dsql-mcp) and the local cluster (the folder {data})",
        ),
        ("kiro", f"the local cluster (the folder {data})"),
    ):
        capsys.readouterr()
        assert main(["install", client, "--uninstall"]) == 0
        assert f"Left, since other clients may use it: {left}." in capsys.readouterr().err


def test_uninstall_names_the_uv_that_path_does_not_lead_to(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["install", "cursor", "--local"])
    uv = home / "checkout/.uv/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.touch(0o755)
    monkeypatch.setenv("UV", str(uv))
    capsys.readouterr()
    assert main(["install", "cursor", "--uninstall"]) == 0
    assert f"the program ({uv} tool uninstall awslabs-dsql-mcp)" in capsys.readouterr().err


def test_uninstall_leaves_nothing_that_is_empty(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / ".cursor/mcp.json"
    main(["install", "cursor", *CLUSTER])
    capsys.readouterr()
    assert main(["install", "cursor", "--uninstall"]) == 0
    told = capsys.readouterr()
    assert f"{file} held nothing else, and is removed." in told.err
    assert not [line for line in told.out.splitlines() if line.startswith("+") and line != f"+++ {file}"]
    assert not file.exists()
    file.write_text('{"theme": "dark"}')
    main(["install", "cursor", *CLUSTER])
    assert main(["install", "cursor", "--uninstall"]) == 0
    assert json.loads(file.read_text()) == {"theme": "dark"}
    file.write_text('{"mcpServers": { // mine\n  }}')
    main(["install", "cursor", *CLUSTER])
    assert main(["install", "cursor", "--uninstall"]) == 0
    assert "// mine" in file.read_text()


def test_print_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "cursor", "--print", *CLUSTER]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["mcpServers"]["aurora-dsql"]["command"] == "uvx"
    assert f"This goes into {home}/.cursor/mcp.json" in err
    assert "https://cursor.com/en/install-mcp?" in err
    assert not (home / ".cursor").exists()


def test_how_the_server_is_started(home: Path) -> None:
    def args(*flags: str) -> list[str]:
        assert main(["install", "cursor", *flags]) == 0
        started = entry(home / ".cursor/mcp.json")
        return [started["command"], *started["args"]]

    assert args("--local") == ["uvx", "--from", "awslabs-dsql-mcp[local]", "awslabs-dsql-mcp", "--local"]
    assert args("--from", ".", "--local")[2] == f"{home / 'project'}[local]"
    assert args("--from", ".[x]", *CLUSTER)[2] == f"{home / 'project'}[x]"  # clients have their own folder
    git = "git+https://example.com/x@main"
    assert args("--from", git, *CLUSTER)[:4] == ["uvx", "--from", git, "awslabs-dsql-mcp"]
    assert args("--from", git, "--local")[2] == f"awslabs-dsql-mcp[local] @ {git}"
    assert args("--latest", *CLUSTER)[:2] == ["uvx", "awslabs-dsql-mcp@latest"]
    assert args("--installed", *CLUSTER)[:3] == [sys.executable, "-m", "awslabs_dsql_mcp"]
    relative = args("--local", "--local-data", "data")
    assert relative[-2:] == ["--local-data", str(home / "project/data")]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["nothing", "--local"],
            "CLIENT: got 'nothing', expected one of claude-code, claude-desktop, cursor",
        ),
        (["claude", "--local"], "CLIENT: got 'claude', expected claude-code?"),
        (["claudecode"], "CLIENT: got 'claudecode', expected claude-code?"),
        (
            [],
            f"CLIENT: got nothing, expected one, as in: {PROGRAM} install",
        ),
        ([], f"{PROGRAM} install claude-code --local"),
        (["--uninstall"], f"{PROGRAM} install claude-code --uninstall"),
        (["--local", "--name", "a b"], f"{PROGRAM} install claude-code --local --name 'a b'"),
        (["--local", "--env", "KEY=secret"], f"{PROGRAM} install claude-code …"),
        (["cursor"], "--cluster_endpoint: got nothing, expected --cluster_endpoint HOST, --config FILE or"),
        (["cursor", "--project"], f"{PROGRAM} install cursor --project --local"),
        (["cursor", "--local", "--from", ""], "--from: got nothing, expected SOURCE"),
        (["cursor", "--local", "--from", "/nowhere"], "--from: got '/nowhere', expected a folder or file"),
        (
            ["cursor", "--local", "--from", "./x[local]"],
            "--from: got './x[local]', expected a folder or file",
        ),
        (["cursor", "--local", "--from", "[local]"], "--from: got '[local]', expected SOURCE"),
        (["cursor", "--local", "--name", " "], "--name: got nothing, expected NAME"),
        (["cursor", "--local", "--name", "a b"], "--name: got 'a b', expected letters, digits, -, _ and ."),
        (["cursor", "--local", "--name", "x" * 65], "expected letters, digits, -, _ and ."),
        (["cursor", *CLUSTER, "--profile", ""], "--profile: got nothing, expected NAME"),
        (["cursor", *CLUSTER, "--region", "us-east-1"], "--region: got 'us-east-1', expected eu-west-1"),
        (["cursor", "--cluster_endpoint", "http://x"], "--cluster_endpoint: got 'http://x'"),
        (["cursor", "--local", "--evn", "a=b"], "--evn: unknown flag, expected --env?"),
        (["cursor", "--local", "--env", "secret"], "--env: got no =, expected KEY=VALUE"),
        (["windsurf", "--local", "--project"], "--project: Windsurf has no project file"),
        (["cursor", "--local", "--print", "--uninstall"], "--uninstall: not allowed with argument --print"),
    ],
)
@pytest.mark.usefixtures("home")
def test_wrong_arguments(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_the_command_that_is_shown_is_there_afterwards(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, cached = home / "kept/awslabs-dsql-mcp", home / "cache/env/bin/awslabs-dsql-mcp"
    for program in (kept, cached):
        program.parent.mkdir(parents=True)
        program.touch(0o755)
    (home / "cache/CACHEDIR.TAG").touch()
    for program, shown in ((cached, "uvx --from 'awslabs-dsql-mcp[local]' "), (kept, "as in: ")):
        monkeypatch.setenv("PATH", str(program.parent))
        assert main(["install"]) == 2
        assert f"{shown}awslabs-dsql-mcp install claude-code --local" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b'{"a": ', b"\xff\xfe{\x00}\x00", b"[1]", b'{"mcpServers": []}'])
def test_what_it_cannot_read_it_does_not_touch(
    content: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / ".cursor/mcp.json"
    file.parent.mkdir()
    file.write_bytes(content)
    assert main(["install", "cursor", *CLUSTER]) == 1
    assert f"{file} is unchanged: " in capsys.readouterr().err
    assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_in_the_file_s_place_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".cursor/mcp.json").mkdir(parents=True)
    assert main(["install", "cursor", *CLUSTER]) == 1
    assert "mcp.json is unchanged: " in capsys.readouterr().err


def test_the_file_that_is_there_is_chosen(home: Path) -> None:
    file = home / ".config/opencode/opencode.jsonc"
    file.parent.mkdir(parents=True)
    file.write_text("{ // mine\n}\n")
    assert main(["install", "opencode", *CLUSTER]) == 0
    assert "// mine" in file.read_text()
    assert not file.with_suffix(".json").exists()


def test_backups_are_kept_each_under_a_name_of_its_own(home: Path) -> None:
    file = home / ".cursor/mcp.json"
    file.parent.mkdir()
    file.write_text("{}")
    (file.parent / "mcp.json.bak").write_text("older")
    main(["install", "cursor", *CLUSTER])
    assert (file.parent / "mcp.json.bak").read_text() == "older"
    assert (file.parent / "mcp.json.bak.1").read_text() == "{}"


@pytest.mark.skipif(sys.platform == "win32", reason="links and permissions are POSIX's")
def test_links_are_followed_and_permissions_kept(home: Path) -> None:
    real = home / "dotfiles/mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    real.chmod(0o640)
    (home / ".cursor").mkdir()
    link = home / ".cursor/mcp.json"
    link.symlink_to(real)
    assert main(["install", "cursor", *CLUSTER]) == 0
    assert link.is_symlink()
    assert entry(real)
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert stat.S_IMODE((real.parent / "mcp.json.bak").stat().st_mode) == 0o640
    assert stat.S_IMODE(entry_mode(home)) == 0o600


def entry_mode(home: Path) -> int:
    """Install anew and give the mode of the file that comes of it."""
    main(["install", "kiro", *CLUSTER])
    return (home / ".kiro/settings/mcp.json").stat().st_mode


def test_a_file_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    original = load(file)
    file.write_text("two")
    with pytest.raises(NotEditable, match="another program changed it"):
        save(original, "three")
    assert file.read_text() == "two"
    assert {path.name for path in tmp_path.iterdir()} == {"f", "f.bak"}
