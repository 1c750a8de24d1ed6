"""What the client is told in place of PostgreSQL's own words.

Sources: Aurora DSQL user guide, "Troubleshooting" and "Concurrency control"; records of live clusters.
"""

import re
from collections.abc import Mapping
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, refusal_in
from awslabs_dsql_mcp.local_cluster.session.transaction import CATALOG_CONFLICT, DATA_CONFLICT, too_old

LOCK_TIMEOUT: Final = "55P03"
UNIQUE_VIOLATION: Final = "23505"
FOREIGN_KEY: Final = "23503"
IN_FAILED: Final = "25P02"
CANCELLED: Final = "57014"
CONFLICTS: Final = frozenset({LOCK_TIMEOUT, "40001", "40P01", UNIQUE_VIOLATION})
_LIMITS: Final = {
    ("temporary file size exceeds",): Refusal(
        "54000", "query requires more than allowed temp space of 131072 KB to execute"
    ),
    ("index row size ", "index row requires "): Refusal("54000", "key size too large"),
}
_NO_KEY: Final = re.compile("data type (.+) has no default operator class for access method")
_SETTINGS: Final = {"server_version": "16.15"}
_POSITIONS: Final = frozenset("Ppq")
_INNER: Final = frozenset("WFLR")


def is_about_a_row(fields: Mapping[str, str]) -> bool:
    """Tell a conflict over a row from one over a table's definition.

    PostgreSQL names the tuple in the context of an error that comes while it waits for one.
    """
    return fields["C"] != LOCK_TIMEOUT or " tuple (" in fields.get("W", "")


def translate_error(
    fields: Mapping[str, str], nonce: str, longest: float, *, changed: bool
) -> dict[str, str]:
    """Word an error as Aurora DSQL would.

    Args:
        fields: PostgreSQL's error.
        nonce: Marks refusals of our own.
        longest: Seconds that a transaction may take.
        changed: The statement is not as the client wrote it, so places in it mean nothing.
    """
    if refusal := _translated(fields, nonce, longest):
        return as_fields(refusal)
    left_out = _INNER | (_POSITIONS if changed else frozenset[str]())
    return {key: text for key, text in fields.items() if key not in left_out}


def as_fields(refusal: Refusal) -> dict[str, str]:
    """Write a refusal as an error's fields."""
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
    if code == LOCK_TIMEOUT:
        return DATA_CONFLICT if is_about_a_row(fields) else CATALOG_CONFLICT
    if code == CANCELLED and "statement timeout" in message:
        return too_old(longest, longest)
    return _translated_limit(message)


def _translated_limit(message: str) -> Refusal | None:
    for starts, refusal in _LIMITS.items():
        if message.startswith(starts):
            return refusal
    if no_key := _NO_KEY.match(message):
        return Refusal("0A000", f"datatype {no_key[1]} is not supported in a key")
    return None


def at_commit(fields: Mapping[str, str]) -> Refusal:
    """Word why changes could not be written back at COMMIT: mostly since somebody was faster."""
    if fields["C"] in CONFLICTS | {FOREIGN_KEY, CANCELLED}:
        return DATA_CONFLICT
    return Refusal(fields["C"], fields["M"], fields.get("H"), fields.get("D"))


def setting(name: str, value: str) -> str:
    """Give the value of a setting that clients are told of at the start."""
    return _SETTINGS.get(name, value)
