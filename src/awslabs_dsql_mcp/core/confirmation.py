"""Which transactions want a yes, and the tokens by which a dry run vouches for the same statements.

A token is bound to the exact statements and values, to this process and to a time, and is good for one run:
models learn to set a flag named "confirm", they cannot make one of these.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from awslabs_dsql_mcp.core.transactions import Query

if TYPE_CHECKING:
    from awslabs_dsql_mcp.core.statements import Statement

Confirm = Literal["always", "auto", "never"]
TOKEN_LIFE = 600
"""Seconds for which a dry run's token is taken."""

_LENGTH = 16
_SHOWN = 600


def wants_yes(policy: Confirm, statements: "Sequence[Statement]") -> bool:
    """Tell whether a transaction wants the user's yes.

    Args:
        policy: ``always`` for every change; ``auto`` for what drops something, and for UPDATE and DELETE
            without WHERE; ``never``.
        statements: What is about to run.
    """
    if policy == "auto":
        return any(statement.drops or statement.whole_table for statement in statements)
    changes = (statement.category != "read" or statement.user_functions for statement in statements)
    return policy == "always" and any(changes)


def question(queries: Sequence[Query]) -> str:
    """Word the question for the user; the same for the same statements."""
    listed = "\n".join(map(_with_values, queries))
    shown = listed if len(listed) <= _SHOWN else f"{listed[:_SHOWN]} … ({len(listed):,} characters in all)"
    return f"Run on the Aurora DSQL cluster, in one transaction?\n{shown}"


def _with_values(query: Query) -> str:
    values = (f"\n  ${number} = {json.dumps(value)}" for number, value in enumerate(query.params, 1))
    return query.sql.strip() + "".join(values)


def token(queries: Sequence[Query], *, key: bytes, now: float, nonce: str) -> str:
    """Make the token of a dry run.

    Args:
        queries: What was run dry.
        key: Secret of this process.
        now: Seconds, on a clock that this process keeps to.
        nonce: Something fresh, so that no two tokens are alike.
    """
    return _stamp(queries, key, int(now), nonce)


def vouches(given: str, queries: Sequence[Query], *, key: bytes, now: float) -> bool:
    """Tell whether a token was made for these statements, in time.

    Args:
        given: What the caller sent.
        queries: What is about to run.
        key: Secret of this process.
        now: Seconds, on the same clock.
    """
    moment, _, rest = given.partition("-")
    if not (moment.isascii() and moment.isdigit() and 0 <= now - int(moment) <= TOKEN_LIFE + 1):
        return False
    expected = _stamp(queries, key, int(moment), rest.partition("-")[0])
    return hmac.compare_digest(given.encode(), expected.encode())


def _stamp(queries: Sequence[Query], key: bytes, moment: int, nonce: str) -> str:
    text = json.dumps([moment, nonce, [[query.sql, query.params] for query in queries]])
    return f"{moment}-{nonce}-{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_LENGTH]}"
