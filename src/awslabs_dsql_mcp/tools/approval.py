"""Whether a change has the yes that it needs: of the user, or of a dry run of the same."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.core import confirmation
from awslabs_dsql_mcp.core.confirmation import Confirm
from awslabs_dsql_mcp.core.transactions import Query
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid

if TYPE_CHECKING:
    from awslabs_dsql_mcp.core.statements import Statement


class Approval:
    """What the operator wants asked, and the tokens that dry runs gave.

    Args:
        confirm: Which changes want a yes.
        clock: Monotonic seconds.
    """

    def __init__(self, confirm: Confirm, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._confirm: Confirm = confirm
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._spent: dict[str, float] = {}

    def question(
        self, tool: str, queries: Sequence[Query], statements: "Sequence[Statement]", *, can_ask: bool
    ) -> str | None:
        """Word what the user must be asked; ``None`` for nothing.

        Args:
            tool: The tool's name.
            queries: What is about to run, batch by batch.
            statements: What they are.
            can_ask: Whether the client can put a question to its user.

        Raises:
            NotConfirmed: A yes is demanded for each change, and nobody can be asked.
        """
        if not confirmation.wants_yes(self._confirm, statements):
            return None
        if can_ask:
            asked = confirmation.question(queries, statements)
            return asked.replace("in one transaction", "in batches, a transaction each", 1)
        if self._confirm != "always":
            return None
        raise NotConfirmed(
            "This server runs no change without a yes, and this client cannot ask its user; nothing was run.",
            hint=f"Call {tool} with dry_run=true, then again with the dry_run_token that it gave.",
        )

    def token(self, queries: Sequence[Query]) -> str:
        """Give the token of a dry run."""
        return confirmation.token(queries, key=self._key, now=self._clock(), nonce=secrets.token_hex(4))

    def spend(self, token: str, queries: Sequence[Query]) -> None:
        """Take a token, once.

        Raises:
            RequestInvalid: It is not of a dry run of the same, or was used.
        """
        now = self._clock()
        if token in self._spent or not confirmation.vouches(token, queries, key=self._key, now=now):
            raise RequestInvalid(
                "dry_run_token is not of a dry run of exactly this within the last "
                f"{confirmation.TOKEN_LIFE // 60} minutes, or was used already; nothing was run.",
                code="dry_run_token_invalid",
                hint="Call it again with dry_run=true, and without dry_run_token.",
            )
        kept = {t: since for t, since in self._spent.items() if now - since <= 2 * confirmation.TOKEN_LIFE}
        self._spent = kept | {token: now}
