"""Translation of the errors of PostgreSQL to those of Aurora DSQL.

Sources: Aurora DSQL user guide, "Troubleshooting" and "Concurrency control"; records of live clusters.
"""

import re
from collections.abc import Mapping
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster.dialect import OWN_PREFIX, Refusal, refusal_in
from awslabs_dsql_mcp.local_cluster.session.transaction import CATALOG_CONFLICT, DATA_CONFLICT, too_old

LOCK_TIMEOUT: Final = "55P03"
UNIQUE_VIOLATION: Final = "23505"
FOREIGN_KEY: Final = "23503"
IN_FAILED: Final = "25P02"
CANCELLED: Final = "57014"
CONFLICTS: Final = frozenset({LOCK_TIMEOUT, "40001", "40P01", UNIQUE_VIOLATION})
NAMES: Final = frozenset(
    ("42P07", "42710", "42P06", "42701", "42723", "42P01", "42704", "42703", "42883", "3F000")
)
"""SQLSTATEs of a name that is there, or is not: in PostgreSQL now, in Aurora DSQL as a transaction began."""
_LIMITS: Final = {
    ("temporary file size exceeds",): Refusal(
        "54000", f"query requires more than allowed temp space of {limits.MAX_TEMP_KIB} KB to execute"
    ),
    ("index row size ", "index row requires "): Refusal("54000", "key size too large"),
}
_NO_KEY: Final = re.compile("data type (.+) has no default operator class for access method")
_CATALOG_RACE: Final = re.compile(
    "tuple concurrently |cache lookup failed for |could not open relation with OID "
)
_SETTINGS: Final = {"server_version": "16.15"}
_POSITIONS: Final = frozenset("Ppq")
_INNER: Final = frozenset("WFLR")


def with_true_cause(fields: dict[str, str], *, may_be_cancelled: bool) -> dict[str, str]:
    """Call a lock timeout by its name where PostgreSQL calls it a cancellation.

    A timeout that ends as the lock is granted interrupts the statement's next wait for a lock, at whose
    beginning PostgreSQL forgets that there was one (PostgreSQL 16, ``ProcSleep``).

    Args:
        fields: Fields of the error.
        may_be_cancelled: True if somebody may have cancelled the statement.
    """
    if fields["C"] != CANCELLED or may_be_cancelled or not fields["M"].endswith("due to user request"):
        return fields
    return fields | {"C": LOCK_TIMEOUT, "M": "canceling statement due to lock timeout"}


def is_about_a_row(fields: Mapping[str, str]) -> bool:
    """Return true if a conflict is about a row, false if it is about the definition of a table.

    PostgreSQL names the tuple in the context of an error that comes while it waits for one.
    """
    return fields["C"] != LOCK_TIMEOUT or " tuple (" in fields.get("W", "")


def translate_error(
    fields: Mapping[str, str], nonce: str, longest: float, *, changed: bool, inserted: int = 0
) -> dict[str, str]:
    """Translate an error of PostgreSQL to that of Aurora DSQL.

    Args:
        fields: Fields of the error.
        nonce: Marks refusals of our own.
        longest: Maximum seconds of a transaction.
        changed: True if the statement was rewritten, so positions in it mean nothing.
        inserted: Characters in front of it that the client did not write.
    """
    if refusal := _translated(fields, nonce, longest):
        return as_fields(refusal)
    shown = without_ours(fields, changed=changed)
    if inserted and "P" in shown:
        shown["P"] = str(int(shown["P"]) - inserted)
    return shown


def without_ours(fields: Mapping[str, str], *, changed: bool) -> dict[str, str]:
    """Leave out of an error or a notice what only the local cluster has: its functions, and lines in them.

    Args:
        fields: Its fields.
        changed: True if the statement was rewritten, so positions in it mean nothing.
    """
    left_out = _INNER | (_POSITIONS if changed or OWN_PREFIX in fields.get("q", "") else frozenset[str]())
    shown = {key: text for key, text in fields.items() if key not in left_out}
    if OWN_PREFIX in (detail := shown.pop("D", "")):
        detail = "\n".join(line for line in detail.split("\n") if OWN_PREFIX not in line)
    return shown | {"D": detail} if detail else shown


def as_fields(refusal: Refusal) -> dict[str, str]:
    """Return the fields of the error for a refusal."""
    fields = {"S": "ERROR", "V": "ERROR", "C": refusal.sqlstate, "M": refusal.message}
    if refusal.detail:
        fields["D"] = refusal.detail
    if refusal.hint:
        fields["H"] = refusal.hint
    return fields


def _translated(fields: Mapping[str, str], nonce: str, longest: float) -> Refusal | None:
    code, message = fields["C"], fields["M"]
    if code == "22P02":
        return refusal_in(message, nonce)
    if code in ("40001", "40P01"):
        return None if "(OC00" in message else DATA_CONFLICT
    if _is_about_the_catalog(fields):
        return CATALOG_CONFLICT
    if code == LOCK_TIMEOUT:
        return DATA_CONFLICT if is_about_a_row(fields) else CATALOG_CONFLICT
    if code == CANCELLED and "statement timeout" in message:
        return too_old(longest, longest)
    return _translated_limit(message)


def _is_about_the_catalog(fields: Mapping[str, str]) -> bool:
    """Return true if two changes of the schema met in the catalog, where PostgreSQL reports its own rows."""
    if fields["C"] == UNIQUE_VIOLATION:
        return fields.get("s") == "pg_catalog"
    return fields["C"] == "XX000" and bool(_CATALOG_RACE.match(fields["M"]))


def _translated_limit(message: str) -> Refusal | None:
    for starts, refusal in _LIMITS.items():
        if message.startswith(starts):
            return refusal
    if no_key := _NO_KEY.match(message):
        return Refusal("0A000", f"datatype {no_key[1]} is not supported in a key")
    return None


def at_commit(fields: Mapping[str, str]) -> Refusal:
    """Return the error of changes that cannot be written back at COMMIT: mostly a conflict."""
    if fields["C"] in CONFLICTS | {FOREIGN_KEY, CANCELLED}:
        return DATA_CONFLICT
    return Refusal(fields["C"], fields["M"], fields.get("H"), fields.get("D"))


def setting(name: str, value: str) -> str:
    """Return the value of a setting that is reported at the start of a session."""
    return _SETTINGS.get(name, value)
