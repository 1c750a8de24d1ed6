"""A refusal as a statement of SQL: PostgreSQL itself fails at the right moment, and its error carries it.

The statement fails when it is *analysed*, by the input function of ``int4``. So PostgreSQL does what belongs
to an error: 25P02 comes first in a failed transaction, a block is aborted, a pipeline is skipped to Sync.
"""

import json
from dataclasses import asdict
from typing import Final

from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal

FEATURE_NOT_SUPPORTED: Final = "0A000"
INVALID_PARAMETER: Final = "22023"
SYNTAX_ERROR: Final = "42601"
UNDEFINED_OBJECT: Final = "42704"
UNDEFINED_FUNCTION: Final = "42883"
TOO_LARGE: Final = "54000"
TOO_MANY_COLUMNS: Final = "54011"

_LETTER: Final = "r"
"""Stands before the nonce: what begins with digits could be out of range before it is no integer."""


def unsupported(message: str) -> Refusal:
    """A refusal with SQLSTATE 0A000, feature_not_supported."""
    return Refusal(FEATURE_NOT_SUPPORTED, message)


def raise_sql(refusal: Refusal, nonce: str) -> str:
    """Write the statement that fails with a refusal.

    Args:
        refusal: Any texts at all; the statement is ASCII, so that no client encoding changes them.
        nonce: What tells this error from one of the client's own: a secret of the session, of letters and
            digits.
    """
    carried = json.dumps({key: text for key, text in asdict(refusal).items() if text is not None})
    return f"SELECT '{_LETTER}{nonce}{carried.replace(chr(39), chr(39) * 2)}'::int4"


def refusal_in(message: str, nonce: str) -> Refusal | None:
    """Take a refusal out of PostgreSQL's error message; ``None`` when it carries none."""
    _, found, carried = message.partition(f"{_LETTER}{nonce}" + "{")
    if not found:
        return None
    fields, _ = json.JSONDecoder().raw_decode("{" + carried)
    return Refusal(**fields)
