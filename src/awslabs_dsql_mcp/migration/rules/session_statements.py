"""Statements about the session and the transaction of a script: none of them is a step."""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.migration.analysis.bytea_texts import line_of_text
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement, SkippedStatement
from awslabs_dsql_mcp.migration.script.psql_commands import autocommit
from awslabs_dsql_mcp.migration.script.settings import BYTEA_AS_ESCAPES, HARMLESS, Ruling, session_calls
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.text import one_line

_IN_STEPS: Final = Ruling("each step is a transaction of its own")
_UNDONE: Final = Ruling("what it undoes cannot be told: remove it with what it undoes", is_blocking=True)
_OPEN: Final = (
    "the script's last transaction has no COMMIT, and psql would undo it: write COMMIT behind it, or remove "
    "BEGIN (and \\set AUTOCOMMIT off)"
)
_OF_SESSION: Final = ("VariableSetStmt", "VariableShowStmt", "DiscardStmt", "ConstraintsSetStmt")
_TWO_PHASE: Final = Ruling(
    "Aurora DSQL has no two-phase commit: end the transaction with COMMIT", is_blocking=True
)
_BEGINS: Final = ("BEGIN", "START")  # within a transaction it changes nothing
_ENDS: Final = ("COMMIT", "ROLLBACK", "PREPARE")
_TRANSACTION: Final = {
    "ROLLBACK": _UNDONE,
    "SAVEPOINT": _UNDONE,
    "ROLLBACK_TO": _UNDONE,
    "PREPARE": _TWO_PHASE,
    "COMMIT_PREPARED": _TWO_PHASE,
    "ROLLBACK_PREPARED": _TWO_PHASE,
}


def _kind(top: Node) -> str:
    return str(top.get("kind", "")).removeprefix("TRANS_STMT_")


def set_configs(conversion: Conversion, draft: ConvertedStatement) -> bool:
    """Take a SELECT that calls set_config.

    Returns:
        False for a SELECT without such a call.
    """
    calls = session_calls(draft.top)
    for arguments in calls or ():
        _apply(conversion, draft, conversion.settings.configure(arguments))
    return calls is not None


def _apply(conversion: Conversion, draft: ConvertedStatement, ruling: Ruling) -> None:
    if ruling is BYTEA_AS_ESCAPES and (line := line_of_text(conversion.survey.statements)) is not None:
        why = f"the text of a bytea, as in line {line}, is hexadecimal: write encode(…, 'escape') there"
        ruling = Ruling(f"{why}, and remove it", is_blocking=True)
    conversion.skip(draft, ruling.why, human=ruling.needs_review, blocks=ruling.is_blocking)


def _setting(conversion: Conversion, draft: ConvertedStatement) -> None:
    _apply(conversion, draft, conversion.settings.change(draft.top))


def _discard(conversion: Conversion, draft: ConvertedStatement) -> None:
    everything = draft.top.get("target") == "DISCARD_ALL"
    _apply(conversion, draft, conversion.settings.reset() if everything else HARMLESS)


def _transaction(conversion: Conversion, draft: ConvertedStatement) -> None:
    kind = _kind(draft.top)
    if kind in _BEGINS:
        conversion.settings.begin()
    elif kind in _ENDS:
        conversion.settings.end()
        if draft.top.get("chain"):
            conversion.settings.begin()
    _apply(conversion, draft, _TRANSACTION.get(kind, _IN_STEPS))


def end(conversion: Conversion) -> None:
    """Take the end of a script: psql commits nothing there that no COMMIT has committed."""
    undone, is_open, commits = None, False, True
    for one in conversion.survey.statements:
        if one.kind == "TransactionStmt":
            begins, ends = _kind(one.tree) in _BEGINS, _kind(one.tree) in _ENDS
            undone = None if ends or (begins and not is_open) else undone
            is_open = begins or (is_open and not ends)
        elif one.item.meta:
            switched = autocommit(one.item.text)
            commits = commits if switched is None else switched
        elif one.kind:
            is_open = is_open or not commits
            undone = undone if one.kind in _OF_SESSION else one.item
    if conversion.settings.is_open and undone is not None:
        conversion.skipped.append(
            SkippedStatement(undone.line, one_line(undone.text), _OPEN, needs_review=True, is_blocking=True)
        )


def _constraints(conversion: Conversion, draft: ConvertedStatement) -> None:
    if not draft.top.get("deferred"):
        _apply(conversion, draft, _IN_STEPS)
        return
    if conversion.statement.number in conversion.survey.wholes:
        conversion.skip(draft, "what needs it is one step, which begins with it")
        return
    why = "each step is a transaction of its own, and checks foreign keys at its end: rows must come in order"
    conversion.skip(draft, why, human=True)


RULES: Final[dict[str, Callable[[Conversion, ConvertedStatement], None]]] = {
    "VariableSetStmt": _setting,
    "DiscardStmt": _discard,
    "TransactionStmt": _transaction,
    "ConstraintsSetStmt": _constraints,
}
