"""Settings and transactions of a script that is run by a client in one session.

A migration's steps do without both, as each is a transaction of its own; a script keeps those that Aurora
DSQL takes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.settings import is_settable
from awslabs_dsql_mcp.guard import transaction_rules
from awslabs_dsql_mcp.lint.model import Finding
from awslabs_dsql_mcp.lint.part import Part
from awslabs_dsql_mcp.migration.conversion import SkippedStatement
from awslabs_dsql_mcp.migration.script.psql_commands import HARMLESS_COMMAND
from awslabs_dsql_mcp.migration.script.settings import session_calls
from awslabs_dsql_mcp.sql.parse_tree import Node, constant
from awslabs_dsql_mcp.text import one_line

_LOCAL: Final = re.compile(r"\bLOCAL\s+", re.IGNORECASE)
_ENDS: Final = re.compile(r"(?:begin|start|commit|end)\b", re.IGNORECASE)
_KINDS: Final = {"TRANS_STMT_BEGIN": "BEGIN", "TRANS_STMT_START": "BEGIN", "TRANS_STMT_COMMIT": "COMMIT"}


def is_kept(part: Part, skipped: Sequence[SkippedStatement]) -> bool:
    """Say if Aurora DSQL takes what the plan leaves out because its steps do without.

    Args:
        part: The part of the script.
        skipped: The plan's words on it.
    """
    if any(left.needs_review for left in skipped):
        return False
    if part.item.meta:
        return all(left.why == HARMLESS_COMMAND.why for left in skipped)
    tree = part.tree
    return tree is not None and tree.kind in _KEPT and _KEPT[tree.kind](tree.root)


def _is_setting(top: Node) -> bool:
    kind = top.get("kind")
    return kind == "VAR_RESET_ALL" or (kind != "VAR_SET_MULTI" and is_settable(top.get("name", "")))


def _sets(top: Node) -> bool:
    names = [constant(arguments[0]) for arguments in session_calls(top) or ()]
    return bool(names) and all(name is not None and is_settable(name) for name in names)


_KEPT: Final[dict[str, Callable[[Node], bool]]] = {
    "VariableSetStmt": _is_setting,
    "SelectStmt": _sets,
    "VacuumStmt": lambda top: not top.get("is_vacuumcmd"),  # ANALYZE
    "TransactionStmt": lambda _: True,
    "ConstraintsSetStmt": lambda _: True,
}


def with_transactions(parts: Iterable[Part]) -> Iterator[Part]:
    """Take BEGIN and COMMIT away from around what cannot be one transaction."""
    block: list[Part] = []
    for part in parts:
        kind = _transaction(part)
        if kind == "BEGIN" and not block:
            block = [part]
        elif block and kind == "COMMIT":
            yield from _block([*block, part])
            block = []
        elif block:
            block.append(part)
        else:
            yield part
    yield from block


def chains(part: Part) -> bool:
    """Say if a part ends a transaction and begins the next."""
    tree = part.tree if _ENDS.match(part.item.text) else None
    return tree is not None and tree.kind == "TransactionStmt" and bool(tree.root.get("chain"))


def is_transaction(part: Part) -> bool:
    """Say if a part begins or ends a transaction."""
    return bool(_transaction(part))


def _transaction(part: Part) -> str:
    if part.queries is not None or not _ENDS.match(part.item.text):
        return ""
    tree = part.tree
    kind = str(tree.root.get("kind")) if tree and tree.kind == "TransactionStmt" else ""
    return _KINDS.get(kind, "")


def _block(block: Sequence[Part]) -> Iterator[Part]:
    begin, *inner, commit = block
    statements = [statement for part in inner for statement in part.statements]
    rows = sum(part.rows for part in inner)
    why = ""
    if statements and (found := transaction_rules.check(statements)) is not None:
        why = found[1].why
    elif rows > limits.MAX_ROWS:
        why = f"A transaction changes at most {limits.MAX_ROWS:,} rows on Aurora DSQL, and this one {rows:,}."
    if not why:
        yield from (_plain(begin), *inner, commit)
        return
    message = (
        f"{one_line(begin.item.text)} … COMMIT of line {commit.item.line}, left out: {why} Each statement is "
        "a transaction of its own then, and a failure undoes none of those before it."
    )
    yield replace(begin, queries=(), findings=(Finding(begin.item.line, message, "fixed_with_warning"),))
    local: list[str] = []
    for part in inner:
        tree = part.tree if part.queries is None and not part.statements else None
        if tree is not None and tree.kind == "VariableSetStmt" and tree.root.get("is_local"):
            name = str(tree.root["name"])
            local.append(f"RESET {name}")
            told = f"SET LOCAL {name} is SET, up to line {commit.item.line}"
            text = _LOCAL.sub("", part.item.text, count=1)
            yield replace(part, queries=(text,), findings=(Finding(part.item.line, told, "fixed"),))
        else:
            yield part
    yield replace(commit, queries=tuple(dict.fromkeys(local)))


def _plain(begin: Part) -> Part:
    """Take away the isolation level that Aurora DSQL does not have."""
    tree = begin.tree
    options = [option["DefElem"] for option in tree.root.get("options", ())] if tree else []
    given = [constant(o.get("arg")) for o in options if o.get("defname") == "transaction_isolation"]
    if all(level == "repeatable read" for level in given):
        return begin
    told = (
        f"{str(given[0]).upper()} is REPEATABLE READ, the only level of Aurora DSQL: conflicts are found at "
        "COMMIT, and the transaction is run again"
    )
    return replace(
        begin, queries=("BEGIN",), findings=(Finding(begin.item.line, told, "fixed_with_warning"),)
    )
