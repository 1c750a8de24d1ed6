"""What the documents say is what the program takes."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from awslabs_dsql_mcp.cli import main
from awslabs_dsql_mcp.cluster_changes_command.arguments import read_arguments
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.installer.clients import CLIENTS, Client
from awslabs_dsql_mcp.installer.launch import SERVER_NAME
from awslabs_dsql_mcp.local_cluster.client_lines import CLIENTS as CLIENT_LINES
from docs import client_examples, options_table
from docs.client_examples import EXAMPLES, file_name, files, links_of_page
from docs.local_cluster_page import pages
from docs.options_table import between, table
from support.local_cluster.requirements import load

TOP = Path(__file__).parents[2]
DOCUMENTS = {
    path.name: path.read_text(encoding="utf-8") for path in (TOP / "README.md", *TOP.glob("docs/*.md"))
}
SHOWN = "\n".join(DOCUMENTS.values())


def entry(client: Client) -> dict[str, Any]:
    """The entry in a client's example, in the terms that most clients use."""
    found: Any = client.format.read((EXAMPLES / file_name(client)).read_text())[client.key]
    return common(found[SERVER_NAME])


def common(entry: Mapping[str, Any]) -> dict[str, Any]:
    words = entry["command"] if "command" in entry else entry["cmd"]
    command, *args = words if isinstance(words, list) else [words]  # pyright: ignore[reportUnknownVariableType] - of a parsed file
    env = entry.get("env") or entry.get("envs") or entry["environment"]
    return {"command": command, "args": args or entry["args"], "env": env}


def commands_shown() -> list[list[str]]:
    text = SHOWN.replace("\\\n", " ")
    return [line.split()[1:] for line in re.findall(r"uvx awslabs-dsql-mcp@latest --.*", text)]


def installations_shown() -> list[list[str]]:
    return [line.split() for line in re.findall(r"uvx awslabs-dsql-mcp@latest install (.*)", SHOWN)]


def test_the_commands_for_clusters_that_are_shown_are_read_as_they_are() -> None:
    lines = re.findall(r"^awslabs-dsql-mcp clusters (\S+) (.+)$", SHOWN, re.MULTILINE)
    assert {word for word, _ in lines} >= {"create", "pair", "back-up", "unprotect", "delete", "restore"}
    names = [words.split()[0] for word, words in lines if word in ("create", "pair", "restore")]
    assert len(set(names)) == len(names), "a reader who runs them all gives a name twice"
    for word, words in lines:
        wanted = read_arguments(word, words.split())
        assert (wanted.name in names) if wanted.creates else (wanted.cluster == "CLUSTER")
        assert wanted.regions == (("us-east-1", "us-east-2") if word == "pair" else ())


def test_the_documents_list_the_options_as_they_are() -> None:
    assert between(options_table.PAGE.read_text()) == table()


def test_the_guide_lists_the_local_clusters_differences_as_they_are() -> None:
    for path, text in pages(load()).items():
        assert path.read_text(encoding="utf-8") == text


def test_the_documents_name_every_client_of_the_local_cluster() -> None:
    sentence = DOCUMENTS["local-cluster.md"].partition("`local --for jdbc`")[2].partition(".")[0]
    assert {"jdbc", *re.findall(r"`(\w+)`", sentence)} == set(CLIENT_LINES)


def test_there_is_an_example_for_each_client_as_install_writes_it() -> None:
    assert {file.name: file.read_text() for file in EXAMPLES.iterdir()} == files()


def test_the_documents_have_the_links_as_they_are() -> None:
    assert client_examples.between(client_examples.PAGE.read_text()) == links_of_page()


def test_the_documents_name_every_client() -> None:
    assert all(f"`{client.name}`" in DOCUMENTS["clients.md"] for client in CLIENTS)


def test_a_link_holds_the_entry() -> None:
    links: dict[str, str] = dict(re.findall(r"\[([\w ]+)\]\((https://[^)]+)\)", links_of_page()))
    queries = {title: parse_qs(urlsplit(link).query) for title, link in links.items()}
    configs = {title: query["config"][0] for title, query in queries.items()}
    configs["Cursor"] = base64.b64decode(configs["Cursor"]).decode()
    assert configs.keys() == {"Cursor", "VS Code", "Kiro"}
    for title, config in configs.items():
        assert queries[title]["name"] == [SERVER_NAME]
        starts_the_server_on_a_cluster(common(json.loads(config)))


def starts_the_server_on_a_cluster(configured: dict[str, Any]) -> None:
    assert configured["command"] == "uvx"
    package, *flags = configured["args"]
    assert package == "awslabs-dsql-mcp@latest"
    settings = read_settings(flags, configured["env"], version="")
    assert settings.cluster_endpoint == "CLUSTER.dsql.us-east-1.on.aws"
    assert settings.region == "us-east-1"
    assert not settings.allow_writes


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_an_example_starts_the_server_on_a_cluster(client: Client) -> None:
    starts_the_server_on_a_cluster(entry(client))


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_an_example_sets_only_variables_that_are_read(client: Client) -> None:
    known = {variable for option in OPTIONS for variable in option.variables}
    assert set(entry(client)["env"]) <= known


@pytest.mark.parametrize("command", commands_shown())
def test_a_command_of_the_readme_has_flags_that_exist(command: list[str]) -> None:
    assert read_settings(command[1:], {}, version="").cluster_endpoint


@pytest.mark.parametrize("arguments", installations_shown())
def test_an_installation_of_the_readme_is_taken(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # without uv, which would install the release
    monkeypatch.delenv("UV", raising=False)
    filled_in = [word.replace("CLUSTER.", "abcdefghijklmnopqrstuvwxyz.") for word in arguments]
    assert main(["install", *filled_in]) == 0
    assert list(tmp_path.iterdir())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_link_leads_to_a_file(name: str) -> None:
    folder = TOP if name == "README.md" else TOP / "docs"
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", DOCUMENTS[name])
    assert [link for link in links if not (folder / link).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached = set(re.findall(r"\]\(docs/([\w.-]+)\)", DOCUMENTS["README.md"]))
    assert {path.name for path in (TOP / "docs").iterdir() if path.is_file()} == reached
