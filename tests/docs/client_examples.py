"""``config-examples/`` and the links of ``docs/``, from the table of clients; made by `.ci/generate`."""

from pathlib import Path, PurePath

from awslabs_dsql_mcp.installer.clients import CLIENTS, Client, snippet
from awslabs_dsql_mcp.installer.deeplinks import links
from awslabs_dsql_mcp.installer.launch import SERVER_NAME, LaunchCommand, through_uvx
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs" / "clients.md"
EXAMPLES = TOP / "config-examples"
_BEGIN, _END = "<!-- links -->\n", "<!-- /links -->"
_FLAGS = ("--cluster_endpoint", "CLUSTER.dsql.us-east-1.on.aws", "--region", "us-east-1")
_PLATFORMS = {
    "Linux": PlatformPaths("linux", {}, "~"),
    "macOS": PlatformPaths("darwin", {}, "~"),
    "Windows": PlatformPaths("win32", {"APPDATA": "%APPDATA%"}, "%USERPROFILE%"),
}
_HEAD = """# Configuration of each client

`awslabs-dsql-mcp install CLIENT` writes these entries where they belong and keeps what is there. By hand: put
the file's entry into the client's own, replace the endpoint, and choose the AWS profile and the role.

| client | example | of a user | of a project |
|---|---|---|---|
"""


def launch() -> LaunchCommand:
    """Give the launch that all examples show."""
    return through_uvx((*_FLAGS, "--database_user", "admin"), {"AWS_PROFILE": "default"})


def file_name(client: Client) -> str:
    """Name a client's example."""
    usual = PurePath(client.project[0]) if client.project else client.user[0](_PLATFORMS["Linux"])
    return f"{client.name}.{usual.name.lstrip('.')}"


def files() -> dict[str, str]:
    """Give the texts of all files of ``config-examples/``, by name."""
    texts = {file_name(client): snippet(client, launch(), SERVER_NAME) for client in CLIENTS}
    return texts | {"README.md": _HEAD + "\n".join(map(_row, CLIENTS)) + "\n" + _notes()}


def links_of_page() -> str:
    """Give the page's line of links."""
    made = (f"[{title}]({link})" for title, link in links(launch(), SERVER_NAME).items())
    return "One click (then replace the endpoint): " + ", ".join(made) + ".\n"


def _row(client: Client) -> str:
    project = f"`{client.project[0]}`" if client.project else ""
    return f"| {client.title} | [{file_name(client)}]({file_name(client)}) | {_places(client)} | {project} |"


def _places(client: Client) -> str:
    """Name the user's file on each platform, once where they are the same."""
    places = dict[str, list[str]]()
    for platform, machine in _PLATFORMS.items():
        path = str(client.user[0](machine)).replace("%USERPROFILE%\\", "~\\")
        places.setdefault(path.replace("\\", "/") if path.startswith("~") else path, []).append(platform)
    if len(places) == 1:
        return f"`{next(iter(places))}`"
    return "<br>".join(f"{', '.join(names)}: `{path}`" for path, names in places.items())


def _notes() -> str:
    notes = ((client.title, client.advice(of_project=True)) for client in CLIENTS)
    return "\n" + "".join(f"- **{title}**: {note}\n" for title, note in notes if note)


def between(page: str) -> str:
    """What stands in the page where the links belong."""
    return page.partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    EXAMPLES.mkdir(exist_ok=True)
    for name, text in files().items():
        (EXAMPLES / name).write_text(text)
    page = PAGE.read_text()
    PAGE.write_text(page.replace(_BEGIN + between(page) + _END, _BEGIN + links_of_page() + _END))
