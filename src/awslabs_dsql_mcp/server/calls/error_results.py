"""Errors as clients get them: as a tool's result, or as the protocol's error where there is no result."""

import logging
import secrets
import traceback
from difflib import get_close_matches
from typing import Final

from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult
from pydantic import ValidationError

from awslabs_dsql_mcp.errors import (
    ConnectionFailed,
    DsqlError,
    NotConfigured,
    RequestInvalid,
    StatementRefused,
)
from awslabs_dsql_mcp.text import Shown, as_line
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.spec import FACTS, text_content

log = logging.getLogger(__name__)

_BUG: Final = "internal_error"
_MAX_LINE: Final = 2_000  # characters: an argument of any size may be quoted
_ALL: Final = OfferedTools()
_MAY_NOT_HAVE_BEGUN: Final = (ConnectionFailed, NotConfigured, RequestInvalid)


def error_result(error: DsqlError, offered: OfferedTools = _ALL) -> CallToolResult:
    """Convert an error: the text holds everything, ``_meta`` the values for programs.

    There is no structured content: clients check it against the tool's output schema even in errors
    (TypeScript SDK 1.x), or show it alone (Codex).

    Args:
        error: The error.
        offered: The tools that its next step may name.
    """
    state = f", SQLSTATE {error.sqlstate}" if error.sqlstate else ""
    refused = isinstance(error, StatementRefused)  # a refusal names its rule itself
    hint = error.hint and offered.advise(error.hint)
    told = [error.text if refused else f"Error ({error.code}{state}): {error.text}"]
    if error.outcome == "rolled_back":
        begun = not isinstance(error, _MAY_NOT_HAVE_BEGUN)
        told.append("Nothing was stored: rolled back." if begun else "Nothing was stored.")
    if hint:
        told.append(f"Next: {hint}")
    text = Shown("\n".join(as_line(line, _MAX_LINE) for line in told))
    meta = {FACTS: _facts(error, hint), **error.for_person}
    return CallToolResult(content=[text_content(text)], is_error=True, _meta=meta)


def protocol_error(error: DsqlError, offered: OfferedTools = _ALL, **more: str) -> MCPError:
    """The same where there is no result to put it in: resources and prompts."""
    code = INVALID_PARAMS if error.remedy == "fix_request" and error.code != _BUG else INTERNAL_ERROR
    hint = error.hint and offered.advise(error.hint)
    told = [error.text, *([f"Next: {hint}"] if hint else [])]
    facts = _facts(error, hint) | {name: as_line(value, _MAX_LINE) for name, value in more.items()}
    return MCPError(code, " ".join(as_line(line, _MAX_LINE) for line in told), facts)


def _facts(error: DsqlError, hint: str | None) -> dict[str, object]:
    partial: dict[str, object] = {"outcome": "partial"} if error.outcome == "partial" else {}
    return (
        partial
        | dict(error.facts)
        | {
            "code": error.code,
            "remedy": error.remedy,
            "sqlstate": error.sqlstate,
            "hint": hint and as_line(hint, _MAX_LINE),
            "committed": _committed(error),
        }
    )


def _committed(error: DsqlError) -> bool | None:
    return None if error.outcome in ("unknown", "partial") else error.outcome == "committed"


def error_behind(error: ToolError | ResourceError, *, reads: bool) -> DsqlError:
    """Find what a tool or resource raised; what is not ours is a bug, told to the model by an id alone.

    Args:
        error: What the SDK made of it.
        reads: True if nothing can have been stored.
    """
    cause = error.__cause__
    while isinstance(cause, ResourceError):
        cause = cause.__cause__
    if isinstance(cause, DsqlError):
        return cause
    if isinstance(cause, ValidationError):
        return _invalid(cause)
    bug = secrets.token_hex(4)
    log.error("bug %s: %s at %s", bug, type(cause).__name__, _place(cause))
    told = f"This server has met a bug of its own, {bug}."
    if reads:
        return DsqlError(
            told, code=_BUG, hint="Go on without this call. The operator finds the id in the log."
        )
    return DsqlError(
        told,
        code=_BUG,
        outcome="unknown",
        hint="Look whether the change is stored before you repeat it. The operator finds the id in the log.",
    )


def _place(error: BaseException | None) -> str:
    frames = list(traceback.extract_tb(error.__traceback__)) if error else []
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-3:])) or "?"


def _invalid(error: ValidationError) -> RequestInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("list[", "function-")))
    return RequestInvalid(f"Argument {where}: {first['msg'].lower()}.", hint="See the tool's input schema.")


def closest_hint(name: str, known: list[str]) -> str:
    """Word a hint: the known name that a wrong one is nearest to, or all of them."""
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
