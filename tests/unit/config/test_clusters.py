"""The file of clusters: the settings that it gives, and errors for mistakes in it."""

from pathlib import Path

import pytest

from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import Clusters, read_clusters, read_one_cluster
from awslabs_dsql_mcp.option_parser import SettingsError

TWO = """\
default = "dev"  # when none is named

[clusters.dev]
local = true
allow-writes = true
local-data = "data"

[clusters."prod-eu"]
cluster_endpoint = "abc.dsql.eu-west-1.on.aws"
database_user = "agent"
profile = "prod"
confirm = "always"
max-dpu = 20000
max-connections = 2
connect-timeout = 2.5
description = "Orders"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clusters.toml"


def read(file: Path, text: str, *flags: str, **variables: str) -> Clusters:
    file.write_text(text)
    return read_clusters(read_settings(["--config", str(file), *flags], variables, version="1"))


def error_of(file: Path, text: str, *flags: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(file, text, *flags)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(file))


def test_a_command_is_about_one_of_them(file: Path) -> None:
    told = list[str]()
    file.write_text(TWO)
    settings = read_settings(["--config", str(file)], {}, version="1")
    assert read_one_cluster(settings, None, None).local
    assert read_one_cluster(settings, "prod-eu", told.append).profile == "prod"
    file.write_text(TWO.partition("\n")[2])
    with pytest.raises(
        SettingsError, match="--cluster: got nothing, expected which is meant: dev or prod-eu"
    ):
        read_one_cluster(settings, None, None)
    assert told == []
    assert read_one_cluster(settings, None, told.append).local
    assert told == [f"Of {file} this is dev, its first. For another: --cluster prod-eu"]
    file.write_text("[clusters.dev]\nlocal = true\n")
    assert read_one_cluster(settings, None, None).local
    with pytest.raises(SettingsError, match="--cluster: got 'prod', expected dev"):
        read_one_cluster(settings, "prod", None)
    with pytest.raises(SettingsError, match="expected it with --config"):
        read_one_cluster(read_settings(["--local"], {}, version="1"), "dev", None)


def test_each_cluster_gets_settings_of_its_own(file: Path) -> None:
    clusters = read(file, TWO)
    dev, prod = clusters.all
    assert (clusters.default, dev.name, prod.name, prod.description) == ("dev", "dev", "prod-eu", "Orders")
    assert (dev.settings.local, dev.settings.allow_writes) == (True, True)
    assert dev.settings.local_data == file.parent / "data"
    assert not prod.settings.allow_writes
    assert (prod.settings.region, prod.settings.profile) == ("eu-west-1", "prod")
    assert (prod.settings.max_connections, prod.settings.connect_timeout) == (2, 2.5)
    assert (prod.settings.confirm, prod.settings.database_user) == ("always", "agent")
    assert (dev.settings.max_dpu, prod.settings.max_dpu) == (None, 20_000)


def test_flags_apply_to_what_a_cluster_does_not_set(file: Path) -> None:
    dev, prod = read(file, TWO, "--call-timeout=9", "--max-connections=7", DSQL_DATABASE_USER="all").all
    assert dev.settings.call_timeout == prod.settings.call_timeout == 9
    assert (dev.settings.max_connections, prod.settings.max_connections) == (7, 2)
    assert (dev.settings.database_user, prod.settings.database_user) == ("all", "agent")


def test_changes_of_clusters_are_allowed_in_the_file_alone(file: Path) -> None:
    text = TWO.replace("allow-writes = true", 'allow-writes = true\nallow-cluster-changes = "own"', 1)
    first, second = read(file, text, DSQL_ALLOW_CLUSTER_CHANGES="all").all
    assert (first.settings.allow_cluster_changes, second.settings.allow_cluster_changes) == ("own", None)
    assert error_of(file, TWO, "--allow-cluster-changes", "all") == (
        "--allow-cluster-changes: got it beside --config, expected allow-cluster-changes in that file"
    )


def test_variables_do_not_allow_writes_to_the_clusters_of_a_file(file: Path) -> None:
    _, prod = read(file, TWO, DSQL_ALLOW_WRITES="true", DSQL_REGION="us-east-1").all
    assert not prod.settings.allow_writes
    assert prod.settings.region == "eu-west-1"


def test_a_flag_that_names_a_cluster_overrides_a_variable_that_names_a_file() -> None:
    chosen = read_settings(["--cluster_endpoint=a.on.aws"], {"DSQL_CONFIG": __file__}, version="1")
    assert (chosen.config, chosen.cluster_endpoint) == (None, "a.on.aws")


def test_flags_that_choose_a_cluster_exclude_a_file(file: Path) -> None:
    assert "expected one of them" in error_of(file, TWO, "--local")
    assert error_of(file, TWO, "--allow-writes") == (
        "--allow-writes: got it beside --config, expected allow-writes in that file"
    )


def test_a_single_cluster_needs_no_name(file: Path) -> None:
    clusters = read(file, "[clusters.only]\nlocal = true\n")
    assert (clusters.several, clusters.all[0].name) == (False, "")


LOCAL = "[clusters.a]\nlocal = true\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": clusters: got none, expected a table [clusters.NAME] for each cluster"),
        ("clusters = 3\n", ", line 1: clusters: got none, expected"),
        (f'default = "b"\n{LOCAL}', ", line 1: default: got 'b', expected one of a"),
        (
            f"allow-writes = true\n{LOCAL}",
            ", line 1: allow-writes: unknown key, expected default or clusters",
        ),
        (
            f"{LOCAL}max-conections = 3\n",
            ", line 3: clusters.a.max-conections: unknown key, expected max_conn",
        ),
        (f"{LOCAL}max-rows = 3\n", ", line 3: clusters.a.max-rows: unknown key, expected "),
        (f"{LOCAL}max-connections = 0\n", ", line 3: clusters.a.max-connections: got '0', expected a whole"),
        (f"{LOCAL}max-connections = true\n", ", line 3: clusters.a.max-connections: got true, expected N"),
        (f"{LOCAL}profile = [\n'x'\n]\n", ", line 3: clusters.a.profile: got a list, expected NAME"),
        (f'{LOCAL}allow-writes = "no"\n', ", line 3: clusters.a.allow-writes: got 'no', expected true or"),
        (
            f"[clusters.b]\nregion = 'eu-west-1'\n{LOCAL}",
            ", line 1: clusters.b: expected either cluster_endp",
        ),
        (f"{LOCAL}cluster_endpoint = 'x.on.aws'\n", ", line 1: clusters.a: expected either cluster_endpoint"),
        (f"[clusters.'a b']\nlocal = true\n{LOCAL}", ", line 1: clusters.a b: expected a letter, then"),
        (f"{LOCAL}description = {'x' * 101!r}\n", ", line 3: clusters.a.description: expected a text of at"),
        (
            "[clusters.a]\ncluster_endpoint='x.dsql.us-east-1.on.aws'\nregion='eu-west-1'\n",
            ", line 3: clusters.a.region: got 'eu-west-1', expected us-east-1, as in the endpoint's name",
        ),
        (
            "[clusters.a]\ncluster_endpoint='admin:hunter2@x.on.aws'\n",
            ", line 2: clusters.a.cluster_endpoint: got 'x.on.aws', expected a host name",
        ),
    ],
)
def test_the_error_for_a_mistake_names_its_line_and_key(file: Path, text: str, expected: str) -> None:
    assert error_of(file, text).startswith(expected)


HOSTILE = {
    "nesting": "x = " + "[" * 30_000,
    "tables in tables": "a = " + "{a = " * 3_000,
    "size": "# " + "x" * 70_000,
    "a name with line feeds": '[clusters."a\\n\\nawslabs-dsql-mcp: ok"]\nlocal = true\n',
    "a name with colours": '[clusters."\\u001b[31m"]\nlocal = true\n',
    "a name from right to left": '[clusters."a\u202eb"]\nlocal = true\n',
    "a key with colours": f'{LOCAL}"\\u001b[31m\\n" = 1\n',
    "a key in both spellings": f"{LOCAL}allow-writes = false\nallow_writes = true\n",
    "a long default": f"default = '{'x' * 60_000}'\n{LOCAL}",
    "a path of nobody": f"{LOCAL}load-dir = '~nosuchuser/x'\n",
    "a path that is too long": f"{LOCAL}export-dir = '{'x' * 5_000}'\n",
    "a path with NUL": f'{LOCAL}local-data = "a\\u0000b"\n',
    "certificates of nobody": f"{LOCAL}ssl-root-cert = '~nosuchuser/x'\n",
    "a long number": f"{LOCAL}max-connections = {'9' * 5_000}\n",
    "a wrong key behind many lines": f"{LOCAL}{'#' * 5}\n" + "#\n" * 20_000 + "nosuch = 1\n",
    "a wrong key among many clusters": "".join(f"[clusters.a{n}]\nlocal = true\n" for n in range(1_500))
    + "nosuch = 1\n",
    "a wrong key behind many lines of text": f'{LOCAL}profile = """\n' + "x\n" * 20_000 + '"""\nnosuch = 1\n',
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(30)
def test_whatever_is_in_the_file_the_error_is_one_short_line(file: Path, name: str) -> None:
    message = error_of(file, HOSTILE[name])
    assert message.isprintable()
    assert len(message) < 1_000


def test_the_line_of_a_key_is_found_behind_values_of_several_lines(file: Path) -> None:
    text = f'{LOCAL}description = """\nmax-rows\n"""\nload-dir = """\nx"""\nmax-rows = 3\n'
    assert error_of(file, text).startswith(", line 8: clusters.a.max-rows")


def test_a_description_hides_nothing(file: Path) -> None:
    text = f'{LOCAL}description = "a\\n\\u001b[31m \u202eb"\n[clusters.b]\nlocal = true\n'
    assert read(file, text).all[0].description == "a \\u001b[31m \\u202eb"


def test_the_error_for_invalid_toml_names_the_line(file: Path) -> None:
    message = error_of(file, "[clusters.a]\nlocal = yes\n")
    assert message.startswith(": not valid TOML: ")
    assert "line 2" in message
    assert message.endswith(", expected tables such as [clusters.dev] with lines such as local = true")
