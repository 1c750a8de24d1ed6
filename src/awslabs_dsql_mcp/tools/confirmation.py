"""Confirmation of changes: by the user, or by the token of a dry run of the same statements.

A token is bound to the exact statements and values, to this process and to a time, and is good for one run:
models learn to set a flag named "confirm", they cannot make one of these.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import truncate_counted

ConfirmPolicy = Literal["always", "auto", "never"]
TOKEN_LIFE: Final = 600
"""Seconds for which a dry run's token is valid."""

_SIGNATURE_LENGTH: Final = 16
_MAX_TEXT: Final = 300  # characters of a statement or a value that are shown
_MAX_LISTED: Final = 10


class TransactionConfirmation:
    """The operator's policy, and the tokens that dry runs gave.

    Args:
        confirm: Which changes need confirmation.
        clock: Monotonic seconds.
    """

    def __init__(self, confirm: ConfirmPolicy, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._confirm: ConfirmPolicy = confirm
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._spent: dict[str, float] = {}

    def prompt(
        self,
        queries: Sequence[Query],
        statements: Sequence[StatementInfo],
        *,
        can_ask: bool,
        otherwise: str,
    ) -> str | None:
        """Give the question for the user; ``None`` for no question.

        Args:
            queries: The queries that are about to run.
            statements: What each of them is.
            can_ask: True if the client can put a question to its user.
            otherwise: What to do where confirmation is needed and the client cannot ask.

        Raises:
            NotConfirmed: Each change needs confirmation, and the client cannot ask its user.
        """
        if not _needs_confirmation(self._confirm, statements):
            return None
        if can_ask:
            return _question(queries, statements)
        if self._confirm != "always":
            return None
        raise NotConfirmed(
            "Each change needs confirmation, and this client cannot ask its user. Nothing was run.",
            hint=otherwise,
        )

    def token(self, queries: Sequence[Query]) -> str:
        """Give the token of a dry run."""
        return _signature(queries, self._key, int(self._clock()), secrets.token_hex(4))

    def is_valid(self, token: str, queries: Sequence[Query]) -> bool:
        """Check that a token is of a dry run of the same, and was not used."""
        fresh = token not in self._spent
        return fresh and _is_signed(token, queries, key=self._key, now=self._clock())

    def consume(self, token: str) -> None:
        """Remember a token that is used, as long as it would be taken."""
        now = self._clock()
        kept = {t: since for t, since in self._spent.items() if now - since <= 2 * TOKEN_LIFE}
        self._spent = kept | {token: now}


class BatchConfirmation(TransactionConfirmation):
    """Confirmation for tools whose change takes many transactions."""

    def prompt_for(
        self, tool: str, queries: Sequence[Query], statements: Sequence[StatementInfo], *, can_ask: bool
    ) -> str | None:
        """Give the question before a tool's batches; see `prompt`."""
        otherwise = f"Call {tool} with dry_run=true, then again with the dry_run_token that it gave."
        asked = self.prompt(queries, statements, can_ask=can_ask, otherwise=otherwise)
        return asked and asked.replace("in one transaction", "in batches, a transaction each", 1)

    def redeem(self, token: str, queries: Sequence[Query]) -> None:
        """Take a token, once.

        Raises:
            RequestInvalid: It is not of a dry run of the same, or was used.
        """
        if not self.is_valid(token, queries):
            raise RequestInvalid(
                "dry_run_token is not of a dry run of exactly this within the last "
                f"{TOKEN_LIFE // 60} minutes, or was used already; nothing was run.",
                code="dry_run_token_invalid",
                hint="Call it again with dry_run=true, and without dry_run_token.",
            )
        self.consume(token)


def _needs_confirmation(policy: ConfirmPolicy, statements: Sequence[StatementInfo]) -> bool:
    """Check whether a transaction needs confirmation: ``auto`` asks for drops and for changes of all rows."""
    if policy == "auto":
        return any(statement.drops or statement.whole_table for statement in statements)
    return policy == "always"  # a read may write as well, through a view or a function


def _question(queries: Sequence[Query], statements: Sequence[StatementInfo]) -> str:
    """Word the question for the user; the same for the same statements.

    What each statement is stands before its text, and the gravest stand first, so that no long text can
    hide them.
    """
    pairs = list(enumerate(zip(queries, statements, strict=True), 1))
    pairs.sort(key=lambda pair: not (pair[1][1].drops or pair[1][1].whole_table))
    shown = [
        f"{number}. {_with_values(query, statement)}" for number, (query, statement) in pairs[:_MAX_LISTED]
    ]
    more = f"\n… and {len(pairs) - _MAX_LISTED} more" if len(pairs) > _MAX_LISTED else ""
    return "Run on the Aurora DSQL cluster, in one transaction?\n" + "\n".join(shown) + more


def _with_values(query: Query, statement: StatementInfo) -> str:
    what = statement.kind + (", every row" if statement.whole_table else "")
    values = (
        f"\n  ${number} = {truncate_counted(dumps(value), _MAX_TEXT)}"
        for number, value in enumerate(query.params[:_MAX_LISTED], 1)
    )
    return f"{what}: {truncate_counted(query.sql.strip(), _MAX_TEXT)}" + "".join(values)


def _is_signed(given: str, queries: Sequence[Query], *, key: bytes, now: float) -> bool:
    """Check that a token was made for these statements, in time."""
    moment, _, rest = given.partition("-")
    if not (moment.isascii() and moment.isdigit() and 0 <= now - int(moment) <= TOKEN_LIFE + 1):
        return False
    expected = _signature(queries, key, int(moment), rest.partition("-")[0])
    return hmac.compare_digest(given.encode(), expected.encode())


def _signature(queries: Sequence[Query], key: bytes, moment: int, nonce: str) -> str:
    text = dumps([moment, nonce, [[query.sql, query.params] for query in queries]])
    return f"{moment}-{nonce}-{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_SIGNATURE_LENGTH]}"
