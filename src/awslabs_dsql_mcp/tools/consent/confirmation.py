"""Confirmation of changes: by the user, or by the token of a dry run of the same change.

A token is bound to the tool, the exact statements and values, this process, one cluster and a time, and is
good for one run: models learn to set a flag named "confirm", they cannot make one of these.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.tools.consent.question import question

ConfirmPolicy = Literal["always", "auto", "never"]
TOKEN_LIFE: Final = 600
"""Seconds for which a token is valid."""

_SIGNATURE_LENGTH: Final = 16
_TOKEN: Final = re.compile(r"(\d{1,12})-([0-9a-f]{8})-[0-9a-f]{16}", re.ASCII)
_USED: Final = "was used already"
_OTHER: Final = "is of something else: of other arguments or another state, or of another cluster or server"
_RETRY: Final = (
    "Call {tool} with dry_run=true, look at what it would change, then call it again with the {by} that "
    "it gave."
)
_PREVIEW: Final = (
    "Call {tool} with dry_run=true: its preview lets the user run it. If the client shows them none, the "
    "operator has to choose another --confirm."
)


@dataclass(frozen=True)
class Change:
    """A change that a tool is about to make.

    Attributes:
        tool: The tool's name.
        queries: The queries.
        statements: What each of them is.
        manner: The transactions that it takes.
        by: The argument that carries a dry run's token.
        shown: What the user sees in place of the values, which only identify what is changed.
    """

    tool: str
    queries: Sequence[Query]
    statements: Sequence[StatementInfo]
    manner: str = "in one transaction"
    by: str = "dry_run_token"
    shown: Sequence[str] | None = None


@dataclass(frozen=True)
class Question:
    """A question for the user.

    Attributes:
        text: Its wording.
        change: The change that it asks for.
        undone: What is said if nobody agrees.
    """

    text: str
    change: Change
    undone: str = "Nothing was run."


class ChangeConfirmation:
    """The operator's policy on one cluster, and the tokens that were given for it.

    Args:
        policy: Which changes need confirmation.
        answer_time: Seconds that a user has to answer.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        policy: ConfirmPolicy,
        *,
        answer_time: float = 55.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.answer_time = answer_time
        self._policy: ConfirmPolicy = policy
        self._clock = clock
        self._began = int(clock())
        self._key = secrets.token_bytes(32)
        self._spent: dict[str, float] = {}

    def needed(self, statements: Sequence[StatementInfo]) -> bool:
        """Check that a change needs confirmation: ``auto`` asks for drops and for changes of all rows."""
        if self._policy == "auto":
            return any(statement.drops or statement.whole_table for statement in statements)
        return self._policy == "always"  # a read may write as well, through a view or a function

    def question(self, change: Change, *, can_ask: bool, previews: bool = False) -> Question | None:
        """Give the question for the user; ``None`` for no question.

        Args:
            change: What is about to run.
            can_ask: True if the client can put a question to its user.
            previews: True if the user runs a dry run's change by a view, and the model has no token.

        Raises:
            NotConfirmed: Each change needs confirmation, and the client cannot ask its user.
        """
        if not self.needed(change.statements):
            return None
        if can_ask:
            return Question(question(change.manner, change.queries, change.statements, change.shown), change)
        if self._policy != "always":
            return None
        raise NotConfirmed(
            "Each change needs confirmation, and this client cannot ask its user. Nothing was run.",
            hint=(_PREVIEW if previews else _RETRY).format(tool=change.tool, by=change.by),
        )

    def token(self, change: Change, *, purpose: str = "dry run") -> str:
        """Give a token for a change.

        Args:
            change: The change.
            purpose: What the token stands for; it is good for nothing else.
        """
        return self._signed(change, purpose, int(self._clock()), secrets.token_hex(4))

    def take(self, token: str, change: Change, *, purpose: str = "dry run") -> bool:
        """Use a token up; return false if it cannot be taken."""
        if self.fault(token, change, purpose=purpose):
            return False
        now = self._clock()
        self._spent = {t: since for t, since in self._spent.items() if now - since <= 2 * TOKEN_LIFE}
        self._spent[token] = now
        return True

    def fault(self, token: str, change: Change, *, purpose: str = "dry run") -> str:
        """Say why a token cannot be taken for a change, as the rest of a sentence; empty if it can."""
        form = _TOKEN.fullmatch(token)
        if form is None:
            return "is none that this server gives"
        if token in self._spent:
            return _USED
        moment = int(form[1])
        age = self._clock() - moment
        if moment < self._began or age < 0:
            return "was given before this server was started, or for another cluster"
        if age > TOKEN_LIFE + 1:
            return f"is older than {TOKEN_LIFE // 60} minutes"
        if not hmac.compare_digest(token, self._signed(change, purpose, moment, form[2])):
            return _OTHER
        return ""

    def check(self, token: str, change: Change) -> None:
        """Check that a dry run's token could be taken.

        Raises:
            RequestInvalid: It cannot, with the reason.
        """
        if fault := self.fault(token, change):
            used = "The answer of the call that used it says what is stored. " if fault == _USED else ""
            raise RequestInvalid(
                f"{change.by} {fault}; nothing was run.",
                code="dry_run_token_invalid",
                hint=f"{used}Call {change.tool} again with dry_run=true, and without {change.by}.",
            )

    def redeem(self, token: str, change: Change) -> None:
        """Take a dry run's token.

        Raises:
            RequestInvalid: It cannot be taken, with the reason.
        """
        self.check(token, change)
        self.take(token, change)

    def _signed(self, change: Change, purpose: str, moment: int, nonce: str) -> str:
        queries = [[query.sql, query.params] for query in change.queries]
        text = dumps([purpose, change.tool, moment, nonce, queries]).encode("utf-8", "surrogatepass")
        return f"{moment}-{nonce}-{hmac.new(self._key, text, hashlib.sha256).hexdigest()[:_SIGNATURE_LENGTH]}"
