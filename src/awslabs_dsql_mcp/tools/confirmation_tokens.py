"""Which transactions want a yes, and the tokens by which a dry run vouches for the same statements.

A token is bound to the exact statements and values, to this process and to a time, and is good for one run:
models learn to set a flag named "confirm", they cannot make one of these.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.text import truncate_counted

if TYPE_CHECKING:
    from awslabs_dsql_mcp.sql.statements import StatementInfo

ConfirmPolicy = Literal["always", "auto", "never"]
TOKEN_LIFE = 600
"""Seconds for which a dry run's token is taken."""

_LENGTH = 16
_MAX_SHOWN = 300
_MAX_LENGTH = 10


def needs_confirmation(policy: ConfirmPolicy, statements: "Sequence[StatementInfo]") -> bool:
    """Tell whether a transaction wants the user's yes.

    Args:
        policy: ``always`` for every transaction that may write;
            ``auto`` for what drops something, and for UPDATE and DELETE
            without WHERE; ``never``.
        statements: What is about to run.
    """
    if policy == "auto":
        return any(statement.drops or statement.whole_table for statement in statements)
    return policy == "always"  # a read may write as well, through a view or a function


def prompt(queries: Sequence[Query], statements: "Sequence[StatementInfo]") -> str:
    """Word the question for the user; the same for the same statements.

    What each statement is stands before its text, and the gravest stand first, so that no long text can
    hide them.
    """
    pairs = list(enumerate(zip(queries, statements, strict=True), 1))
    pairs.sort(key=lambda pair: not (pair[1][1].drops or pair[1][1].whole_table))
    shown = [
        f"{number}. {_with_values(query, statement)}" for number, (query, statement) in pairs[:_MAX_LENGTH]
    ]
    more = f"\n… and {len(pairs) - _MAX_LENGTH} more" if len(pairs) > _MAX_LENGTH else ""
    return "Run on the Aurora DSQL cluster, in one transaction?\n" + "\n".join(shown) + more


def _with_values(query: Query, statement: "StatementInfo") -> str:
    what = statement.kind + (", every row" if statement.whole_table else "")
    values = (
        f"\n  ${number} = {truncate_counted(json.dumps(value, default=str, ensure_ascii=False), _MAX_SHOWN)}"
        for number, value in enumerate(query.params[:_MAX_LENGTH], 1)
    )
    return f"{what}: {truncate_counted(query.sql.strip(), _MAX_SHOWN)}" + "".join(values)


def token(queries: Sequence[Query], *, key: bytes, now: float, nonce: str) -> str:
    """Make the token of a dry run.

    Args:
        queries: What was run dry.
        key: Secret of this process.
        now: Seconds, on a clock that this process keeps to.
        nonce: Something fresh, so that no two tokens are alike.
    """
    return _signature(queries, key, int(now), nonce)


def verify_token(given: str, queries: Sequence[Query], *, key: bytes, now: float) -> bool:
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
    expected = _signature(queries, key, int(moment), rest.partition("-")[0])
    return hmac.compare_digest(given.encode(), expected.encode())


def _signature(queries: Sequence[Query], key: bytes, moment: int, nonce: str) -> str:
    text = json.dumps([moment, nonce, [[query.sql, query.params] for query in queries]], default=str)
    return f"{moment}-{nonce}-{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_LENGTH]}"
