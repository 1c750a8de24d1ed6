"""The environment in which PostgreSQL's and AWS's clients find a local cluster."""

import shlex
from collections.abc import Mapping
from datetime import datetime

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import HOST
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.endpoint.authentication import DATABASE


def client_env(data_dir: DataDir, port: int, user: str, now: datetime) -> dict[str, str]:
    """Return the variables of libpq (PostgreSQL documentation, 34.15) and of AWS's SDKs.

    The password is a token for `user` that lasts a week: it is no more secret than the key beside it.

    Args:
        data_dir: The data directory of the cluster.
        port: The port of its endpoint.
        user: The role to log in as.
        now: The time, with its zone.
    """
    keys = data_dir.credentials()
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_REGION": keys.region,
        "AWS_DEFAULT_REGION": keys.region,  # boto3 reads this one alone
        "PGHOST": HOST,
        "PGPORT": str(port),
        "PGUSER": user,
        "PGDATABASE": DATABASE,
        "PGPASSWORD": iam_token.issue(HOST, user, keys, now, limits.MAX_TOKEN_SECONDS),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(data_dir.ca_file),
    }


# An older session's token or profile would be taken with, or before, the keys.
_ABSENT = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "PGHOSTADDR", "PGSERVICE")


def in_sh(variables: Mapping[str, str]) -> str:
    """Format variables for ``eval`` in a POSIX shell."""
    given = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*given, f"unset {' '.join(_ABSENT)}"])


def in_powershell(variables: Mapping[str, str]) -> str:
    """Format variables for ``Invoke-Expression`` in PowerShell."""
    given = [f"$env:{name} = {powershell(value)}" for name, value in variables.items()]
    return "\n".join([*given, *(f"$env:{name} = $null" for name in _ABSENT)])


def powershell(text: str) -> str:
    """Quote a text for PowerShell."""
    return "'" + text.replace("'", "''") + "'"
