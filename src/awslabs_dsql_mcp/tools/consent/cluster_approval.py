"""Agreement to changes of clusters: by the user, or by a dry run's token where nobody can be asked.

Deletion and the end of its protection are put before somebody under every policy. A client that can ask is
always asked: no token stands in for its user. One that cannot gets the facts and a token, bound to the
account, the cluster and its state, for one use, and for what this server has made alone; the rest is a
person's.
"""

from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult

from awslabs_dsql_mcp.clusters.changes.proposal import Proposal, Weight
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.consent.confirmation import (
    TOKEN_LIFE,
    Change,
    ChangeConfirmation,
    ConfirmPolicy,
    Question,
)
from awslabs_dsql_mcp.tools.consent.elicitation import confirm, supports_elicitation
from awslabs_dsql_mcp.tools.spec import to_text_result


class CallEnded(Exception):
    """The call ends with a question, or with the facts and a token; nothing was changed.

    Args:
        result: Its result.
    """

    def __init__(self, result: CallToolResult | InputRequiredResult) -> None:
        super().__init__("the call ends here")
        self.result = result


class ClusterApproval:
    """Decides on the changes of one call.

    Args:
        ctx: The call.
        policy: The operator's policy.
        confirmation: Gives tokens and takes them.
        token: Token of a dry run, as the caller gives it.
    """

    def __init__(
        self,
        ctx: Context[None, Any],
        policy: ConfirmPolicy,
        confirmation: ChangeConfirmation,
        token: str | None,
    ) -> None:
        self._ctx = ctx
        self._policy: ConfirmPolicy = policy
        self._confirmation = confirmation
        self._token = token

    def is_needed(self, weight: Weight) -> bool:
        """Return true if changes of this weight are put before somebody."""
        if weight == "grave" or self._policy == "always":
            return True
        return weight == "usual" and self._policy == "auto"

    async def ask(self, proposal: Proposal) -> bool:
        """Put a change before the user, or take a token; true is agreement.

        Raises:
            CallEnded: The answer comes with another call.
            NotConfirmed: The user did not agree, or nobody can be asked.
            RequestInvalid: The token is not of this change.
        """
        change = Change(proposal.tool, (Query(proposal.binding),), ())
        if supports_elicitation(self._ctx):
            asking = await confirm(
                self._ctx, Question(proposal.text, change, proposal.undone), self._confirmation
            )
            if asking is not None:
                raise CallEnded(asking)
            return True
        if not proposal.is_own:
            raise NotConfirmed(
                f"{proposal.question} This client cannot ask its user, and the cluster was not made by this "
                f"server. {proposal.undone}",
                details=tuple(proposal.facts[:2]),
                hint=f"Leave it to a person, who compares the id and the account first: {proposal.command}.",
            )
        if self._token is None:
            raise CallEnded(to_text_result(self._dry_run(proposal, change)))
        if fault := self._confirmation.fault(self._token, change):
            raise RequestInvalid(
                f"dry_run_token {fault}. {proposal.undone}",
                code="dry_run_token_invalid",
                hint=f"Call {proposal.tool} without dry_run_token: it tells the facts, and gives a new one.",
            )
        return self._confirmation.take(self._token, change)

    def _dry_run(self, proposal: Proposal, change: Change) -> ToolOutput:
        token = self._confirmation.token(change)
        step = f"send the same with dry_run_token={token} (once, in {TOKEN_LIFE // 60} min)"
        return ToolOutput(
            (
                f"Dry run: this needs agreement, and the client cannot ask its user. {proposal.undone}",
                proposal.question,
                *(f"- {fact}" for fact in proposal.facts),
                f"Next: show the user these facts; if they agree, {step}.",
            ),
            {
                "outcome": "asked",
                "dry_run_token": token,
                "changed": False,
                "question": proposal.question,
                "facts": list(proposal.facts),
            },
        )
