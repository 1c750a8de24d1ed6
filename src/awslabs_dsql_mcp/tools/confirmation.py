"""Whether a change has the yes that it needs: of the user, or of a dry run of the same."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.tools import confirmation_tokens
from awslabs_dsql_mcp.tools.confirmation_tokens import ConfirmPolicy

if TYPE_CHECKING:
    from awslabs_dsql_mcp.sql.statements import StatementInfo


class TransactionConfirmation:
    """What the operator wants asked, and the tokens that dry runs gave.

    Args:
        confirm: Which changes want a yes.
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
        statements: "Sequence[StatementInfo]",
        *,
        can_ask: bool,
        otherwise: str,
    ) -> str | None:
        """Word what the user must be asked; ``None`` for nothing.

        Args:
            queries: What is about to run.
            statements: What they are.
            can_ask: Whether the client can put a question to its user.
            otherwise: What to do where a yes is demanded and nobody can be asked.

        Raises:
            NotConfirmed: A yes is demanded for each change, and nobody can be asked.
        """
        if not confirmation_tokens.needs_confirmation(self._confirm, statements):
            return None
        if can_ask:
            return confirmation_tokens.prompt(queries, statements)
        if self._confirm != "always":
            return None
        raise NotConfirmed(
            "This server runs no change without a yes, and this client cannot ask its user; nothing was run.",
            hint=otherwise,
        )

    def token(self, queries: Sequence[Query]) -> str:
        """Give the token of a dry run."""
        return confirmation_tokens.token(
            queries, key=self._key, now=self._clock(), nonce=secrets.token_hex(4)
        )

    def is_valid(self, token: str, queries: Sequence[Query]) -> bool:
        """Whether a token is of a dry run of the same, and was not used."""
        fresh = token not in self._spent
        return fresh and confirmation_tokens.verify_token(token, queries, key=self._key, now=self._clock())

    def consume(self, token: str) -> None:
        """Remember a token that is used, as long as it would be taken."""
        now = self._clock()
        kept = {
            t: since for t, since in self._spent.items() if now - since <= 2 * confirmation_tokens.TOKEN_LIFE
        }
        self._spent = kept | {token: now}


class BatchConfirmation(TransactionConfirmation):
    """The same for tools whose change takes many transactions."""

    def prompt_for(
        self, tool: str, queries: Sequence[Query], statements: "Sequence[StatementInfo]", *, can_ask: bool
    ) -> str | None:
        """Word what the user must be asked before a tool's batches; see `prompt`."""
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
                f"{confirmation_tokens.TOKEN_LIFE // 60} minutes, or was used already; nothing was run.",
                code="dry_run_token_invalid",
                hint="Call it again with dry_run=true, and without dry_run_token.",
            )
        self.consume(token)
