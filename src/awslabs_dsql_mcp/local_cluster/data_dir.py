"""The data folder of a local cluster: what lies where, written so that only its owner reads it.

::

    credentials.json   the keys that sign tokens, and the region; made at the first start
    ca.pem             what clients trust
    server.pem, .key   the endpoint's certificate
    port               the endpoint's port, kept while it is free
    postgres/          PostgreSQL's data directory, with its socket
    join.lock          held while a process joins or starts the cluster
    daemon.lock        held by the daemon as long as it lives
    daemon.json        where the daemon is found, and the secret that it asks for
    daemon.log         what the daemon and PostgreSQL say
"""

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from awslabs_dsql_mcp.local_cluster.iam_token import Credentials

REGION = "us-east-1"
_RENEW_AFTER = timedelta(days=365)
_MAX_LOG = 1_000_000  # bytes kept of former runs


@dataclass(frozen=True)
class DataDir:
    """One local cluster's folder; paths, and what little is read from them and written to them."""

    path: Path

    @classmethod
    def of(cls, path: Path | None) -> "DataDir":
        """Take the folder given, or the user's own for application data."""
        if path is None:
            import platformdirs  # noqa: PLC0415  not needed when the folder is given

            path = platformdirs.user_data_path("awslabs-dsql-mcp", appauthor=False)
        return cls(path.expanduser().resolve())

    def make(self) -> None:
        """Make the folder unless it exists.

        Raises:
            OSError: It cannot be made.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def ensure_credentials(self) -> None:
        """Make the keys unless they exist; the holder of the daemon's lock does this."""
        if not self._credentials.exists():
            keys = Credentials(f"LOCAL{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), REGION)
            self.write(self._credentials, json.dumps(asdict(keys)).encode())

    @property
    def _credentials(self) -> Path:
        return self.path / "credentials.json"

    def credentials(self) -> Credentials:
        """Read the keys.

        Raises:
            FileNotFoundError: No cluster was ever started in this data_dir.
        """
        return Credentials(**json.loads(self._credentials.read_bytes()))

    @property
    def ca_file(self) -> Path:
        """The authority's certificate, PEM."""
        return self.path / "ca.pem"

    def has_fresh_certificate(self) -> bool:
        """True if the certificates are less than a year old."""
        try:
            return time.time() - self.ca_file.stat().st_mtime < _RENEW_AFTER.total_seconds()
        except FileNotFoundError:
            return False

    @property
    def certificate(self) -> Path:
        """The endpoint's certificate, PEM."""
        return self.path / "server.pem"

    @property
    def private_key(self) -> Path:
        """The endpoint's private key, PEM, not encrypted."""
        return self.path / "server.key"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "postgres"

    @property
    def join_lock(self) -> Path:
        """The lock that orders those who join."""
        return self.path / "join.lock"

    @property
    def daemon_lock(self) -> Path:
        """The lock that the living daemon holds."""
        return self.path / "daemon.lock"

    @property
    def daemon_file(self) -> Path:
        """Where the daemon is found."""
        return self.path / "daemon.json"

    @property
    def log(self) -> Path:
        """What the daemon and PostgreSQL say."""
        return self.path / "daemon.log"

    def open_log(self) -> IO[bytes]:
        """Open the log for appending, emptied when it has grown large."""
        log = open(self.log, "ab", opener=_private)  # noqa: SIM115  the caller closes it
        if log.tell() > _MAX_LOG:
            log.truncate(0)
        return log

    @property
    def port(self) -> int:
        """The endpoint's last port, 0 when there was none."""
        try:
            return int((self.path / "port").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def keep_port(self, port: int) -> None:
        """Remember the endpoint's port for the next start."""
        if port != self.port:
            self.write(self.path / "port", str(port).encode())

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all, for the owner's eyes only."""
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        with open(draft, "xb", opener=_private) as file:
            file.write(content)
        draft.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
