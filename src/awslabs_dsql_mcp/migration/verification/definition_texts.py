"""Definitions and their parts as texts for a message."""

from typing import Any, Final

from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.text import one_line

MAX_SHOWN: Final = 120  # characters
_KINDS: Final = {
    "CONSTR_PRIMARY": "PRIMARY KEY",
    "CONSTR_UNIQUE": "UNIQUE",
    "CONSTR_CHECK": "CHECK",
    "CONSTR_FOREIGN": "FOREIGN KEY",
}


_ACTIONS: Final = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def shown(kind: str, query: Any) -> str:  # noqa: ANN401 - a parse tree
    """Deparse a statement, cut to what a message shows."""
    try:
        return one_line(deparse.deparse(kind, query[kind]), MAX_SHOWN)
    except Exception:  # noqa: BLE001 - only a part of a message
        return "one that cannot be shown"


def expression_text(node: Node | None) -> str:
    """Deparse an expression."""
    if not node:
        return "none"
    select = {
        "targetList": [{"ResTarget": {"val": node}}],
        "limitOption": "LIMIT_OPTION_DEFAULT",
        "op": "SETOP_NONE",
    }
    return shown("SelectStmt", {"SelectStmt": select}).removeprefix("SELECT ")


def type_text(type_name: Node) -> str:
    """Deparse a type."""
    null: Node = {"A_Const": {"isnull": True}}
    text = expression_text({"TypeCast": {"arg": null, "typeName": type_name}})
    return text.removeprefix("NULL::")


def _references(key: Node) -> str:
    columns = ", ".join(strings(key.get("pk_attrs")))
    text = f" REFERENCES {key['pktable']['relname']}" + (f" ({columns})" if columns else "")
    for field, event in (("fk_del_action", "DELETE"), ("fk_upd_action", "UPDATE")):
        if (action := _ACTIONS.get(key.get(field, ""))) is not None:
            text += f" ON {event} {action}"
    return text + (" DEFERRABLE" if key.get("deferrable") else "")


def part_text(noun: str, part: Node) -> str:
    """Deparse a constraint or an index."""
    if noun == "index":
        return shown("IndexStmt", {"IndexStmt": part})
    if part["contype"] == "CONSTR_CHECK":
        text = f"CHECK ({expression_text(part.get('raw_expr'))})"
    else:
        keys = strings(part.get("keys") or part.get("fk_attrs"))
        nulls = " NULLS NOT DISTINCT" if part.get("nulls_not_distinct") else ""
        text = f"{_KINDS.get(part['contype'], part['contype'])}{nulls} ({', '.join(keys)})"
        if "pktable" in part:
            text += _references(part)
    return text + (" NOT VALID" if part.get("skip_validation") else "")
