"""A local cluster, for as long as it is needed.

Who is in `local_cluster` with the same data data_dir, in whatever process, shares one cluster; the
last to leave stops it (see `daemon.main`).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.client import ClusterHandle, connect_or_start
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

HOST = "localhost"


@dataclass(frozen=True)
class LocalCluster:
    """How to reach a local cluster: as a real one, with these in place of AWS's.

    Args:
        host: The name to connect to, and in the token; never an address, which sends no SNI.
        port: The endpoint's TCP port.
        ca_file: The certificate to trust, PEM.
        region: The region in the token.
        access_key: The access key that signs tokens.
        secret_key: Its secret.
    """

    host: str
    port: int
    ca_file: Path
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@asynccontextmanager
async def local_cluster(
    data: Path | None, config: ClusterConfig | None = None
) -> AsyncGenerator[LocalCluster, None]:
    """Hold a local cluster up: join the one that runs on this data data_dir, or start it.

    Args:
        data: The data data_dir, made when absent; `None` for the user's own.
        config: How it is to behave; `None` to take one that runs as it is.

    Raises:
        NotConfigured: It cannot be started, or one runs that behaves otherwise; the text says why and
            the hint what to do.
    """
    data_dir = DataDir.of(data)
    handle = await enter(data_dir, config)
    try:
        yield _describe(data_dir, handle)
    finally:
        handle.close()


async def enter(data_dir: DataDir, config: ClusterConfig | None = None) -> ClusterHandle:
    """Join in a thread; if we are cancelled meanwhile, leave again as soon as we are in."""
    joining = asyncio.ensure_future(asyncio.to_thread(connect_or_start, data_dir, config))
    try:
        return await asyncio.shield(joining)
    except asyncio.CancelledError:
        joining.add_done_callback(_leave)
        raise


def _leave(joined: "asyncio.Future[ClusterHandle]") -> None:
    if not joined.cancelled() and joined.exception() is None:
        joined.result().close()


def _describe(data_dir: DataDir, handle: ClusterHandle) -> LocalCluster:
    keys = data_dir.credentials()
    return LocalCluster(HOST, handle.port, data_dir.ca_file, keys.region, keys.access_key, keys.secret_key)
