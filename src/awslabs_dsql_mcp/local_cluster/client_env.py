"""The environment in which PostgreSQL's and AWS's clients find a local cluster."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import HOST
from awslabs_dsql_mcp.local_cluster.data_dir import ADDRESS, DataDir, api_url
from awslabs_dsql_mcp.local_cluster.endpoint.authentication import DATABASE


def client_env(
    data_dir: DataDir,
    port: int,
    api_port: int | None,
    user: str,
    now: datetime,
    host: str = HOST,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the variables of libpq (PostgreSQL documentation, 34.15), of AWS's SDKs and of Node.js.

    The address is given beside the name, of which AWS's connectors make another one. The password is a
    token for `user` that lasts a week: it is no more secret than the key beside it.

    Args:
        data_dir: The data directory of the cluster.
        port: The port of its endpoint.
        api_port: The port of its API, if it has one.
        user: The role to log in as.
        now: The time, with its zone.
        host: The name of the cluster, or of another one's endpoint, whose Region is then the environment's.
        environ: The environment of who asks, whose exceptions from its proxy are kept.
    """
    keys = data_dir.credentials_for(host)
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_REGION": keys.region,
        "AWS_DEFAULT_REGION": keys.region,  # boto3 reads this one alone
        **(_api(api_port, environ) if api_port else {}),
        "PGHOST": host,
        "PGHOSTADDR": ADDRESS,
        "PGPORT": str(port),
        "PGUSER": user,
        "PGDATABASE": DATABASE,
        "PGPASSWORD": iam_token.issue(host, user, keys, now, limits.MAX_TOKEN_SECONDS),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(data_dir.ca_file),
        "NODE_EXTRA_CA_CERTS": str(data_dir.ca_file),  # beside the authorities that Node.js knows
    }


_API_URLS: Final = ("AWS_ENDPOINT_URL_DSQL", "AWS_ENDPOINT_URL_BACKUP", "AWS_ENDPOINT_URL_STS")


def _api(port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead to the API, past a proxy that knows nothing of this machine.

    Clients read one or both spellings; Python lets the lower-case one win (its documentation,
    ``urllib.request.getproxies``).
    """
    given = {name: environ.get(name, "") for name in ("NO_PROXY", "no_proxy")}
    known = [each.strip() for value in given.values() for each in value.split(",") if each.strip()]
    hosts = known if "*" in known else [*known, ADDRESS, HOST]
    return {
        **dict.fromkeys(_API_URLS, api_url(port)),
        **dict.fromkeys(given, ",".join(dict.fromkeys(hosts))),
    }


# An older session's token or profile would be taken with, or before, the keys.
_ABSENT = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "PGSERVICE")
_PLAIN = re.compile(r"[\w%&=/?.:+~,*-]+")


def _in_sh(variables: Mapping[str, str]) -> str:
    """Format variables for ``eval`` in a POSIX shell."""
    given = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*given, f"unset {' '.join(_ABSENT)}"])


def _in_fish(variables: Mapping[str, str]) -> str:
    """Format variables for ``source`` in fish."""
    quoted = {name: re.sub(r"([\\'])", r"\\\1", value) for name, value in variables.items()}
    given = [f"set -gx {name} '{value}'" for name, value in quoted.items()]
    return "\n".join([*given, *(f"set -e {name}" for name in _ABSENT)])


def _in_dotenv(variables: Mapping[str, str]) -> str:
    """Format variables as a file of ``NAME=value`` lines, quoted only where needed: Docker takes none."""
    return "\n".join(
        f"{name}={value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)}"
        for name, value in variables.items()
    )


def _in_json(variables: Mapping[str, str]) -> str:
    """Format variables as an object; null stands for one that must not be set."""
    return json.dumps({**variables, **dict.fromkeys(_ABSENT)}, indent=2)


def _in_powershell(variables: Mapping[str, str]) -> str:
    """Format variables for ``Invoke-Expression`` in PowerShell."""
    given = [f"$env:{name} = {powershell(value)}" for name, value in variables.items()]
    return "\n".join([*given, *(f"$env:{name} = $null" for name in _ABSENT)])


FORMATS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    "sh": _in_sh,
    "fish": _in_fish,
    "powershell": _in_powershell,
    "dotenv": _in_dotenv,
    "json": _in_json,
}
"""Functions that format variables, by the name of the format."""


def powershell(text: str) -> str:
    """Quote a text for PowerShell."""
    return "'" + text.replace("'", "''") + "'"
