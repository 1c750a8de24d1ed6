"""A proxy before the API of a local account that cuts changes off: each at each side once, as it comes by.

A request that is cut off is not handed on, or it is, and its answer goes nowhere.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mcp import StdioServerParameters

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, default_identifier
from conftest import server

_OPERATIONS: Final = {
    r"POST /cluster": "CreateCluster",
    r"POST /cluster/\w+": "UpdateCluster",
    r"DELETE /cluster/\w+": "DeleteCluster",
    r"POST /tags/.+": "TagResource",
    r"PUT /backup-jobs": "StartBackupJob",
    r"PUT /copy-jobs": "StartCopyJob",
    r"PUT /restore-jobs": "StartRestoreJob",
}


class CuttingProxy:
    """Hands requests on, but for those that it cuts off.

    Args:
        upstream: URL of the account's API.
        sides: Where it cuts: ``before`` a request is handed on, or ``behind`` it.
        is_final: It cuts off the SDK's repetitions of a request, too.
    """

    def __init__(self, upstream: str, sides: Sequence[str], *, is_final: bool) -> None:
        address = urlsplit(upstream)
        self._host, self._port, self._sides = address.hostname or "", address.port or 0, sides
        self._is_final = is_final
        self._held: dict[str, str] = {}
        self.cut = asyncio.Event()
        self.go_on = asyncio.Event()

    @property
    def cuts(self) -> list[str]:
        """What was cut off, and where."""
        return list(self._held)

    def forget(self) -> None:
        """Cut all off anew."""
        self._held.clear()

    def _side(self, change: str, call: str) -> str:
        """Tell where a request is cut off; empty if it is not."""
        if call in self._held.values():
            (cut,) = [each for each, of in self._held.items() if of == call]
            return cut.rpartition(" ")[2] if self._is_final else ""
        left = [side for side in self._sides if f"{change} {side}" not in self._held]
        if left:
            self._held[f"{change} {left[0]}"] = call
        return left[0] if left else ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while request := await _message(reader):
                side = self._side(*change) if (change := _change(request)) else ""
                answer = b"" if side == "before" else await self.hand_on(request)
                if side:
                    self.cut.set()
                    await self.go_on.wait()
                    break
                writer.write(answer)
        writer.close()

    async def hand_on(self, request: bytes) -> bytes:
        """Ask the API."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(request)
        answer = await _message(reader)
        writer.close()
        return answer


class MeetingPoint(CuttingProxy):
    """Hands requests on, but those for an operation only when so many of them have come.

    Args:
        upstream: URL of the account's API.
        operation: The operation, and behind it `` in `` and a Region.
        number: How many are waited for.
    """

    def __init__(self, upstream: str, operation: str, number: int) -> None:
        super().__init__(upstream, (), is_final=False)
        self._operation, self._number = operation, number
        self._here: set[str] = set()  # ids of calls: the SDK repeats a request that waits for long
        self._all_are_here = asyncio.Event()

    async def hand_on(self, request: bytes) -> bytes:
        """Ask the API, when all are here."""
        if (change := _change(request)) and change[0] == self._operation:
            self._here.add(change[1])
            if len(self._here) >= self._number:
                self._all_are_here.set()
            await self._all_are_here.wait()
        return await super().hand_on(request)


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


def _change(request: bytes) -> tuple[str, str] | None:
    """Give the operation and Region of a request, and the id of its call; `None` if it changes nothing."""
    head = request.partition(b"\r\n\r\n")[0].decode()
    method, path = head.split(" ")[:2]
    if method == "GET":
        return None
    asked = f"{method} {path.partition('?')[0]}"
    (operation,) = [name for form, name in _OPERATIONS.items() if re.fullmatch(form, asked)]
    region = re.search(r"Credential=[^/]+/\d+/([\w-]+)/", head)
    call = re.search(r"(?i)\r\namz-sdk-invocation-id: *(\S+)", head)
    assert region
    assert call
    return f"{operation} in {region[1]}", call[1]


@asynccontextmanager
async def cutting_proxy(
    upstream: str, sides: Sequence[str], *, is_final: bool
) -> AsyncGenerator[tuple[CuttingProxy, str]]:
    """Run a proxy; gives it and its URL."""
    proxy = CuttingProxy(upstream, sides, is_final=is_final)
    async with serving(proxy) as url:
        yield proxy, url
        proxy.go_on.set()


@asynccontextmanager
async def serving(proxy: CuttingProxy) -> AsyncGenerator[str]:
    """Let a proxy serve; gives its URL."""
    async with await asyncio.start_server(proxy.serve, "127.0.0.1") as listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


def server_behind(url: str, folder: Path, account: LocalCluster) -> StdioServerParameters:
    """Describe a server that may change clusters, and finds the account's API at a URL, as AWS's SDKs do."""
    environment = {
        "AWS_ACCESS_KEY_ID": account.access_key,
        "AWS_SECRET_ACCESS_KEY": account.secret_key,
        "AWS_ENDPOINT_URL_DSQL": url,
        "AWS_ENDPOINT_URL_BACKUP": url,
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(account.port),
        "PGSSLROOTCERT": str(account.ca_file),
    }
    first = f"{default_identifier(folder)}.dsql.us-east-1.on.aws"
    options = ("--cluster_endpoint", first, "--allow-cluster-changes", "own", "--max-clusters", "100")
    return server(*options, **environment)
