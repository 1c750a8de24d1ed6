"""Links for one-click installation in the clients that support them."""

import base64
import json
from urllib.parse import quote

from awslabs_dsql_mcp.installer.launch import LaunchCommand, standard


def links(launch: LaunchCommand, name: str) -> dict[str, str]:
    """Links by the client's title.

    Sources: cursor.com/docs/context/mcp/install-links; code.visualstudio.com/api/extension-guides/ai/mcp;
    kiro.dev/docs/mcp/servers.
    """
    config = json.dumps(standard(launch), separators=(",", ":"))
    coded = quote(base64.b64encode(config.encode()), safe="")
    query = f"name={quote(name, safe='')}&config={quote(config, safe='')}"
    return {
        "Cursor": f"https://cursor.com/en/install-mcp?name={quote(name, safe='')}&config={coded}",
        "VS Code": f"https://insiders.vscode.dev/redirect/mcp/install?{query}",
        "Kiro": f"https://kiro.dev/launch/mcp/add?{query}",
    }
