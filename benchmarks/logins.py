"""Logging in to the local cluster, as users do."""

from datetime import datetime, timezone

from psycopg.conninfo import make_conninfo

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster


def conninfo(cluster: LocalCluster) -> str:
    """Give libpq's parameters, a fresh token among them."""
    keys = iam_token.Credentials(cluster.access_key, cluster.secret_key, cluster.region)
    return make_conninfo(
        host=cluster.host,
        port=cluster.port,
        user="admin",
        dbname="postgres",
        password=iam_token.issue(cluster.host, "admin", keys, datetime.now(timezone.utc)),
        sslmode="verify-full",
        sslrootcert=str(cluster.ca_file),
    )
