"""RENAME and SET SCHEMA as changes of definitions."""

from typing import Any, Final, cast

from awslabs_dsql_mcp.migration.script.mentions import (
    Name,
    mentions,
    nested,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.migration.verification.definitions import Definitions, Relation, function_key
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_KINDS: Final = frozenset(("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_SEQUENCE"))
_PARTS: Final = {"OBJECT_INDEX": "idxname", "OBJECT_TABCONSTRAINT": "conname"}
_EXPRESSIONS: Final = ("default", "generated")


def rename(found: Definitions, top: Node) -> bool:
    """Apply RENAME and SET SCHEMA; false where only the catalog can tell."""
    if "relation" not in top:
        _forget_renamed(found, top)
        return False
    name, new = relation_name(top["relation"]), top.get("newname", "")
    part = _PARTS.get(top.get("renameType", ""))
    if part is not None:
        old = top.get("subname", name[1])
        named = [
            (listed, at, own)
            for relation in found.relations.values()
            for listed in (relation.constraints, relation.indexes)
            for at, one in enumerate(listed)
            if one.get(own := _name_of(one, part)) == old
        ]
        for listed, at, own in named:
            listed[at] = listed[at] | {own: new}
        if named:
            return True
    why = f"line {found.line} renames it or a part of it"
    moved = (top.get("newschema", name[0]), new if top.get("renameType") in _KINDS else name[1])
    found.relations |= {name: Relation(unknown=why), moved: Relation(unknown=why)}
    if top.get("renameType") == "OBJECT_COLUMN":
        for relation in found.relations.values():
            for at, key in enumerate(relation.constraints):
                # One without names of columns refers to those of the primary key, whatever they are called.
                if key.get("pk_attrs") and relation_name(key["pktable"]) == name:
                    attributes = [new if one == top["subname"] else one for one in strings(key["pk_attrs"])]
                    relation.constraints[at] = key | {
                        "pk_attrs": [{"String": {"sval": one}} for one in attributes]
                    }
    elif moved != name:
        _follow(found, name, moved)
    return True


def _name_of(definition: Node, part: str) -> str:
    """Name the field with the name by which RENAME knows it; a key has that of its index."""
    is_key = definition.get("contype") in ("CONSTR_PRIMARY", "CONSTR_UNIQUE")
    return "conname" if is_key and part == "idxname" else part


def _follow(found: Definitions, old: Name, new: Name) -> None:
    """Call a relation by its new name in the definitions that refer to it."""
    try:
        for relation in found.relations.values():
            for column in relation.columns.values():
                column |= {key: _with_name(column[key], old, new) for key in _EXPRESSIONS if column.get(key)}
            for at, key in enumerate(relation.constraints):
                if "pktable" in key:
                    relation.constraints[at] = key | {"pktable": _with_name(key["pktable"], old, new)}
            relation.query = _with_name(relation.query, old, new)
        functions = [_with_row_type(top, old, new) for top in found.functions.values()]
        found.functions = {function_key(top): top for top in functions}
    except RecursionError:
        for relation in found.relations.values():
            relation.unknown = f"line {found.line} renames what it may refer to"


def _doubt(found: Definitions, name: Name) -> None:
    """Take relations as unknown that have columns of a type or call a function whose name has changed."""
    for relation in found.relations.values():
        columns = relation.columns.values()
        types = [qualified_name(strings(one.get("type", {}).get("names")) or [""]) for one in columns]
        parts = [relation.constraints, relation.indexes, relation.query]
        parts += [[column.get(key) for key in _EXPRESSIONS] for column in columns]
        called = (strings(node["funcname"])[-1] for node in nested(parts) if "funcname" in node)
        if name in types or name[1] in called:
            relation.unknown = f"line {found.line} renames a type or function that it is defined with"


def _with_name(node: Any, old: Name, new: Name) -> Any:  # noqa: ANN401 - a parse tree
    """Write a tree anew with another name of a relation, in FROM and REFERENCES and as a regclass."""
    if isinstance(node, list):
        return [_with_name(inner, old, new) for inner in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    fields = cast("Node", node)
    if "relname" in fields and relation_name(fields) == old:
        return fields | {"schemaname": new[0], "relname": new[1]}
    written = {key: _with_name(inner, old, new) for key, inner in fields.items()}
    is_name = strings(fields.get("funcname"))[-1:] == ["nextval"]
    is_name |= "arg" in fields and strings(fields.get("typeName", {}).get("names"))[-1:] == ["regclass"]
    argument = next(iter(fields.get("args", ())), None) if "args" in fields else fields.get("arg")
    text = constant(argument) if is_name else None
    if text is not None and qualified_name([part.strip('"') for part in text.split(".")]) == old:
        value = {"A_Const": {"sval": {"sval": ".".join(new)}}}
        return written | ({"args": [value, *written["args"][1:]]} if "args" in fields else {"arg": value})
    return written


def _with_row_type(function: Node, old: Name, new: Name) -> Node:
    """Write a function anew whose parameters or result are rows of a relation with another name."""
    written = cast("Node", _with_name(function, old, new))
    for typed in mentions([written.get("parameters"), written.get("returnType")]).types:
        if qualified_name(strings(typed.get("names")) or [""]) == old:
            typed["names"] = [{"String": {"sval": part}} for part in new]
    return written


def _forget_renamed(found: Definitions, top: Node) -> None:
    """Forget functions and domains that get another name, and what is in a schema that does."""
    if top.get("renameType") == "OBJECT_SCHEMA":
        forget_within(found, top["subname"])
        return
    name = qualified_name(object_name(top.get("object", {})) or [""])
    found.domains.pop(name, None)
    for key in [key for key in found.functions if key[0] == name]:
        del found.functions[key]
    if name[1]:
        _doubt(found, name)


def forget_within(found: Definitions, schema: str) -> None:
    """Forget what is in a schema."""
    for names in (found.relations, found.domains):
        for name in [name for name in names if name[0] == schema]:
            del names[name]
    found.functions.clear()  # those of other schemas may have types of it
