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
from docs.blocks import BLOCKS
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


@pytest.mark.parametrize("name", ["plugin", "mcp"])
def test_the_plugin_is_what_its_specification_allows(name: str) -> None:
    """By the schemas of Agent Plugins, which Cursor reads."""
    written = json.loads(WRITTEN[f"{FOLDER}/{name}.json"])
    schema = json.loads(Path(__file__).with_name(f"{name}.schema.json").read_text(encoding="utf-8"))
    assert schema["$id"] == written["$schema"] == f"{SPECIFICATION}/{name}.schema.json"
    jsonschema.validate(written, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written | {"another": "field"}, schema)


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
    home = re.search(r"HOME=(\S+)", "\n".join(lines))
    assert home
    assert f'"$HOME/.aws:{home[1]}/.aws:ro"' in block_of_docker()
    assert not any(line.startswith("EXPOSE") for line in lines)


def block_of_docker() -> str:
    """The command that README shows for profiles."""
    return next(block.text for block in BLOCKS if block.text.startswith("docker run"))
