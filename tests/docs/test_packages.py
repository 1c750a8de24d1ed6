"""What ``packaging/`` holds is what the program takes, and what its readers ask for."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.options import OPTIONS
from docs.agent_plugin import FOLDER, SKILL, SPECIFICATION
from docs.packages import PACKAGING, REGISTRY_NAME, SCHEMA, TOP, files

WRITTEN = files()
REGISTERED: dict[str, Any] = json.loads(WRITTEN["server.json"])


def test_the_generated_files_are_as_they_are() -> None:
    generated = {path.split("/")[0] for path in WRITTEN} - {"mcpb"}
    found = [path for top in generated for path in [PACKAGING / top, *(PACKAGING / top).rglob("*")]]
    assert {str(path.relative_to(PACKAGING)) for path in found if path.is_file()} == WRITTEN.keys() - {
        "mcpb/manifest.json"
    }
    assert {path: (PACKAGING / path).read_text(encoding="utf-8") for path in WRITTEN} == WRITTEN


def test_the_plugin_is_what_its_specification_allows() -> None:
    plugin = json.loads(WRITTEN[f"{FOLDER}/plugin.json"])
    metadata = {"name", "version", "description", "author", "homepage", "repository", "license", "keywords"}
    assert plugin.keys() <= {"$schema", "extensions", *metadata}
    assert plugin["$schema"] == f"{SPECIFICATION}/plugin.schema.json"
    servers = json.loads(WRITTEN[f"{FOLDER}/mcp.json"])
    assert servers.keys() == {"$schema", "mcpServers"}
    for server in servers["mcpServers"].values():
        assert server.keys() <= {"type", "command", "args", "env", "cwd"}
        assert server["type"] == "stdio"


def test_the_skill_is_what_its_specification_allows() -> None:
    """agentskills.io: the folder's name, a description of at most 1,024 characters, at most 500 lines."""
    _, header, body = WRITTEN[f"{SKILL}/SKILL.md"].split("---\n", 2)
    fields = yaml.safe_load(header)
    assert fields.keys() == {"name", "description", "license"}
    assert fields["name"] == SKILL.rpartition("/")[2]
    assert len(fields["description"]) <= 1024
    assert len(body.splitlines()) < 120
    pages = {f"{SKILL}/{path}" for path in re.findall(r"`(references/[\w-]+\.md)`", body)}
    assert pages == {path for path in WRITTEN if "/references/" in path}


def test_the_registry_takes_server_json() -> None:
    schema = json.loads(Path(__file__).with_name("server.schema.json").read_text(encoding="utf-8"))
    assert schema["$id"] == REGISTERED["$schema"] == SCHEMA
    jsonschema.validate(REGISTERED, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(REGISTERED | {"description": "x" * 101}, schema)


def test_the_readme_and_the_image_name_the_entry_of_the_registry() -> None:
    assert f"<!-- mcp-name: {REGISTERED['name']} -->" in (TOP / "README.md").read_text(encoding="utf-8")
    label = f'LABEL io.modelcontextprotocol.server.name="{REGISTRY_NAME}"'
    assert label in (PACKAGING / "Dockerfile").read_text(encoding="utf-8")


def test_every_option_that_needs_no_extra_is_in_the_registry_and_its_default_is_taken() -> None:
    variables: list[dict[str, Any]] = REGISTERED["packages"][0]["environmentVariables"]
    named = [option.variables[0] for option in OPTIONS if "local" not in option.name]
    assert [variable["name"] for variable in variables] == named
    defaults = {one["name"]: one["default"] for one in variables if "default" in one}
    assert read_settings([], defaults, version="") == read_settings([], {}, version="")


def test_the_image_runs_as_a_user_without_rights() -> None:
    lines = (PACKAGING / "Dockerfile").read_text(encoding="utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["65532:65532"]
    assert not any(line.startswith("EXPOSE") for line in lines)
