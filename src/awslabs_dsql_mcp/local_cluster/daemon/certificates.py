"""The endpoint's certificate, signed by an authority that exists for this data folder alone."""

import time
from datetime import timedelta
from pathlib import Path

from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

_RENEW_AFTER = timedelta(days=365)


def ensure(data_dir: DataDir) -> None:
    """Make the authority and the certificate unless there are some less than a year old.

    Both are made anew together and the authority's private key is never stored: nobody can sign
    another certificate that a user who trusts ``ca.pem`` would accept.
    """
    if _is_fresh(data_dir.ca_file):
        return
    from awslabs_dsql_mcp.local_cluster.daemon import authority  # noqa: PLC0415  slow, and needed once a year

    identity = authority.make_identity()
    data_dir.write(data_dir.private_key, identity.private_key)
    data_dir.write(data_dir.certificate, identity.certificate)
    data_dir.write(data_dir.ca_file, identity.authority)  # last: it says that the others are there


def _is_fresh(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _RENEW_AFTER.total_seconds()
    except FileNotFoundError:
        return False
