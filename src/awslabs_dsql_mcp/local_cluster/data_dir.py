"""The data directory of a local cluster; only its owner can read the files.

::

    credentials.json   access keys and region; made at the first start
    ca.pem             certificate authority that clients trust
    server.pem, .key   certificate and private key of the endpoint
    hosts, hosts.cjs   the cluster's names and address, for the JVM and for Node.js
    port, api_port     ports of the endpoint and of the API, reused while they are free
    clusters.json      the account: its clusters, once the API was used
    postgres/          PostgreSQL's data directory, with its socket
    clusters/          data of further clusters, one directory each, likewise with ``postgres/`` in it
    backups/           data of recovery points, one directory each, likewise
    join.lock          held while a process connects to the daemon or starts it
    daemon.lock        held by the daemon as long as it lives
    daemon.json        port, secret and process id of the daemon
    daemon.log         log of the daemon
"""

import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import IO

from awslabs_dsql_mcp.dsql.cluster_names import name_in
from awslabs_dsql_mcp.dsql.regions import REGIONS
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials

REGION = "us-east-1"
ADDRESS = "127.0.0.1"
HOSTS = ("localhost", f"localhost.dsql.{REGION}.on.aws")
"""Names of every local cluster: the second is for AWS's connectors, which take a host without ``.dsql`` for
the id of a cluster, and for clients that send no name without a dot (SNI), such as those of the JVM."""
CERTIFICATE_NAMES = (*HOSTS, *(f"*.dsql.{region}.on.aws" for region in REGIONS))
"""Names in the certificate: those of every local cluster, and of all endpoints."""
CERTIFICATE_HEAD = f"{' '.join(CERTIFICATE_NAMES)}\n".encode()
"""First line of the certificate's file, by which an older one is known; whoever reads PEM skips it."""
_NODE_HOSTS = """\
// Node.js finds a local cluster by each of its names, once this is loaded first: node --require
const dns = require("node:dns");
const names = new Set(%s);
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(names.has(name) ? "%s" : name, ...rest);
"""
_RENEW_AFTER = timedelta(days=365)
_MAX_LOG = 1_000_000  # bytes kept of former runs


@dataclass(frozen=True)
class DataDir:
    """Paths in the data directory of one local cluster, and its small files."""

    path: Path

    @classmethod
    def of(cls, path: Path | None) -> "DataDir":
        """Return the directory given, or the default one of the user."""
        if path is None:
            import platformdirs  # noqa: PLC0415  not needed when the path is given

            path = platformdirs.user_data_path("awslabs-dsql-mcp", appauthor=False)
        return cls(path.expanduser().resolve())

    def make(self) -> None:
        """Create the directory unless it exists.

        Raises:
            OSError: It cannot be created.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def ensure_credentials(self) -> None:
        """Create the keys unless they exist; to be called with the daemon's lock held."""
        if not self._credentials.exists():
            keys = Credentials(f"LOCAL{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), REGION)
            self.write(self._credentials, json.dumps(asdict(keys)).encode())

    @property
    def _credentials(self) -> Path:
        return self.path / "credentials.json"

    def credentials(self) -> Credentials:
        """Read the access keys.

        Raises:
            FileNotFoundError: No cluster was ever started in this directory.
        """
        return Credentials(**json.loads(self._credentials.read_bytes()))

    def credentials_for(self, host: str) -> Credentials:
        """Read the access keys, with the Region of a cluster by its name.

        Raises:
            FileNotFoundError: No cluster was ever started in this directory.
        """
        keys = self.credentials()
        name = name_in(host)
        return replace(keys, region=name.region) if name else keys

    @property
    def ca_file(self) -> Path:
        """Certificate of the authority, PEM."""
        return self.path / "ca.pem"

    def has_fresh_certificate(self) -> bool:
        """True if the certificates are less than a year old, and for all names."""
        try:
            age = time.time() - self.ca_file.stat().st_mtime
            with self.certificate.open("rb") as certificate:
                names = certificate.readline()
        except FileNotFoundError:
            return False
        return age < _RENEW_AFTER.total_seconds() and names == CERTIFICATE_HEAD

    @property
    def hosts(self) -> Path:
        """The cluster's names with its address, in the form of ``/etc/hosts``."""
        return self.path / "hosts"

    @property
    def node_hosts(self) -> Path:
        """The same as a module of Node.js, which has no such file of its own."""
        return self.path / "hosts.cjs"

    def write_hosts(self, others: Iterable[str] = ()) -> None:
        """Write `hosts` and `node_hosts`; to be called with the daemon's lock held.

        Args:
            others: Names of the endpoints of the account's clusters.
        """
        names = (*HOSTS, *others)
        self.write(self.hosts, f"{ADDRESS} {' '.join(names)}\n".encode())
        self.write(self.node_hosts, (_NODE_HOSTS % (json.dumps(names), ADDRESS)).encode())

    @property
    def certificate(self) -> Path:
        """Certificate of the endpoint, PEM."""
        return self.path / "server.pem"

    @property
    def private_key(self) -> Path:
        """Private key of the endpoint, PEM, not encrypted."""
        return self.path / "server.key"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "postgres"

    @property
    def storages(self) -> Path:
        """Directory of the data of further clusters."""
        return self.path / "clusters"

    @property
    def backups(self) -> Path:
        """Directory of the data of recovery points."""
        return self.path / "backups"

    @property
    def join_lock(self) -> Path:
        """Lock held while a process connects to the daemon or starts it."""
        return self.path / "join.lock"

    @property
    def daemon_lock(self) -> Path:
        """Lock that the daemon holds while it runs."""
        return self.path / "daemon.lock"

    @property
    def daemon_file(self) -> Path:
        """Port, secret and process id of the daemon."""
        return self.path / "daemon.json"

    @property
    def log(self) -> Path:
        """Log of the daemon."""
        return self.path / "daemon.log"

    def open_log(self) -> IO[bytes]:
        """Open the log for appending, emptied when it has grown large."""
        log = open(self.log, "ab", opener=_private)  # noqa: SIM115  the caller closes it
        if log.tell() > _MAX_LOG:
            log.truncate(0)
        return log

    @property
    def clusters_file(self) -> Path:
        """The account: its clusters, and what was answered to client tokens."""
        return self.path / "clusters.json"

    @property
    def port(self) -> int:
        """Last port of the endpoint; 0 before the first start."""
        return _read_port(self.path / "port")

    def keep_port(self, port: int) -> None:
        """Store the port of the endpoint for the next start."""
        if port != self.port:
            self.write(self.path / "port", str(port).encode())

    @property
    def api_port(self) -> int:
        """Last port of the API; 0 before the first start."""
        return _read_port(self.path / "api_port")

    def keep_api_port(self, port: int) -> None:
        """Store the port of the API for the next start."""
        if port != self.api_port:
            self.write(self.path / "api_port", str(port).encode())

    def write(self, path: Path, content: bytes) -> None:
        """Write a file atomically, readable by its owner only."""
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        with open(draft, "xb", opener=_private) as file:
            file.write(content)
        draft.replace(path)


def api_url(port: int) -> str:
    """Return the URL of the API at a port."""
    return f"http://{ADDRESS}:{port}"


def _read_port(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
