"""Refusals of function calls: what the call would change, and what to do instead."""

from typing import Final

from awslabs_dsql_mcp.dsql import types
from awslabs_dsql_mcp.dsql.limits import MAX_VALUE_BYTES
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.functions import Effect
from awslabs_dsql_mcp.sql.parse_tree import constant
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.sql.statements import calls

_WRITES_MAY: Final = frozenset({Effect.SEQUENCE, Effect.TRANSACTION_ID})

_TEXTS: Final = {
    Effect.SEQUENCE: (
        "{} moves a sequence on, for everyone and for good: it is a write.",
        (
            "To see a sequence, SELECT last_value FROM its name. To use its next value or set it, call "
            "`transact`."
        ),
    ),
    Effect.TRANSACTION_ID: (
        "{} makes the server assign a transaction id, which a read has no use for.",
        "Use pg_current_xact_id_if_assigned() or pg_current_snapshot().",
    ),
    Effect.SETTING: (
        "{} changes a setting of the session, which the calls after this one share.",
        (
            "Read settings with SHOW or current_setting(). For one transaction, put SET LOCAL first in "
            "`transact`."
        ),
    ),
    Effect.LOCK: (
        "{} takes or frees a lock that outlives the call; Aurora DSQL has no advisory locks.",
        (
            "Leave it out: Aurora DSQL finds conflicts at COMMIT and the unit is run again. SELECT … FOR "
            "UPDATE protects rows."
        ),
    ),
    Effect.SLEEP: (
        "{} only waits, and holds the connection while it does.",
        "Leave it out; to wait for something, call again later.",
    ),
    Effect.NOTIFY: (
        "{} sends a notification to other sessions; Aurora DSQL has none.",
        "Write the message to a table, and let the others read it.",
    ),
    Effect.SIGNAL: (
        "{} acts on the server or on other people's sessions.",
        "Leave it out; to stop a statement of yours, cancel its call.",
    ),
    Effect.FILE: (
        "{} reaches files on the database server.",
        "Read tables with SELECT; settings are in SHOW ALL and pg_settings.",
    ),
    Effect.LARGE_OBJECT: (
        "{} works on large objects, which Aurora DSQL does not have.",
        f"Keep the data in a column of type bytea (at most {MAX_VALUE_BYTES >> 20} MiB a value).",
    ),
    Effect.RUNS_TEXT: (
        "{} runs SQL that it is given as text, which this server cannot check.",
        "Write that query as a statement of its own, or as a subquery.",
    ),
    Effect.BY_NAME: (
        (
            "{} reads relations or types that it is given by name, and runs the code in their views and "
            "CHECKs, which this server cannot see."
        ),
        "Name the tables in FROM; to test if text is a value of a type, cast it: 'text'::type.",
    ),
    Effect.JOB: (
        (
            "{} cannot be called here: it waits for or changes a job, and runs only by CALL outside of a "
            "transaction."
        ),
        (
            "Follow the job with job_status. SELECT job_id, status, details FROM sys.jobs shows it too, "
            "until its status is completed or failed."
        ),
    ),
    Effect.SERVER: (
        "{} is not among the functions that are known to change nothing.",
        (
            "Read with SELECT from tables and views; pg_catalog and information_schema show most of what "
            "it is for."
        ),
    ),
}


def check(source: ParsedStatement, *, executed: bool = True, writes: bool = False) -> Violation | None:
    """Find a call that changes what it must not.

    Args:
        source: The statement.
        executed: False when it is only planned.
        writes: The call may change data, but neither the session nor the server.
    """
    for name, arguments, location in calls(source.tree):
        effect = functions.effect(name, arguments, executed=executed)
        if effect is None or (writes and effect in _WRITES_MAY):
            continue
        if writes and name[-1] == "set_config" and _until_commit(source, location):
            continue
        if effect is Effect.BY_NAME and _of_builtin_type(source, location):
            continue
        return refusal_for(effect, name, location)
    return None


def refusal_for(effect: Effect, name: list[str], location: int) -> Violation:
    """Refuse a call for what it does.

    Args:
        effect: What that is.
        name: The parts of the function's name.
        location: Byte offset of the call.
    """
    why, instead = _TEXTS[effect]
    return Violation(f"function-{effect.value}", location, why.format(f"{'.'.join(name)}()"), instead)


def _until_commit(source: ParsedStatement, location: int) -> bool:
    """Say if a call of set_config is SET LOCAL: its third argument is the constant true."""
    return _last_argument(source, location) == "t"


def _of_builtin_type(source: ParsedStatement, location: int) -> bool:
    """Say if a call of ``pg_input_is_valid`` or the like names a type of PostgreSQL's, as a constant."""
    named = (_last_argument(source, location) or "").lower()
    return any(row.builtin and named in {row.name, row.displayed} for row in types.TYPES.values())


def _last_argument(source: ParsedStatement, location: int) -> str | None:
    """Text of the last argument of the call at a place, when it is a constant."""
    for place in source.tree.find("FuncCall"):
        if place.location == location:
            return constant(place.node.get("args", ({},))[-1])
    return None
