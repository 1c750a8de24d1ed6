"""Facts about a statement that the guard and the tools need, and placeholders for its values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.effects import DML, DROPS, Effect, drops_part, effects
from awslabs_dsql_mcp.sql.parse_tree import Tree, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.text import pluralize

Category = Literal["read", "dml", "ddl", "setting"]

_HOLD_NO_ROWS: Final = frozenset(
    f"OBJECT_{kind}" for kind in ("INDEX", "VIEW", "SEQUENCE", "FUNCTION", "PROCEDURE", "ROUTINE")
)
_ANSWERS: Final = frozenset({"SelectStmt", "VariableShowStmt", "ExplainStmt"})
_RETURNING: Final = frozenset({"returningClause", "returningList"})
_OPERATIONS: Final = ("AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_OP_ALL")
_SETTINGS: Final = ("VariableSetStmt", "ConstraintsSetStmt")


@dataclass(frozen=True)
class StatementInfo:
    """Facts about one statement.

    Attributes:
        kind: The command as the manual's headings have it: ``SELECT``, ``CREATE TABLE``, ``AWS IAM GRANT``.
        category: ``read`` runs in a READ ONLY transaction; ``dml`` needs one that may write; ``ddl`` has to
            be alone in its transaction (GRANT and REVOKE are DDL); ``setting`` holds until the transaction
            ends.
        whole_table: True if it runs an UPDATE or DELETE, in a CTE too, whose WHERE is absent or made of
            constants.
        drops: True if something is dropped: DROP of any object, ALTER TABLE DROP COLUMN.
        returns_rows: True if it answers with rows.
        user_functions: True if it calls a function or operator that is neither PostgreSQL's nor Aurora
            DSQL's, which may leave something in the session. Those inside a view, that overload a name of
            PostgreSQL's, or are written like a column (``row.function``) cannot be told from the text.
        uncounted: True if it may change rows that its command tag does not count: in a WITH, behind EXPLAIN
            ANALYZE, in a function of the user's.
        limit_at: Where in the text, in characters, a line ``LIMIT n`` can be inserted without changing what
            the statement does, with ``user_functions`` only where they cannot write; ``None`` for what is no
            query, is limited already, or does something for each row, such as to lock it.
        effects: The changes that its text shows; none for what rules of read-only mode allow.
    """

    kind: str
    category: Category
    whole_table: bool = False
    drops: bool = False
    returns_rows: bool = False
    user_functions: bool = False
    uncounted: bool = False
    limit_at: int | None = None
    effects: tuple[Effect, ...] = ()


def describe(source: ParsedStatement, *, reads: bool) -> StatementInfo:
    """Gather a statement's facts from its tree.

    Args:
        source: The statement.
        reads: True if the rules of read-only mode allow it.
    """
    tree = source.tree
    category: Category = "read" if reads else _category(tree)
    users_code = _calls_users_code(tree)
    changes = () if reads else effects(source)
    uncounted = users_code or (not reads and _changes_in_cte(tree))
    return StatementInfo(
        kind=source.kind,
        category=category,
        whole_table=any(change.every_row for change in changes),
        drops=tree.kind in DROPS or any(drops_part(node) for node, _ in tree.nodes.get("AlterTableCmd", ())),
        returns_rows=source.asynchronous or tree.kind in _ANSWERS or bool(_RETURNING & tree.root.keys()),
        user_functions=users_code,
        uncounted=_drops_rows(tree) if category == "ddl" else uncounted,
        limit_at=None if not reads and _writes_rows(tree) else _limit_at(tree, source.text.sql),
        effects=changes,
    )


def calls(tree: Tree) -> Iterator[tuple[list[str], int, int]]:
    """Find all that may be a function call: name, number of arguments, byte offset.

    PostgreSQL also calls a function written like a column: ``(expr).nextval``, and ``c.nextval`` when ``c``
    is the result of a function in FROM (PostgreSQL documentation, "Using Composite Types in Queries").
    """
    for place in tree.find("FuncCall"):
        yield strings(place.node.get("funcname")), len(place.node.get("args", ())), place.location
    for place in tree.find("A_Indirection"):
        for name in strings(place.node.get("indirection")):
            yield [name], 1, place.location
    if "RangeFunction" in tree:
        for place in tree.find("ColumnRef"):
            for name in strings(place.node.get("fields"))[1:]:
                yield [name], 1, place.location


def bind_placeholders(sql: str, count: int) -> str:
    """Number the placeholders as psycopg does, so that the text which is checked is the text which is sent.

    ``%s`` becomes ``$1`` … ``$n`` and ``%%`` becomes ``%``, everywhere, inside of literals and comments too;
    a ``%`` at the end of a line is left alone (psycopg documentation, "Passing parameters to SQL
    queries"). Only for a text that comes with parameters: without any, psycopg leaves it alone.

    Raises:
        ValueError: Another number of placeholders than of parameters, or one that is not ``%s``.
    """
    pieces = list(_placeholders(sql))
    found = sum(new != "%" for _, new in pieces)
    if found != count:
        raise ValueError(
            f"The statement has {pluralize(found, 'placeholder')} (%s) and {pluralize(count, 'value')}."
        )
    bound: list[str] = []
    end = 0
    for match, new in pieces:
        bound += sql[end : match.start()], new
        end = match.end()
    return "".join((*bound, sql[end:]))


def unbound_offset(sql: str, offset: int) -> int:
    """Map a character offset in the bound text to the text with ``%s`` that it was made from."""
    shift = 0
    for match, new in _placeholders(sql):
        if match.start() + shift >= offset:
            break
        shift += len(new) - len(match.group())
    return offset - shift


_PLACEHOLDER: Final = re.compile(r"%(?:\([^)]+\).|.)")


def _placeholders(sql: str) -> Iterator[tuple[re.Match[str], str]]:
    number = 0
    for match in _PLACEHOLDER.finditer(sql):
        if match.group() == "%%":
            yield match, "%"
        elif match.group() == "%s":
            number += 1
            yield match, f"${number}"
        else:
            raise ValueError(
                f"{match.group()!r} at character {match.start() + 1} is no placeholder: with values, each is "
                "written %s, and a percent sign %%."
            )


def _category(tree: Tree) -> Category:
    if tree.kind in _SETTINGS:
        return "setting"
    return "dml" if tree.kind in ("SelectStmt", "ExplainStmt", *DML) else "ddl"


def _drops_rows(tree: Tree) -> bool:
    return tree.kind in DROPS and tree.root.get("removeType") not in _HOLD_NO_ROWS


def _changes_in_cte(tree: Tree) -> bool:
    changes = sum(len(tree.nodes.get(kind, ())) for kind in DML)
    return changes > (tree.kind in DML)


def _calls_users_code(tree: Tree) -> bool:
    for call, _ in tree.nodes.get("FuncCall", ()):
        if functions.is_user_defined(strings(call.get("funcname"))):
            return True
    for expression, _ in tree.nodes.get("A_Expr", ()):
        if expression.get("kind") in _OPERATIONS and functions.is_user_defined_operator(
            strings(expression.get("name"))
        ):
            return True
    return False


def _writes_rows(tree: Tree) -> bool:
    return (
        tree.kind != "SelectStmt"
        or "LockingClause" in tree
        or any(functions.effect(name, arguments) for name, arguments, _ in calls(tree))
    )


def _limit_at(tree: Tree, sql: str) -> int | None:
    if tree.kind != "SelectStmt" or "limitCount" in tree.root or "intoClause" in tree.root:
        return None
    if tree.end is None:
        return len(sql)
    return tree.end if sql.isascii() else len(sql.encode()[: tree.end].decode())
