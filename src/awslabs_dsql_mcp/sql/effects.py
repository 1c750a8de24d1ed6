"""Effects of a statement as its tree shows them, for those who are asked before it runs.

They are made of verbs and names alone, so that no comment and no long text of a statement can hide one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.sql.parse_tree import Node, walk
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.text import truncate_middle, visible_line

DML: Final = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
DROPS: Final = ("DropStmt", "DropRoleStmt", "DropdbStmt", "DropOwnedStmt")
_OF_ROWS: Final = frozenset({"ColumnRef", "FuncCall", "SubLink", "ParamRef", "CurrentOfExpr"})
_MAX_NAME: Final = 160  # characters of a command or of a table's name


@dataclass(frozen=True)
class Effect:
    """One change that a statement makes.

    Attributes:
        text: Verb and object, on one line: ``DELETE every row of orders``.
        is_grave: True if something is dropped, or every row of a table is changed.
    """

    text: str
    is_grave: bool = False


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
    """Check that an UPDATE or DELETE has no WHERE, or one of constants alone."""
    return "whereClause" not in node or not _reads_rows(node["whereClause"])


def drops_part(node: Node) -> bool:
    """Check that a command of ALTER TABLE drops a column or a constraint."""
    return node.get("subtype") in ("AT_DropColumn", "AT_DropConstraint")


def _reads_rows(condition: Node) -> bool:
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
                found.append(not walk(part).keys().isdisjoint(_OF_ROWS))
    return found[0]


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
                return Effect(f"{verb} every row of {table} (no WHERE)", is_grave=True)
            return Effect(f"{verb} rows of {table} by a WHERE")


def _drops(source: ParsedStatement) -> Iterator[Effect]:
    """Word a DROP of several objects: each by itself, so that none stands in the middle of a long list."""
    if source.tree.kind not in DROPS or "," not in (words := _words(source)):
        return
    depth, part, parts = 0, list[str](), list[str]()
    for word in words:
        depth += (word in "([") - (word in ")]")
        if word == "," and not depth:
            parts.append(" ".join(part))
            part = []
        else:
            part.append(word)
    parts.append(" ".join(part))
    end = " CASCADE" if source.tree.root.get("behavior") == "DROP_CASCADE" else ""
    for number, text in enumerate(parts):
        whole = f"{source.kind} {text}" if number else text
        whole = whole if number == len(parts) - 1 else whole + end
        yield Effect(truncate_middle(visible_line(whole), _MAX_NAME), is_grave=True)


def _words(source: ParsedStatement) -> list[str]:
    data = source.text.data
    return [data[token.start : token.end].decode() for token in source.tokens]


def _command(source: ParsedStatement) -> Effect:
    """Word a command that is no query: as it is written, without comments, on one line."""
    parts = [place.node for place in source.tree.find("AlterTableCmd") if drops_part(place.node)]
    dropped = "".join(f"; DROPS {part}" for part in _dropped(parts))
    text = truncate_middle(visible_line(" ".join(_words(source))), _MAX_NAME) + dropped
    return Effect(text, is_grave=source.tree.kind in DROPS or bool(parts))


def _dropped(parts: list[Node]) -> Iterator[str]:
    for part in parts:
        what = "column" if part.get("subtype") == "AT_DropColumn" else "constraint"
        yield f"{what} {truncate_middle(visible_line(str(part.get('name', ''))), _MAX_NAME)}"


def _table(relation: Node) -> str:
    names = [relation[key] for key in ("schemaname", "relname") if relation.get(key)]
    return truncate_middle(visible_line(".".join(names)), _MAX_NAME)
