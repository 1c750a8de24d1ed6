"""The viewer as a client of a server in the same process: what the page asks goes through the same tools.

The client declares that it shows views and that it can ask its user. At protocol revision 2026-07-28 a
question is the result of a call, which the page asks, and answers by the same call again (MCP specification,
"Elicitation").
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from mcp import Client
from mcp.client.extension import advertise
from mcp.client.session import ClientRequestContext
from mcp.types import (
    CallToolRequestParams,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    ReadResourceRequestParams,
)
from pydantic import BaseModel

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.clusters import Clusters
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.server.calls.audit_record import AuditTrail
from awslabs_dsql_mcp.server.calls.call_log import CallLog
from awslabs_dsql_mcp.server.factory import create_server
from awslabs_dsql_mcp.sql.scripts import split_script
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE

_REVISION: Final = "2026-07-28"
_NO_STATEMENT: Final = "Line {line} is for psql, and is no statement."


class Unanswerable(Exception):
    """The page asked for what there is not."""


class Host:
    """What the page may ask for.

    Args:
        client: A client of the server.
        clusters: The clusters that the server works on.
    """

    def __init__(self, client: Client, clusters: Clusters) -> None:
        self._client = client
        self._clusters = clusters

    async def answer(self, method: str, params: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Answer a request of the page.

        Args:
            method: ``tools/list``, ``tools/call`` or ``resources/read`` as in MCP; ``statements`` cuts a
                script, ``clusters`` gives the clusters that calls choose from.
            params: As in MCP; of ``statements`` the text as ``sql``.

        Raises:
            Unanswerable: There is no such method, or a script is none.
            MCPError: The server's own answer.
            ValidationError: The parameters are none of the method.
        """
        if method == "tools/list":
            return _as_json(await self._client.list_tools())
        if method == "tools/call":
            return await self._call(CallToolRequestParams.model_validate(params))
        if method == "resources/read":
            wanted = ReadResourceRequestParams.model_validate(params)
            return _as_json(await self._client.read_resource(wanted.uri))
        if method == "statements":
            return _statements(str(params.get("sql", "")))
        if method == "clusters":
            return {
                "default": self._clusters.default,
                "all": [
                    {"name": one.name, "writes": one.settings.allow_writes} for one in self._clusters.all
                ],
            }
        raise Unanswerable(f"There is no method {method!r:.60}.")

    async def _call(self, call: CallToolRequestParams) -> Any:  # noqa: ANN401 - JSON
        result = await self._client.session.call_tool(
            call.name,
            call.arguments,
            input_responses=call.input_responses,
            request_state=call.request_state,
            allow_input_required=True,
        )
        return _as_json(result)


def _statements(script: str) -> list[str]:
    """Cut a script into statements, as ``migrate`` does."""
    found: list[str] = []
    for item in split_script(script):
        if item.meta or item.data is not None:
            raise Unanswerable(_NO_STATEMENT.format(line=item.line))
        if item.text:
            found.append(item.text)
    return found


def _as_json(result: BaseModel) -> Any:  # noqa: ANN401 - JSON
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


@asynccontextmanager
async def open_host(settings: Settings, clusters: Clusters, audit: AuditTrail | None) -> AsyncGenerator[Host]:
    """Start a server and its client.

    Args:
        settings: The server's settings.
        clusters: The clusters that it works on.
        audit: Where its calls are recorded.
    """
    calls = CallLog(audit)
    async with AsyncExitStack() as stack:
        stack.callback(calls.end_all)
        client = Client(
            create_server(settings, clusters, stack, calls),
            mode=_REVISION,
            client_info=Implementation(name="awslabs-dsql-mcp view", version=__version__),
            elicitation_callback=_decline,
            extensions=[advertise(EXTENSION, {"mimeTypes": [MIME_TYPE]})],
        )
        yield Host(await stack.enter_async_context(client), clusters)


async def _decline(
    context: ClientRequestContext,  # noqa: ARG001 - the SDK's names
    params: ElicitRequestParams,  # noqa: ARG001 - as above
) -> ElicitResult:
    """Decline a question that did not come as a result: nobody has seen it."""
    return ElicitResult(action="decline")
