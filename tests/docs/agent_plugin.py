"""``packaging/agent-plugin/``: the server and a skill for clients that install plugins; part of ``packages``.

Sources of the formats: the specification of Agent Plugins 1.0.0 (agentplugins/agent-plugins-spec), which
Cursor loads as it stands (cursor.com/docs/plugins/building); agentskills.io for the skill; the references of
plugins of Claude Code, Codex and Copilot CLI, which all three read one marketplace; read in November 2026.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.documentation.guide import load_guide
from awslabs_dsql_mcp.installer.client_environment import FOR_CREDENTIALS
from awslabs_dsql_mcp.installer.launch import PACKAGE, SERVER_NAME, standard
from docs.client_examples import launch

FOLDER: Final = "agent-plugin"
SKILL: Final = f"{FOLDER}/skills/{SERVER_NAME}"
SPECIFICATION: Final = "https://agent-plugins.org/schemas/1.0.0"
# Pages that tell how to work with any cluster; those about the account and this machine are the server's.
REFERENCES: Final = (
    *(
        "data-modelling",
        "keys-and-indexes",
        "types",
        "transactions",
        "limits",
        "sql",
        "ddl",
        "jobs",
        "loading",
    ),
    *("plans", "errors", "connectors", "orms", "roles", "from-postgresql", "from-mysql"),
)
# A plugin has no place for options in all clients: they come from the user's environment.
_VARIABLES: Final = ("cluster_endpoint", "region", "database_user", "allow_writes")


def plugin_files(project: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Give what is generated, by its path in ``packaging/``: texts, and values that become JSON."""
    author = {"name": f"{PACKAGE} contributors"}
    server = standard(launch()) | {"args": [f"{PACKAGE}@{__version__}"]}
    server.pop("env")
    known: dict[str, object] = {
        "name": SERVER_NAME,
        "version": __version__,
        "description": project["description"],
        "author": author,
        "repository": project["urls"]["Source"],
        "license": project["license"],
        "keywords": project["keywords"],
    }
    yield f"{FOLDER}/plugin.json", {"$schema": f"{SPECIFICATION}/plugin.schema.json", **known}
    schema = f"{SPECIFICATION}/mcp.schema.json"
    yield f"{FOLDER}/mcp.json", {"$schema": schema, "mcpServers": {SERVER_NAME: {"type": "stdio", **server}}}
    yield f"{FOLDER}/.mcp.json", {"mcpServers": {SERVER_NAME: server}}
    yield f"{FOLDER}/.claude-plugin/plugin.json", known
    # Codex hands a server no more of the environment than is named here.
    handed_on = [option.variables[0] for option in OPTIONS if option.name in _VARIABLES]
    codex = server | {"env_vars": [*handed_on, *FOR_CREDENTIALS]}
    yield f"{FOLDER}/codex.mcp.json", {"mcpServers": {SERVER_NAME: codex}}
    paths = {"skills": "./skills/", "mcpServers": "./codex.mcp.json"}
    yield f"{FOLDER}/.codex-plugin/plugin.json", {**known, **paths}
    yield (
        ".claude-plugin/marketplace.json",
        {
            "name": PACKAGE,
            "owner": author,
            "description": project["description"],
            "plugins": [
                {"name": SERVER_NAME, "source": f"./{FOLDER}", "description": project["description"]}
            ],
        },
    )
    yield from _skill()


def _skill() -> Iterator[tuple[str, str]]:
    guide = load_guide()
    pages = [page for slug in REFERENCES if (page := guide.page(slug))]
    description = (
        "Designs schemas, writes and tunes SQL, and moves applications to Amazon Aurora DSQL: keys, indexes, "
        "optimistic concurrency and retries, limits, types, loading, migration. Use it for code or SQL that "
        "runs on Aurora DSQL, or is to move there from PostgreSQL or MySQL."
    )
    listed = "\n".join(f"- `references/{page.slug}.md`: {page.title}" for page in pages)
    yield (
        f"{SKILL}/SKILL.md",
        Path(__file__)
        .with_name("skill.md")
        .read_text(encoding="utf-8")
        .format(name=SERVER_NAME, description=json.dumps(description), pages=listed),
    )
    for page in pages:
        yield f"{SKILL}/references/{page.slug}.md", page.text
