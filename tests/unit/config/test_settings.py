"""Flags, variables and defaults: precedence, and errors for wrong values."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.dsql.cluster_names import region_of
from awslabs_dsql_mcp.option_parser import Option, SettingsError

ID = "abcdefghij0123456789klmnop"

GOOD = {
    "--cluster_endpoint": ("abc.dsql.us-east-1.on.aws", "abc.dsql.us-east-1.on.aws"),
    "--config": (__file__, Path(__file__)),
    "--region": ("eu-west-1", "eu-west-1"),
    "--database_user": ("agent", "agent"),
    "--profile": ("work", "work"),
    "--allow-writes": ("true", True),
    "--allow-cluster-changes": ("Own", "own"),
    "--max-clusters": ("5", 5),
    "--confirm": ("Always", "always"),
    "--max-dpu": ("20000.5", 20_000.5),
    "--knowledge-server": ("https://docs.example/mcp", "https://docs.example/mcp"),
    "--knowledge-timeout": ("2.5", 2.5),
    "--max-connections": ("8", 8),
    "--connect-timeout": ("3", 3.0),
    "--statement-timeout": ("100", 100.0),
    "--call-timeout": ("120", 120.0),
    "--retry-attempts": ("2", 2),
    "--retry-time": ("4", 4.0),
    "--retry-delay": ("0.1", 0.1),
    "--max-rows": ("1000", 1000),
    "--max-result-chars": ("200000", 200_000),
    "--max-cell-chars": ("500", 500),
    "--ssl-root-cert": ("system", "system"),
    "--log-level": ("debug", "DEBUG"),
    "--audit-log": ("calls.jsonl", Path("calls.jsonl")),
    "--audit-parameters": ("on", True),
    "--local": ("yes", True),
    "--local-data": ("somewhere", Path("somewhere")),
    "--tools": ("bulk,core", ("core", "bulk")),
    "--load-dir": (".", Path()),
    "--export-dir": (".", Path()),
    "--local-session-minutes": ("0.5", 0.5),
}

WRONG = [
    ("--cluster_endpoint", "https://abc.dsql.us-east-1.on.aws", "a host name or address"),
    ("--cluster_endpoint", "abc.on.aws:5432", "a host name or address"),
    ("--cluster_endpoint", "", "a host name or address"),
    ("--cluster_endpoint", ":5432", "a host name or address"),
    ("--cluster_endpoint", "a" * 300, "a host name or address"),
    ("--cluster_endpoint", ID, f"that cluster's endpoint, such as {ID}.dsql.REGION.on.aws"),
    (
        "--cluster_endpoint",
        f"arn:aws:dsql:eu-west-1:123456789012:cluster/{ID}",
        f"that cluster's endpoint, such as {ID}.dsql.eu-west-1.on.aws",
    ),
    ("--region", "mars", "the name of an AWS region"),
    ("--allow-cluster-changes", "true", "one of own, all"),
    ("--allow-cluster-changes", "", "one of own, all"),
    ("--max-clusters", "0", "a whole number"),
    ("--database_user", " ", "a value that is not empty"),
    ("--knowledge-server", "http://docs.example", "an https:// URL"),
    ("--knowledge-server", "docs.example", "an https:// URL"),
    ("--knowledge-server", "https://[::1", "an https:// URL"),
    ("--knowledge-timeout", "0", "a positive number of seconds"),
    ("--knowledge-timeout", "-3", "a positive number of seconds"),
    ("--knowledge-timeout", "nan", "a positive number of seconds"),
    ("--knowledge-timeout", "inf", "a positive number of seconds"),
    ("--max-connections", "0", "a whole number from 1 to 100"),
    ("--max-connections", "2.5", "a whole number from 1 to 100"),
    ("--max-dpu", "0", "a number above 0, up to 1000000000"),
    ("--max-dpu", "1e6", "a number above 0, up to 1000000000"),
    ("--max-dpu", "0.0", "a number above 0, up to 1000000000"),
    ("--max-dpu", "-1.5", "a number above 0, up to 1000000000"),
    ("--max-rows", "0", "a whole number from 1 to 10000000"),
    ("--max-result-chars", "1e6", "a whole number from 1 to 10000000"),
    ("--ssl-root-cert", "/nowhere/roots.pem", "a file that exists"),
    ("--config", "/nowhere/clusters.toml", "a file that exists"),
    ("--audit-log", "/nowhere/calls.jsonl", "a file in a directory that exists"),
    ("--load-dir", "/nowhere/at-all", "a directory that exists"),
    ("--export-dir", "/nowhere/at-all", "a directory that exists"),
    ("--load-dir", "~nosuchuser/x", "a path whose user is on this machine"),
    ("--config", "~nosuchuser/x", "a path whose user is on this machine"),
    ("--log-level", "LOUD", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
]


def line(option: Option, value: str) -> list[str]:
    return [option.flag] if option.is_switch else [option.flag, value]


def error_of(*argv: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings(argv, environ, version="1")
    return str(caught.value)


def test_there_is_one_option_for_each_field() -> None:
    assert [o.name for o in OPTIONS] == [f.name for f in dataclasses.fields(Settings)]


def test_the_documented_defaults_are_those_of_the_settings() -> None:
    documented = {o.name: o.default for o in OPTIONS if o.unit and o.default}
    described = {"region", "ssl_root_cert", "local_data", "local_session_minutes"}  # not values of the field
    settings = read_settings(
        [f"--{name}={value}" for name, value in documented.items() if name not in described],
        {},
        version="1",
    )
    assert settings == Settings()
    assert described <= documented.keys()


def test_without_options_the_defaults_apply() -> None:
    assert read_settings([], {}, version="1") == Settings()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_a_flag_sets_its_field(option: Option) -> None:
    value, expected = GOOD[option.flag]
    assert getattr(read_settings(line(option, value), {}, version="1"), option.name) == expected


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_each_of_its_variables_sets_it_too(option: Option) -> None:
    value, expected = GOOD[option.flag]
    for variable in option.variables:
        assert getattr(read_settings([], {variable: value}, version="1"), option.name) == expected


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_dashes_and_underscores_are_equivalent(option: Option) -> None:
    value, _ = GOOD[option.flag]
    read = {
        read_settings([spelling, *line(option, value)[1:]], {}, version="1") for spelling in option.spellings
    }
    assert len(read) == 1


def test_a_flag_beats_a_variable() -> None:
    read = read_settings(["--max-connections=2"], {"DSQL_MAX_CONNECTIONS": "9"}, version="1")
    assert read.max_connections == 2


def test_the_first_of_two_variables_wins() -> None:
    read = read_settings([], {"DSQL_LOG_LEVEL": "ERROR", "FASTMCP_LOG_LEVEL": "DEBUG"}, version="1")
    assert read.log_level == "ERROR"


def test_an_empty_variable_is_not_set() -> None:
    assert read_settings([], {"DSQL_REGION": ""}, version="1").region is None


@pytest.mark.parametrize(("flag", "value", "expected"), WRONG)
def test_a_wrong_value_is_an_error_of_one_line(flag: str, value: str, expected: str) -> None:
    message = error_of(f"{flag}={value}")
    assert message.startswith(f"{flag}: got {value[:80]!r}, expected {expected}")
    assert "\n" not in message


@pytest.mark.parametrize(
    "flag", ["--config", "--ssl-root-cert", "--audit-log", "--load-dir", "--export-dir", "--local-data"]
)
def test_a_path_in_a_folder_without_access_is_an_error_of_one_line(
    flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stat(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)
    told = f"{flag}: got '/closed/x', expected a path that the user who runs this has access to"
    assert error_of(flag, "/closed/x") == told


def test_a_wrong_variable_is_named() -> None:
    assert error_of(DSQL_ALLOW_WRITES="maybe") == "DSQL_ALLOW_WRITES: got 'maybe', expected true or false"


def test_a_password_in_a_wrong_value_is_not_repeated() -> None:
    assert "hunter2" not in error_of("--cluster_endpoint=admin:hunter2@abc.on.aws")


def test_an_unknown_flag_names_the_nearest() -> None:
    assert error_of("--alow-writes") == "--alow-writes: unknown flag, expected --allow-writes?"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["demoo"], "demoo: unknown command, expected demo?"),
        (["instal", "claude-code"], "instal: unknown command, expected install?"),
        (["xyz"], "xyz: unknown command, see --help"),
    ],
)
def test_an_unknown_command_names_the_nearest(words: list[str], expected: str) -> None:
    assert error_of(*words) == expected


def test_the_error_for_a_flag_without_its_value_names_the_value() -> None:
    assert error_of("--region") == "--region: got nothing, expected REGION"


def test_a_switch_takes_no_value() -> None:
    assert error_of("--allow-writes=false") == (
        "--allow-writes: got a value, expected none: the flag takes no value"
    )


def test_local_and_an_endpoint_exclude_each_other() -> None:
    assert "expected one of them" in error_of("--local", "--cluster_endpoint=abc.on.aws")


def test_a_flag_for_one_kind_of_cluster_overrides_a_variable_for_the_other() -> None:
    local = read_settings(["--local"], {"DSQL_CLUSTER_ENDPOINT": "abc.on.aws"}, version="1")
    remote = read_settings(["--cluster_endpoint=abc.on.aws"], {"DSQL_LOCAL": "true"}, version="1")
    assert (local.local, local.cluster_endpoint) == (True, None)
    assert (remote.local, remote.cluster_endpoint) == (False, "abc.on.aws")


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws", "us-east-1"),
        ("abc.dsql.ap-northeast-2.on.aws", "ap-northeast-2"),
        ("abc.dsql-fnh4.us-gov-west-1.on.aws", "us-gov-west-1"),
        ("localhost", None),
        ("10.0.0.7", None),
        ("dsql.example.com", None),
    ],
)
def test_the_region_is_in_a_clusters_name(endpoint: str, region: str | None) -> None:
    assert region_of(endpoint) == region
    assert read_settings([f"--cluster_endpoint={endpoint}"], {}, version="1").region == region


def test_another_region_than_the_one_in_the_name_is_wrong() -> None:
    assert error_of("--cluster_endpoint=abc.dsql.us-east-1.on.aws", "--region=us-west-2") == (
        "--region: got 'us-west-2', expected us-east-1, as in the endpoint's name"
    )


def test_the_command_exits_with_2_and_one_line() -> None:
    command = [sys.executable, "-m", "awslabs_dsql_mcp", "--max-connections", "many"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == (
        "awslabs-dsql-mcp: --max-connections: got 'many', expected a whole number from 1 to 100\n"
    )
    assert ended.stdout == ""


def test_the_version_is_printed() -> None:
    command = [sys.executable, "-m", "awslabs_dsql_mcp", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == __version__
