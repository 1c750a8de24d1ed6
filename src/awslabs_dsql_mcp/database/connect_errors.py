"""Failed connections as errors that name the cause."""

from typing import Final

from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.database.login_causes import THIS, find_cause
from awslabs_dsql_mcp.dsql.cluster_names import name_in
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError
from awslabs_dsql_mcp.text import truncate

_MAX_QUOTE: Final = 160  # characters of the message; the rest repeats it


def login_error(failure: Failure) -> DsqlError:
    """Translate a failed connection into an error that names the cause.

    Args:
        failure: The failure that libpq or the server reported; its message may have several lines.
    """
    cause = find_cause(f"{failure.message}\n{failure.hint or ''}")
    if cause is None:
        return ConnectionFailed(
            f"No connection to the cluster: {truncate(failure.message, _MAX_QUOTE)}",
            sqlstate=failure.sqlstate,
            hint="Check the endpoint, the role and the network.",
        )
    quoted = truncate(failure.hint or failure.message, _MAX_QUOTE)
    hint = cause.hint
    # The one that refused, and not the one that the server of this process was started for.
    if name_in(failure.host):
        hint = hint.replace(THIS, f"'{failure.host}'")
    return cause.error(f"{cause.message}: {quoted}", code=cause.code, sqlstate=failure.sqlstate, hint=hint)
