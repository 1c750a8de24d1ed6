"""Questions to the user, in both eras of the protocol (MCP specification, "Elicitation").

Up to revision 2025-11-25 the question is a request of the server within the call. From 2026-07-28 on the
call ends with the question, and comes again with the answer and a state that the server has sealed.
Only ``run: true`` is agreement. Whatever else comes, or if nothing does, nothing is run.
"""

from typing import Any, Final, Protocol, TypeVar, cast

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.types import (
    REQUEST_TIMEOUT,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least
from pydantic import ValidationError

from awslabs_dsql_mcp.database.call_context import current_cluster
from awslabs_dsql_mcp.errors import NotConfirmed
from awslabs_dsql_mcp.tools.consent.confirmation import Change, ChangeConfirmation, Question

_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"run": {"type": "boolean", "title": "Run", "description": "Run it?"}},
    "required": ["run"],
}
_STATE: Final = "question"
_IN_RESULT: Final = "2026-07-28"  # the revision from which on questions are a call's result


_Request = TypeVar("_Request")
_Request_contra = TypeVar("_Request_contra", contravariant=True)


class Work(Protocol[_Request_contra]):
    """What a tool does that is asked for in one call, and may need the user's word."""

    async def require_affordable(self, request: _Request_contra) -> None:
        """Hold the forecast of what is still to be done against the operator's limit."""
        ...

    async def question(self, request: _Request_contra, *, can_ask: bool) -> Question | None:
        """Give the question for the user; ``None`` for no question."""
        ...

    async def do(
        self, ctx: Context[None, Any], request: _Request_contra, agreed: Change | None
    ) -> CallToolResult:
        """Do it; ``agreed`` is what the user has agreed to in this call."""
        ...


async def call_confirmed(
    ctx: Context[None, Any], work: Work[_Request], request: _Request, confirmation: ChangeConfirmation
) -> CallToolResult | InputRequiredResult:
    """Do what is asked for, below the operator's limit and with the user's word, or ask the user first.

    Args:
        ctx: The call.
        work: Does it.
        request: Arguments of the call.
        confirmation: As for `confirm`.

    Raises:
        NotConfirmed: As `confirm`.
        DsqlError: What the work raises.
    """
    await work.require_affordable(request)
    question = await work.question(request, can_ask=supports_elicitation(ctx))
    asking = await confirm(ctx, question, confirmation)
    return asking or await work.do(ctx, request, question and question.change)


def supports_elicitation(ctx: Context[None, Any]) -> bool:
    """Check that the client can show its user a form.

    A client that declares neither mode has form mode; one with URL mode alone cannot ask (MCP specification,
    "Elicitation", Capabilities).
    """
    modes = ctx.client_capabilities and ctx.client_capabilities.elicitation
    return modes is not None and (modes.form is not None or modes.url is None)


async def confirm(
    ctx: Context[None, Any], question: Question | None, confirmation: ChangeConfirmation
) -> InputRequiredResult | None:
    """Have a change confirmed by the user before it runs.

    Args:
        ctx: The call.
        question: The question; ``None`` where none is needed.
        confirmation: Gives and takes the state of a question that is a call's result.

    Returns:
        The result that asks, which ends this call; ``None`` where the change may run.

    Raises:
        NotConfirmed: The user did not agree, or there was no answer that could be read.
    """
    if question is None:
        return None
    version = ctx.protocol_version
    if version is not None and is_version_at_least(version, _IN_RESULT):
        return _confirmed_by_result(ctx, question, confirmation)
    _require_agreement(await _answer(ctx, question, confirmation.answer_time), question)
    return None


def _confirmed_by_result(
    ctx: Context[None, Any], question: Question, confirmation: ChangeConfirmation
) -> InputRequiredResult | None:
    key, change = f"confirm:{question.change.tool}", question.change
    answers = ctx.input_responses
    # A state is used up by any answer, so that one agreement runs one change.
    if answers and ctx.request_state and confirmation.take(ctx.request_state, change, purpose=_STATE):
        _require_agreement(answers.get(key), question)
        return None
    return InputRequiredResult(
        input_requests={key: _request(question)},
        request_state=confirmation.token(change, purpose=_STATE),
    )


def _request(question: Question) -> ElicitRequest:
    cluster = current_cluster()
    text = f"On cluster {cluster}:\n{question.text}" if cluster else question.text
    return ElicitRequest(params=ElicitRequestFormParams(message=text, requested_schema=_FORM))


async def _answer(ctx: Context[None, Any], question: Question, seconds: float) -> ElicitResult:
    """Ask within the call.

    Raises:
        NotConfirmed: There is no answer.
    """
    try:
        return await ctx.session.send_request(
            _request(question),
            ElicitResult,
            request_read_timeout_seconds=seconds,
            metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
        )
    except ValidationError:
        raise _declined("the client's answer is none to the question", question) from None
    except MCPError as error:
        reason = (
            f"there was no answer within {seconds:g} s (--call-timeout)"
            if error.code == REQUEST_TIMEOUT
            else f"the client answered with error {error.code}"
        )
        raise _declined(reason, question) from None


def _require_agreement(answer: object, question: Question) -> None:
    """Stop where an answer is not agreement.

    Raises:
        NotConfirmed: It is not.
    """
    if not isinstance(answer, ElicitResult):
        raise _declined("the client's answer is none to the question", question)
    if answer.action != "accept":
        how = "the user declined" if answer.action == "decline" else "the question was closed"
        raise _declined(how, question)
    content = cast("dict[str, object]", answer.content or {})
    if content.get("run") is not True:
        raise _declined("the form came back without run=true", question)


def _declined(reason: str, question: Question) -> NotConfirmed:
    return NotConfirmed(
        f"The user did not approve this change: {reason}. {question.undone}",
        hint="Ask the user what to do instead.",
    )
