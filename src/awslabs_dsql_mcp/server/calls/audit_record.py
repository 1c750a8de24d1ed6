"""A record of a call, for those who answer for what agents do.

An outcome is one of:

===============  =======================================================================
``done``         it answered, and changed nothing
``committed``    its transaction was stored
``rolled_back``  its transaction was a dry run, or it said itself that nothing was stored
``failed``       it was refused or failed; nothing was stored
``partial``      it failed or was cancelled when some of its transactions were stored
``unknown``      it may or may not have been stored
``cancelled``    the client gave it up, or the server ended; nothing was stored
``asked``        its user's confirmation was asked for; the same call comes again with it
===============  =======================================================================

Of a change of the account's clusters it is

===============  =======================================================================
``done``         it answered, and asked nothing of AWS: it was so already
``changed``      AWS shows the change, as it was read back
``requested``    AWS has taken it, and does not show it, or all of it, yet
``partial``      it failed, and AWS had taken a part of it
``unknown``      it may or may not have been made: an answer of AWS is lost
===============  =======================================================================

and ``failed``, ``cancelled`` and ``asked`` as above: AWS has taken nothing of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, Literal, Protocol, cast

from awslabs_dsql_mcp.tools.offered import CHANGING_CLUSTERS

CallStatus = Literal["answered", "failed", "asked", "cancelled"]

_SQL: Final = ("sql", "sql_list", "statements")
_OF_MANY: Final = ("migrate", "batch_write", "load_rows")
_OF_RUNS: Final = {
    "finished": "committed",
    "done": "committed",
    "paused": "partial",
    "dry_run": "rolled_back",
}
_MOST_OF_NAME: Final = 300  # characters; an ARN has fewer
# Which cluster stands beside; a token of a dry run would confirm a change.
_NOT_TOLD: Final = frozenset({*_SQL, "cluster", "dry_run_token"})


@dataclass(frozen=True)
class CallRecord:
    """A call that has ended.

    Attributes:
        tool: Its name.
        arguments: As the client sent them.
        began: When, with its time zone.
        milliseconds: How long it took.
        cluster: Where, if there are several clusters.
        attempts: Runs of the transaction that was run most often.
        status: How it ended.
        structured: The structured content of its answer or of its error.
        commits: Number of its transactions that are known to be stored.
        commits_in_doubt: Number of its transactions that may be stored.
        requests: Number of changes of the account that AWS has taken.
        requests_in_doubt: Number of those that it may have taken.
    """

    tool: str
    arguments: Mapping[str, object]
    began: datetime
    milliseconds: float
    cluster: str | None
    attempts: int
    status: CallStatus
    structured: Mapping[str, object]
    commits: int = 0
    commits_in_doubt: int = 0
    requests: int = 0
    requests_in_doubt: int = 0


class AuditTrail(Protocol):
    """Keeps records of calls."""

    @property
    def parameters(self) -> bool:
        """True if records hold the arguments other than SQL."""
        ...

    def write(self, record: Mapping[str, object]) -> None:
        """Keep a record; it raises nothing, since the call is done by then."""
        ...


def build_record(call: CallRecord, *, parameters: bool) -> dict[str, object]:
    """Make the record of a call, ready for JSON.

    What a database said is not in it, since that may quote rows.

    Args:
        call: The call.
        parameters: True to record its values, and other arguments than SQL.
    """
    began = call.began.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    told: dict[str, object] = {"time": began.replace("+00:00", "Z"), "tool": call.tool}
    if call.cluster is not None:
        told["cluster"] = call.cluster
    told["sql"] = _statements(call.arguments)
    if call.tool == "export_query":
        told["file"] = call.arguments.get("path")
    if changes := call.tool in CHANGING_CLUSTERS:
        told |= _change(call)
    if parameters:
        told["arguments"] = {key: call.arguments[key] for key in call.arguments if key not in _NOT_TOLD}
    told |= {
        "outcome": _outcome_of_change(call) if changes else _outcome(call),
        "attempts": call.attempts,
        "rows": _rows(call.structured),
        "ms": round(call.milliseconds, 1),
    }
    if call.status == "failed":
        told["error"] = {"code": call.structured.get("code"), "sqlstate": call.structured.get("sqlstate")}
    return told


def _statements(arguments: Mapping[str, object]) -> list[object]:
    given = [arguments[name] for name in _SQL if name in arguments]
    return [sql for one in given for sql in (cast("list[object]", one) if isinstance(one, list) else [one])]


def _outcome(call: CallRecord) -> object:
    if call.status == "answered":
        outcome = call.structured.get("outcome") or _OF_RUNS.get(_run(call), "done")
        return "done" if outcome == "read" else outcome
    if call.status == "cancelled":
        return _cancelled(call)
    if call.status != "failed":
        return call.status
    if call.structured.get("outcome") in ("partial", "unknown"):
        return call.structured["outcome"]
    if call.structured.get("code") == "internal_error" or call.structured.get("committed", False) is None:
        return "unknown"
    return "committed" if call.structured.get("committed") else "failed"


def _cancelled(call: CallRecord) -> str:
    """Describe the outcome of a call that gives no answer: what its COMMITs did."""
    if call.commits_in_doubt:
        return "unknown"
    stored = "partial" if call.tool in _OF_MANY else "committed"
    return stored if call.commits else "cancelled"


def _change(call: CallRecord) -> dict[str, object]:
    """Tell which change of which clusters was asked for: names and ids are no secrets."""
    given, facts = call.arguments, call.structured
    about = facts.get("clusters") or ([facts] if "identifier" in facts else [])
    ids = [each.get("arn") or each.get("identifier") for each in cast("list[Mapping[str, object]]", about)]
    if call.tool == "change_cluster":
        return {"action": _short(given.get("action")), "clusters": ids or [_short(given.get("cluster_id"))]}
    point = given.get("recovery_point_arn")
    named: dict[str, object] = {
        "action": "restore" if point else "create",
        "name": _short(given.get("name")),
        "regions": _short(given.get("regions")),
        "clusters": ids,
    }
    return named | ({"recovery_point": _short(point)} if point else {})


def _short(value: object) -> str:
    """Cut what may be of any size and kind."""
    text = ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    return text if len(text) <= _MOST_OF_NAME else f"{text[:_MOST_OF_NAME]}…"


def _outcome_of_change(call: CallRecord) -> str:
    """Describe what became of clusters: what the answer says, or the requests that AWS has taken."""
    told = str(call.structured.get("outcome", ""))
    if call.status == "answered":
        return told if told not in ("", "unchanged") else "done"
    if call.status == "asked" or told == "partial":
        return told or "asked"
    if call.requests_in_doubt or call.structured.get("committed", False) is None:
        return "unknown"
    taken = "requested" if call.status == "cancelled" else "partial"
    return taken if call.requests else call.status


def _run(call: CallRecord) -> str:
    """Describe the outcome of a call of many transactions."""
    return str(call.structured.get("status", call.structured.get("state"))) if call.tool in _OF_MANY else ""


def _rows(facts: Mapping[str, object]) -> int | None:
    """Count the rows that were read or changed, where the answer says how many."""
    statements = facts.get("statements")
    counted = cast("list[Mapping[str, object]]", statements) if isinstance(statements, list) else [facts]
    counts = [one.get("row_count", one.get("rows")) for one in counted]
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None
