"""Logging in to a local cluster as its users do: TLS, verify-full, and a token for a password."""

from dataclasses import replace
from datetime import datetime, timezone

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.iam_token import ADMIN, Credentials


def keys(cluster: LocalCluster) -> Credentials:
    """The keys that sign the cluster's tokens."""
    return Credentials(cluster.access_key, cluster.secret_key, cluster.region)


def token(cluster: LocalCluster, user: str = ADMIN) -> str:
    """A fresh token."""
    return iam_token.issue(cluster.host, user, keys(cluster), datetime.now(timezone.utc))


def parameters(cluster: LocalCluster, user: str = ADMIN, **changes: str) -> dict[str, str]:
    """The parameters of libpq."""
    return {
        "host": cluster.host,
        "port": str(cluster.port),
        "user": user,
        "dbname": "postgres",
        "password": token(cluster, user),
        "sslmode": "verify-full",
        "sslrootcert": str(cluster.ca_file),
        **changes,
    }


def conninfo(cluster: LocalCluster, user: str = ADMIN, **changes: str) -> str:
    """The parameters of libpq as one string."""
    return make_conninfo("", **parameters(cluster, user, **changes))


def connect(cluster: LocalCluster, user: str = ADMIN, **changes: str) -> psycopg.Connection:
    """A connection of psycopg, in autocommit."""
    return psycopg.connect(conninfo(cluster, user, **changes), autocommit=True)


def login(
    account: LocalCluster,
    endpoint: str,
    *,
    user: str = ADMIN,
    region: str = "us-east-1",
    signed_for: str | None = None,
) -> psycopg.Connection:
    """A connection to a cluster of the account by its endpoint, with a token for it or for another name."""
    signer = replace(keys(account), region=region)
    password = iam_token.issue(signed_for or endpoint, user, signer, datetime.now(timezone.utc))
    return connect(account, user, host=endpoint, hostaddr="127.0.0.1", password=password)


def connect_raw(cluster: LocalCluster, user: str = ADMIN) -> PGconn:
    """A connection of libpq.

    Raises:
        psycopg.OperationalError: It is refused; the text has the reason.
    """
    connection = pq.PGconn.connect(conninfo(cluster, user).encode())
    if connection.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError(connection.get_error_message())
    connection.notice_handler = lambda _: None
    return connection
