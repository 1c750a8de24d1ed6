"""A local cluster, for as long as it is needed.

All processes that use the same data directory share one cluster; it stops when the last one leaves
(see `daemon.main`).
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.client import ClusterHandle, connect_or_start
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir, api_url

HOST = HOSTS[0]
_DATABASE_OID = "5"  # of the database postgres (PostgreSQL, pg_database.dat)


@dataclass(frozen=True)
class LocalCluster:
    """Address and credentials of a local cluster.

    Attributes:
        host: Host name, also in the token; never an address, which sends no SNI.
        port: TCP port of the endpoint.
        api_url: URL of the API; `None` if the cluster was started by a version that had none.
        ca_file: Certificate of the authority to trust, PEM.
        region: Region in the token.
        access_key: Access key that signs tokens.
        secret_key: Secret of the access key.
    """

    host: str
    port: int
    api_url: str | None
    ca_file: Path
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@asynccontextmanager
async def local_cluster(
    data: Path | None, config: ClusterConfig | None = None
) -> AsyncGenerator[LocalCluster, None]:
    """Use the local cluster of a data directory; start it if it does not run.

    Args:
        data: Data directory, created when absent; `None` for the default one of the user.
        config: Configuration to start it with; `None` to use a running one as it is.

    Raises:
        NotConfigured: The cluster cannot be started, or runs with another configuration.
    """
    data_dir = DataDir.of(data)
    handle = await enter(data_dir, config)
    try:
        yield _describe(data_dir, handle)
    finally:
        handle.close()


def default_identifier(data: Path | None) -> str | None:
    """Read the id of the cluster that a data directory began with; `None` before its API was used."""
    try:
        return str(json.loads(DataDir.of(data).clusters_file.read_bytes())["default"])
    except FileNotFoundError:
        return None


def stored_bytes(data: Path | None) -> dict[str, int]:
    """Add up what the clusters of a data directory have stored, by id, as ``sys.cluster_size()`` does.

    The files are looked at, since a question to a cluster would start or wake it. Those of a pair have the
    same, and one that nothing has connected to yet has none.

    Raises:
        OSError: They may not be read.
    """
    data_dir = DataDir.of(data)
    try:
        account = json.loads(data_dir.clusters_file.read_bytes())
    except FileNotFoundError:
        return {}
    stored: dict[str, str] = {cluster["identifier"]: cluster["storage"] for cluster in account["clusters"]}
    first = stored[account["default"]]
    sizes = {
        storage: _size(data_dir.postgres if storage == first else data_dir.storages / storage / "postgres")
        for storage in set(stored.values())
    }
    return {identifier: sizes[storage] for identifier, storage in stored.items()}


def _size(postgres: Path) -> int:
    """Add up the files of the database ``postgres`` (PostgreSQL 16, "Database File Layout")."""
    size = 0
    for file in (postgres / "base" / _DATABASE_OID).glob("*"):
        with suppress(FileNotFoundError):  # files come and go
            size += file.stat().st_size
    return size


async def enter(data_dir: DataDir, config: ClusterConfig | None = None) -> ClusterHandle:
    """Connect in a thread; when cancelled meanwhile, close the connection once it is there."""
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
    return LocalCluster(
        HOST,
        handle.port,
        api_url(handle.api_port) if handle.api_port else None,
        data_dir.ca_file,
        keys.region,
        keys.access_key,
        keys.secret_key,
    )
