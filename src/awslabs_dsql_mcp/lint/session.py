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
from awslabs_dsql_mcp.dsql.unsupported import UPKEEP
from awslabs_dsql_mcp.guard import transaction_rules
from awslabs_dsql_mcp.lint.model import Finding
from awslabs_dsql_mcp.lint.part import Part
from awslabs_dsql_mcp.lint.session_values import SessionValues, changes
from awslabs_dsql_mcp.migration.conversion import SkippedStatement
from awslabs_dsql_mcp.migration.script.psql_commands import GOES_ON, HARMLESS_COMMAND
from awslabs_dsql_mcp.migration.script.settings import session_calls
from awslabs_dsql_mcp.sql.parse_tree import Node, constant
from awslabs_dsql_mcp.text import one_line

_CONNECTS: Final = re.compile(r"\\c(?:onnect)?\b")
_DISCARDS_ALL: Final = re.compile(r"discard\s.*\ball\Z|discard\s+all\b", re.IGNORECASE | re.DOTALL)
_ENDS: Final = re.compile(r"(?:begin|start|commit|end)\b", re.IGNORECASE)
_ANALYZES: Final = re.compile(r"analy[sz]e\b", re.IGNORECASE)
_KINDS: Final = {"TRANS_STMT_BEGIN": "BEGIN", "TRANS_STMT_START": "BEGIN", "TRANS_STMT_COMMIT": "COMMIT"}


def is_kept(part: Part, skipped: Sequence[SkippedStatement]) -> bool:
    """Say if Aurora DSQL takes what the plan leaves out because its steps do without.

    A fixed script may be run by psql, in one session: there ``client_encoding`` says how the file is to be
    read, and an empty ``search_path``, as in a dump, keeps a name without schema from meaning another object.

    Args:
        part: The part of the script.
        skipped: The plan's words on it.
    """
    if any(left.needs_review for left in skipped):
        return False
    if part.item.meta:
        return all(left.why in (HARMLESS_COMMAND.why, GOES_ON.why) for left in skipped)
    tree = part.tree
    return tree is not None and tree.kind in _KEPT and _KEPT[tree.kind](tree.root)


def _is_setting(top: Node) -> bool:
    kind = top.get("kind")
    return kind == "VAR_RESET_ALL" or (kind != "VAR_SET_MULTI" and is_settable(top.get("name", "")))


def _sets(top: Node) -> bool:
    names = [constant(arguments[0]) for arguments in session_calls(top) or ()]
    return bool(names) and all(name is not None and is_settable(name) for name in names)


def _analyzes_table(top: Node) -> bool:
    """Tell ANALYZE of one table: Aurora DSQL documents no other."""
    tables = [one["VacuumRelation"] for one in top.get("rels", ())]
    is_plain = len(tables) == 1 and "va_cols" not in tables[0] and "options" not in top
    return is_plain and not top.get("is_vacuumcmd")


_KEPT: Final[dict[str, Callable[[Node], bool]]] = {
    "VariableSetStmt": _is_setting,
    "SelectStmt": _sets,
    "VacuumStmt": _analyzes_table,
    "TransactionStmt": lambda _: True,
    "ConstraintsSetStmt": lambda _: True,
}


def with_session(parts: Iterable[Part]) -> Iterator[Part]:
    """Keep each statement's settings and transaction as they are in the script.

    BEGIN and COMMIT go from around what cannot be one transaction, and what was set for it alone ends with
    it; where the script has a new session, all settings are the defaults again.
    """
    block: list[Part] = []
    values = SessionValues()
    for given in parts:
        part = _new_session(given, may_be_set=bool(block) or values.any_set)
        kind = _transaction(part)
        if kind == "BEGIN" and not block:
            block = [part]
        elif block and kind == "COMMIT":
            yield from _block([*block, part], values)
            block = []
        elif block:
            block.append(part)
        else:
            yield _outside(values.take(part))
    yield from block


def _outside(part: Part) -> Part:
    """Find SET LOCAL in a transaction that psql alone has begun: the fixed script has no AUTOCOMMIT off."""
    if not any(change.is_local for change in changes(part)):
        return part
    told = f"{one_line(part.item.text)}: write BEGIN before it, and COMMIT where it ends"
    return replace(part, findings=(*part.findings, Finding(part.item.line, told, "unfixable")))


def _new_session(part: Part, *, may_be_set: bool) -> Part:
    """Write RESET ALL for what gives the script a session with the defaults.

    Args:
        part: A part of the script.
        may_be_set: Some setting may not be the default.
    """
    text = ""
    if part.queries == () and part.item.meta and may_be_set and _CONNECTS.match(part.item.text):
        text = "RESET ALL;"
    elif part.queries == () and _DISCARDS_ALL.match(part.item.text):
        text = "RESET ALL"
    if not text:
        return part
    told = f"{one_line(part.item.text)} is RESET ALL: all settings are the defaults again from here on"
    return replace(part, queries=(text,), findings=(Finding(part.item.line, told, "fixed"),))


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


def _block(block: Sequence[Part], values: SessionValues) -> Iterator[Part]:
    begin, *inner, commit = block
    statements = [statement for part in inner for statement in part.statements]
    rows = sum(part.rows for part in inner)
    why = ""
    if statements and (found := transaction_rules.check(statements)) is not None:
        why = found[1].why
    elif rows > limits.MAX_ROWS:
        why = f"A transaction changes at most {limits.MAX_ROWS:,} rows on Aurora DSQL, and this one {rows:,}."
    if not why:
        yield from (_plain(begin), *(values.take(_without_upkeep(part)) for part in inner), commit)
        return
    message = (
        f"{one_line(begin.item.text)} … COMMIT of line {commit.item.line}, left out: {why} Each statement is "
        "a transaction of its own then, and a failure undoes none of those before it."
    )
    yield replace(begin, queries=(), findings=(Finding(begin.item.line, message, "fixed_with_warning"),))
    local: list[str] = []
    for part in inner:
        made = changes(values.take(part))
        names = [change.name for change in made if change.is_local]
        if names:
            told = f"{', '.join(names)}: SET LOCAL is SET, up to line {commit.item.line}"
            written = tuple(change.statement for change in made)
            yield replace(part, queries=written, findings=(Finding(part.item.line, told, "fixed"),))
        else:
            yield part
        local += names
    yield replace(commit, queries=tuple(values.restored(name) for name in dict.fromkeys(local)))


def _without_upkeep(part: Part) -> Part:
    """Take ANALYZE out of a transaction, where Aurora DSQL refuses it."""
    if part.queries is not None or not _ANALYZES.match(part.item.text):
        return part
    told = f"{one_line(part.item.text)}, left out: {UPKEEP.dispensable}"
    return replace(part, queries=(), findings=(Finding(part.item.line, told, "fixed"),))


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
