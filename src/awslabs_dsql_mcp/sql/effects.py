"""Effects of a statement as its tree shows them, for those who are asked before it runs.

They are made of verbs and names alone, so that no comment and no long text of a statement can hide one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings, walk
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.text import truncate_middle, visible_line

DML: Final = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
DROPS: Final = ("DropStmt", "DropRoleStmt", "DropdbStmt", "DropOwnedStmt")
_OF_ROWS: Final = frozenset({"ColumnRef", "FuncCall", "SubLink", "ParamRef", "CurrentOfExpr"})
_LIKE: Final = frozenset({"~~", "~~*", "!~~", "!~~*"})
_HOLDING: Final = frozenset({"=", "<=", ">=", "~~", "~~*"})
_FAILING: Final = frozenset({"<>", "!=", "<", ">", "!~~", "!~~*"})
_BARE: Final = frozenset({"targetList", "fromClause", "limitOption", "op", "distinctClause"})
"""Fields of a SELECT that has no condition."""

_MAX_NAME: Final = 160  # characters of a command or of a table's name
_OPENING: Final = frozenset({".", "(", "["})
_CLOSING: Final = frozenset({".", ",", ")", "]", ";"})


@dataclass(frozen=True)
class Effect:
    """One change that a statement makes.

    Attributes:
        text: Verb and object, on one line: ``DELETE every row of orders``.
        is_grave: True if something is dropped, or every row of a table is changed.
        every_row: True if it is an UPDATE or DELETE of every row of a table.
        has_where: That has a WHERE, which tells no rows apart.
    """

    text: str
    is_grave: bool = False
    every_row: bool = False
    has_where: bool = False


def effects(source: ParsedStatement) -> tuple[Effect, ...]:
    """Find what a statement changes, in a WITH and behind EXPLAIN ANALYZE too; nothing for a mere query.

    Args:
        source: A statement that may change something.
    """
    tree = source.tree
    changes = [_change(kind, place.node) for kind in DML for place in tree.find(kind)]
    if not changes and tree.kind not in ("SelectStmt", "ExplainStmt"):
        changes = list(_drops(source)) or [_command(source)]
    return tuple(dict.fromkeys(changes))


def changes_every_row(node: Node) -> bool:
    """Check that an UPDATE or DELETE has no WHERE, or one that holds whatever its columns are, but NULL."""
    return "whereClause" not in node or not _reads_rows(node["whereClause"], node.get("relation", {}))


def drops_part(node: Node) -> bool:
    """Check that a command of ALTER TABLE drops a column or a constraint."""
    return node.get("subtype") in ("AT_DropColumn", "AT_DropConstraint")


def _reads_rows(condition: Node, table: Node) -> bool:
    """Check that what holds of a row depends on the row: in an OR, no part is of constants alone."""
    found: list[bool] = []
    work: list[tuple[Node, bool] | tuple[int, bool]] = [(condition, False)]
    while work:
        part, negated = work.pop()
        if isinstance(part, int):  # so many parts were looked at
            read, found[-part:] = found[-part:], []
            found.append(any(read) if negated else all(read))
            continue
        junction: Node = part.get("BoolExpr", {})
        match junction.get("boolop"):
            case "NOT_EXPR":
                work.append((junction["args"][0], not negated))
            case "OR_EXPR" | "AND_EXPR" as operator:
                parts: list[Node] = junction["args"]
                work.append((len(parts), (operator == "OR_EXPR") is negated))
                work += [(inner, negated) for inner in parts]
            case _:
                is_constant = walk(part).keys().isdisjoint(_OF_ROWS)
                found.append(not is_constant and not _holds(part, table, negated=negated))
    return found[0]


def _holds(part: Node, table: Node, *, negated: bool) -> bool:
    """Check that a comparison of a column with itself or all its values holds, or fails, but for NULL."""
    match part:
        case {"A_Expr": {"kind": kind, "name": name, "lexpr": left, "rexpr": right}} if _is_column(left):
            operator = strings(name)[-1]
            others: list[Node] = right["List"]["items"] if "List" in right else [right]
            found = [_same(left, other) for other in others]
            match kind:
                case "AEXPR_IN":
                    return any(found) and (operator == "=") is not negated
                case "AEXPR_BETWEEN" | "AEXPR_BETWEEN_SYM":
                    return all(found) and not negated
                case "AEXPR_DISTINCT" | "AEXPR_NOT_DISTINCT":
                    return all(found) and (kind == "AEXPR_NOT_DISTINCT") is not negated
                case _:
                    everything = operator in _LIKE and set(constant(right) or "") == {"%"}
                    return (all(found) or everything) and operator in (_FAILING if negated else _HOLDING)
        case {"SubLink": {"subLinkType": "ANY_SUBLINK", "testexpr": left, "subselect": query} as link}:
            operator = strings(link.get("operName", [{"String": {"sval": "="}}]))[-1]
            return not negated and operator in _HOLDING and _gives_all_of(query["SelectStmt"], left, table)
        case _:
            return False


def _is_column(node: Node) -> bool:
    return "ColumnRef" in node


def _same(one: Node, other: Node) -> bool:
    """Check that both are one column, with its table or without."""
    if not (_is_column(one) and _is_column(other)):
        return False
    ours, theirs = strings(one["ColumnRef"]["fields"]), strings(other["ColumnRef"]["fields"])
    shorter = min(len(ours), len(theirs))
    return shorter > 0 and ours[-shorter:] == theirs[-shorter:]


def _gives_all_of(query: Node, column: Node, table: Node) -> bool:
    """Check that a subquery is all of a table's column: ``id IN (SELECT id FROM t)``."""
    match query:
        case {"targetList": [{"ResTarget": {"val": value}}], "fromClause": [{"RangeVar": source}]}:
            is_same = all(source.get(field) == table.get(field) for field in ("schemaname", "relname"))
            return query.keys() <= _BARE and is_same and _same(column, value)
        case _:
            return False


def _change(kind: str, node: Node) -> Effect:
    table = _table(node.get("relation", {}))
    match kind:
        case "InsertStmt":
            replaces = node.get("onConflictClause", {}).get("action") == "ONCONFLICT_UPDATE"
            return Effect(f"INSERT into {table}" + (", UPDATE of rows that are there" if replaces else ""))
        case "MergeStmt":
            return Effect(f"MERGE into {table}")
        case _:
            verb = "UPDATE" if kind == "UpdateStmt" else "DELETE"
            if changes_every_row(node):
                has_where = "whereClause" in node
                how = ", or none (its WHERE tells none apart)" if has_where else " (no WHERE)"
                text = f"{verb} every row of {table}{how}"
                return Effect(text, is_grave=True, every_row=True, has_where=has_where)
            return Effect(f"{verb} rows of {table} by a WHERE")


def _drops(source: ParsedStatement) -> Iterator[Effect]:
    """Word a DROP of several objects: each by itself, so that none stands in the middle of a long list."""
    if source.tree.kind not in DROPS or "," not in (words := _words(source)):
        return
    depth, part, parts = 0, list[str](), list[str]()
    for word in words:
        depth += (word in "([") - (word in ")]")
        if word == "," and not depth:
            parts.append(_joined(part))
            part = []
        else:
            part.append(word)
    parts.append(_joined(part))
    end = " CASCADE" if source.tree.root.get("behavior") == "DROP_CASCADE" else ""
    for number, text in enumerate(parts):
        whole = f"{source.kind} {text}" if number else text
        whole = whole if number == len(parts) - 1 else whole + end
        yield Effect(truncate_middle(visible_line(whole), _MAX_NAME), is_grave=True)


def _words(source: ParsedStatement) -> list[str]:
    data = source.text.data
    return [data[token.start : token.end].decode() for token in source.tokens]


def _joined(words: Sequence[str]) -> str:
    """Join words as SQL is written: ``a.b (c, d)``."""
    text = ""
    for before, word in zip(("", *words), words, strict=False):
        tight = not text or before in _OPENING or word in _CLOSING
        text += word if tight else f" {word}"
    return text


def _command(source: ParsedStatement) -> Effect:
    """Word a command that is no query: as it is written, without comments, on one line."""
    parts = [place.node for place in source.tree.find("AlterTableCmd") if drops_part(place.node)]
    dropped = "".join(f"; DROPS {part}" for part in _dropped(parts))
    text = truncate_middle(visible_line(_joined(_words(source))), _MAX_NAME) + dropped
    return Effect(text, is_grave=source.tree.kind in DROPS or bool(parts))


def _dropped(parts: list[Node]) -> Iterator[str]:
    for part in parts:
        what = "column" if part.get("subtype") == "AT_DropColumn" else "constraint"
        yield f"{what} {truncate_middle(visible_line(str(part.get('name', ''))), _MAX_NAME)}"


def _table(relation: Node) -> str:
    names = [relation[key] for key in ("schemaname", "relname") if relation.get(key)]
    return truncate_middle(visible_line(".".join(names)), _MAX_NAME)
