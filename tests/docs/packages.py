"""``packaging/``: what registries and clients install the server from; `.ci/generate` writes it anew.

Sources of the formats: the repository modelcontextprotocol/mcpb, pull request 158 (``uv``), and its ``mcpb``;
modelcontextprotocol.io/registry and its schema; Gemini CLI 0.61, which hands an extension's settings to its
servers as variables; for Kiro's power the repository awslabs/mcp, src/aurora-dsql-mcp-server/kiro_power.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.documentation.guide import load_guide
from awslabs_dsql_mcp.installer.clients import CLIENTS, snippet
from awslabs_dsql_mcp.installer.launch import PACKAGE, SERVER_NAME
from awslabs_dsql_mcp.option_parser import Option
from docs.agent_plugin import plugin_files
from docs.client_examples import launch

TOP = Path(__file__).parents[2]
PACKAGING = TOP / "packaging"
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
# The registry lets the owner of a GitHub account publish under io.github.ACCOUNT/.
REGISTRY_NAME = f"io.github.awslabs/{PACKAGE}"
_TITLE = "Amazon Aurora DSQL"
_AUTHOR = f"{PACKAGE} contributors"
# What somebody who installs by a click is asked; the rest has its defaults.
_ASKED = ("cluster_endpoint", "region", "database_user", "profile", "allow_writes")
_FORMATS = {"s": "number", "N": "number", "MIN": "number", "FILE": "filepath", "DIR": "filepath"}
_POWER = """\
---
name: "{name}"
displayName: "{title}"
description: "{description}"
keywords: [{keywords}]
author: "{author}"
---

# {title}

Aurora DSQL speaks PostgreSQL's SQL under rules of its own. The server `{name}` of this power reads a
cluster, changes it if it may, explains plans, lints scripts and finds documentation; its own instructions
say in which order to work.

## Set up

1. Put the cluster's endpoint and region into `mcp.json`, and the AWS profile that may log in to it.
2. Prefer a role with only the privileges that are needed to `admin`.
3. Ask for the list of tables. An error says what is missing, and what to do.

`--allow-writes` lets `transact` change data and schema; without it every tool only reads.

## Steering

Load the file that fits before you write SQL for its subject.

{pages}
"""
_CONTEXT = """\
# {title}

The server `{name}` speaks to an Aurora DSQL cluster: PostgreSQL's SQL under rules of its own. Follow the
server's own instructions. When you are unsure what Aurora DSQL takes, call `dsql_search_documentation` or
read the resource `dsql://guide` before you write SQL.
"""


def files() -> dict[str, str]:
    """Give the texts of all generated files, by their paths in ``packaging/``."""
    project: Mapping[str, Any] = tomlkit.parse((TOP / "pyproject.toml").read_text()).unwrap()["project"]
    return {
        "mcpb/manifest.json": _json(_bundle(project)),
        "server.json": _json(_registered(project)),
        "gemini-extension/gemini-extension.json": _json(_extension(project)),
        "gemini-extension/GEMINI.md": _CONTEXT.format(title=_TITLE, name=SERVER_NAME),
        **{f"kiro-power/{path}": text for path, text in _power(project)},
        **{path: made if isinstance(made, str) else _json(made) for path, made in plugin_files(project)},
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _asked() -> list[Option]:
    by_name = {option.name: option for option in OPTIONS}
    return [by_name[name] for name in _ASKED]


def _words(option: Option) -> str:
    return option.name.replace("_", " ").capitalize()


def _plain(option: Option) -> str:
    return option.help.replace("`", "")


def _bundle(project: Mapping[str, Any]) -> dict[str, object]:
    """MCPB: values go into variables, where an empty one counts as none and a switch may say false."""
    pinned = ("--constraints", "${__dirname}/requirements.txt")
    start = ["tool", "run", *pinned, "--from", "${__dirname}", PACKAGE]
    env = {option.variables[0]: "${user_config." + option.name + "}" for option in _asked()}
    return {
        "manifest_version": "0.4",
        "name": SERVER_NAME,
        "display_name": _TITLE,
        "version": __version__,
        "description": project["description"],
        "author": {"name": _AUTHOR},
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "src/awslabs_dsql_mcp/__main__.py",
            "mcp_config": {"command": "uv", "args": start, "env": env},
        },
        "tools_generated": True,
        "prompts_generated": True,
        "user_config": {option.name: _field(option) for option in _asked()},
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": project["requires-python"]},
        },
    }


def _field(option: Option) -> dict[str, object]:
    """Give what is asked; without a default, its place in the variable would stay a placeholder."""
    field: dict[str, object] = {"title": _words(option), "description": _plain(option)}
    if option.name == "cluster_endpoint":
        return {"type": "string", **field, "required": True}
    if option.is_switch:
        return {"type": "boolean", **field, "required": False, "default": False}
    return {"type": "string", **field, "required": False, "default": _default(option)}


def _default(option: Option) -> str:
    """Give the default, if it is a value and not words about one."""
    try:
        option.read(option.default)
    except ValueError:
        return ""
    return option.default


def _registered(project: Mapping[str, Any]) -> dict[str, object]:
    """The entry of the MCP registry; what needs the extra ``local`` cannot be said in it."""
    return {
        "$schema": SCHEMA,
        "name": REGISTRY_NAME,
        "title": _TITLE,
        "description": project["description"],
        "version": __version__,
        "repository": {"url": project["urls"]["Source"], "source": "github"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": PACKAGE,
                "version": __version__,
                "runtimeHint": launch().command,
                "transport": {"type": "stdio"},
                "environmentVariables": [
                    _variable(option) for option in OPTIONS if not option.name.startswith("local")
                ],
            }
        ],
    }


def _variable(option: Option) -> dict[str, object]:
    variable: dict[str, object] = {
        "name": option.variables[0],
        "description": _plain(option),
        "isRequired": option.name == "cluster_endpoint",
        "format": "boolean" if option.is_switch else _FORMATS.get(option.unit, "string"),
    }
    default = "false" if option.is_switch else _default(option)
    return variable | ({"default": default} if default else {})


def _extension(project: Mapping[str, Any]) -> dict[str, object]:
    """Gemini CLI's extension; it hands what it asks for to the server as variables."""
    return {
        "name": SERVER_NAME,
        "version": __version__,
        "description": project["description"],
        "mcpServers": {SERVER_NAME: {"command": launch().command, "args": [f"{PACKAGE}@{__version__}"]}},
        "contextFileName": "GEMINI.md",
        "settings": [
            {"name": _words(option), "description": _plain(option), "envVar": option.variables[0]}
            for option in _asked()
        ],
    }


def _power(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kiro's power: the entry that ``install`` writes, and the guide as steering."""
    pages = load_guide().pages
    kiro = next(client for client in CLIENTS if client.name == "kiro")
    yield "mcp.json", snippet(kiro, launch(), SERVER_NAME)
    yield (
        "POWER.md",
        _POWER.format(
            name=SERVER_NAME,
            title=_TITLE,
            description=project["description"],
            keywords=", ".join(f'"{word}"' for word in project["keywords"]),
            author=_AUTHOR,
            pages="\n".join(f"- **{page.slug}**: {page.summary}" for page in pages),
        ),
    )
    for page in pages:
        yield f"steering/{page.slug}.md", f"# {page.title}\n\n{page.body.strip()}\n"


if __name__ == "__main__":
    for path, text in files().items():
        (PACKAGING / path).parent.mkdir(parents=True, exist_ok=True)
        (PACKAGING / path).write_text(text, encoding="utf-8")
