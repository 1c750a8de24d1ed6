"""Statements of DDL as changes of definitions; those of a script and those of the catalog are read alike."""

from collections.abc import Callable
from typing import Any, Final, cast

from awslabs_dsql_mcp.migration.script.mentions import (
    Name,
    mentions,
    nested,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.migration.verification.cascades import cascade, dropped
from awslabs_dsql_mcp.migration.verification.definitions import (
    IDENTITIES,
    Definitions,
    Relation,
    function_key,
    sequence_options,
)
from awslabs_dsql_mcp.sql.definitions import items
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant, strings

_KINDS: Final = {"OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_SEQUENCE": "sequence"}
_PARTS: Final = {"OBJECT_INDEX": "idxname", "OBJECT_TABCONSTRAINT": "conname"}
_ALL: Final = {
    "OBJECT_TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "OBJECT_SEQUENCE": ("USAGE", "SELECT", "UPDATE"),
}
_EXPRESSIONS: Final = ("default", "generated")
_UNTOUCHED: Final = frozenset({"AT_SetStorage", "AT_ValidateConstraint"})


def apply(tree: Tree, found: Definitions, line: int = 0) -> bool:
    """Apply a statement to definitions; false for one that is not about these, or not about these alone.

    Args:
        tree: The statement.
        found: The definitions.
        line: Its line in the script.
    """
    found.line = line
    applied = _APPLIED.get(tree.kind)
    return applied is not None and applied(found, tree.root)


def _create_table(found: Definitions, top: Node) -> bool:
    table = found.relations[relation_name(top["relation"])] = Relation("table", is_whole=True)
    for item in items(top.get("tableElts")):
        if "ColumnDef" in item:
            table.add_column(item["ColumnDef"])
        elif "Constraint" in item:
            table.add_constraint(item["Constraint"])
        else:
            table.unknown = f"line {found.line} copies a part of it"
    if not found.is_stored:
        table.merge_keys()
    return True


def _create_view(found: Definitions, top: Node) -> bool:
    names = strings(top.get("aliases"))
    found.relations[relation_name(top["view"])] = Relation("view", query=top["query"], names=names)
    return True


def _create_index(found: Definitions, top: Node) -> bool:
    found.relation(relation_name(top["relation"])).indexes.append(top)
    return True


def _create_sequence(found: Definitions, top: Node) -> bool:
    name = relation_name(top["sequence"])
    found.relations[name] = Relation("sequence", options=sequence_options(top))
    return True


def _alter_sequence(found: Definitions, top: Node) -> bool:
    sequence = found.relation(relation_name(top["sequence"]))
    options = sequence_options(top)
    restart = options.pop("restart", None)
    sequence.options |= options
    if restart is not None:
        sequence.value = int(restart)
    return True


def _select(found: Definitions, top: Node) -> bool:
    """Apply setval with constants."""
    called = [item["ResTarget"].get("val", {}).get("FuncCall", {}) for item in items(top.get("targetList"))]
    if len(called) != 1 or strings(called[0].get("funcname"))[-1:] != ["setval"]:
        return False
    name, value, *_ = (*map(constant, called[0]["args"]), None)
    if name is None or value is None:
        return False
    parts = [part.strip('"') for part in name.split(".")]
    found.relation(qualified_name(parts)).value = int(value)
    return True


def _create_function(found: Definitions, top: Node) -> bool:
    found.functions[function_key(top)] = top
    return True


def _create_domain(found: Definitions, top: Node) -> bool:
    found.domains[qualified_name(strings(top["domainname"]))] = top
    return True


def _comment(found: Definitions, top: Node) -> bool:
    parts = object_name(top["object"])
    if top["objtype"] == "OBJECT_COLUMN":
        *named, column = parts
    elif top["objtype"] in ("OBJECT_TABLE", "OBJECT_VIEW"):
        named, column = parts, ""
    else:
        return False
    found.relation(qualified_name(named)).comments[column] = top.get("comment") or None
    return True


def _grant(found: Definitions, top: Node) -> bool:
    kind = top.get("objtype", "OBJECT_TABLE")
    privileges = [item["AccessPriv"] for item in items(top.get("privileges"))]
    if (
        kind not in _ALL
        or top.get("targtype", "ACL_TARGET_OBJECT") != "ACL_TARGET_OBJECT"
        or any("cols" in one for one in privileges)
    ):
        return False
    names = [one["priv_name"].upper() for one in privileges] or _ALL[kind]
    for item in top["objects"]:
        relation = found.relation(relation_name(item["RangeVar"]))
        for grantee in top["grantees"]:
            role = grantee["RoleSpec"]
            who = role.get("rolename", "public" if role["roletype"] == "ROLESPEC_PUBLIC" else "")
            if who:
                relation.grants |= {(who, name): bool(top.get("is_grant")) for name in names}
    return True


def _rename(found: Definitions, top: Node) -> bool:
    if "relation" not in top:
        _forget_renamed(found, top)
        return False
    name, new = relation_name(top["relation"]), top.get("newname", "")
    part = _PARTS.get(top.get("renameType", ""))
    if part is not None:
        old = top.get("subname", name[1])
        named = [
            (listed, at)
            for relation in found.relations.values()
            for listed in (relation.constraints, relation.indexes)
            for at, one in enumerate(listed)
            if one.get(part) == old
        ]
        for listed, at in named:
            listed[at] = listed[at] | {part: new}
        if named:
            return True
    why = f"line {found.line} renames it or a part of it"
    moved = (top.get("newschema", name[0]), new if top.get("renameType") in _KINDS else name[1])
    found.relations |= {name: Relation(unknown=why), moved: Relation(unknown=why)}
    if top.get("renameType") == "OBJECT_COLUMN":
        for relation in found.relations.values():
            for at, key in enumerate(relation.constraints):
                if "pktable" in key and relation_name(key["pktable"]) == name:
                    attributes = [
                        new if one == top["subname"] else one for one in strings(key.get("pk_attrs"))
                    ]
                    relation.constraints[at] = key | {
                        "pk_attrs": [{"String": {"sval": one}} for one in attributes]
                    }
    elif moved != name:
        _follow(found, name, moved)
    return True


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
        _forget_within(found, top["subname"])
        return
    name = qualified_name(object_name(top.get("object", {})) or [""])
    found.domains.pop(name, None)
    for key in [key for key in found.functions if key[0] == name]:
        del found.functions[key]
    if name[1]:
        _doubt(found, name)


def _forget_within(found: Definitions, schema: str) -> None:
    """Forget what is in a schema."""
    for names in (found.relations, found.domains):
        for name in [name for name in names if name[0] == schema]:
            del names[name]
    found.functions.clear()  # those of other schemas may have types of it


def _drop(found: Definitions, top: Node) -> bool:
    if top.get("behavior") == "DROP_CASCADE":
        cascade(found, dropped(found, top))
    for schema in strings(top.get("objects")) if top["removeType"] == "OBJECT_SCHEMA" else ():
        _forget_within(found, schema)
    for item in items(top.get("objects")):
        name = qualified_name(object_name(item))
        if top["removeType"] in _KINDS:
            found.relations.pop(name, None)
        elif top["removeType"] == "OBJECT_INDEX":
            for relation in found.relations.values():
                kept = [one for one in relation.indexes if one.get("idxname") != name[1]]
                relation.indexes = kept
        elif top["removeType"] == "OBJECT_FUNCTION":
            for key in [key for key in found.functions if key[0] == name]:
                del found.functions[key]
        elif top["removeType"] in ("OBJECT_DOMAIN", "OBJECT_TYPE"):
            found.domains.pop(name, None)
    return False  # that it is gone is asked for by its name


def _columns_of(definition: Node) -> set[str]:
    """Name the columns that an index or a constraint is defined with."""
    keys = [name for field in ("keys", "including", "fk_attrs") for name in strings(definition.get(field))]
    elements = [*items(definition.get("indexParams")), *items(definition.get("indexIncludingParams"))]
    return {*keys, *(str(one["IndexElem"].get("name")) for one in elements), *mentions(definition).columns}


def _alter_table(found: Definitions, top: Node) -> bool:
    if top.get("objtype", "OBJECT_TABLE") != "OBJECT_TABLE":
        return False
    name = relation_name(top["relation"])
    if top.get("missing_ok") and name not in found.relations:
        return False
    cascade(found, dropped(found, top))
    table = found.relation(name)
    changed = [_alter(table, item["AlterTableCmd"], found.line) for item in top["cmds"]]
    return all(changed)


def _alter(table: Relation, command: Node, line: int) -> bool:  # noqa: C901, PLR0912 - a form each
    form, name, given = command["subtype"], command.get("name", ""), command.get("def", {})
    if form == "AT_AddColumn":
        table.add_column(given["ColumnDef"])
    elif form == "AT_DropColumn":
        table.columns.pop(name, None)
        table.dropped.add(name)
        if any(name in strings(one.get("keys")) for one in (*table.constraints, *table.indexes)):
            table.unknown = f"line {line} drops a column of a key"
        # PostgreSQL drops what is defined with a column with it.
        table.indexes = [one for one in table.indexes if name not in _columns_of(one)]
        table.constraints = [one for one in table.constraints if name not in _columns_of(one)]
    elif form == "AT_ColumnDefault":
        table.set_default(name, given or None)
    elif form == "AT_SetNotNull":
        table.columns.setdefault(name, {})["not null"] = True
    elif form == "AT_DropNotNull":
        table.columns.setdefault(name, {})["not null"] = False
    elif form == "AT_AddConstraint":
        table.add_constraint(given["Constraint"])
    elif form == "AT_DropConstraint":
        kept = [one for one in table.constraints if one.get("conname") != name]
        if kept == table.constraints and not all("conname" in one for one in kept):
            table.unknown = f"line {line} drops a constraint by the name that PostgreSQL gave it"
        table.constraints = kept
        table.dropped.add(name)
    elif form == "AT_AddIdentity":
        column = table.columns.setdefault(name, {})
        column["identity"] = IDENTITIES[given["Constraint"]["generated_when"]]
        column |= {f"identity {key}": value for key, value in sequence_options(given["Constraint"]).items()}
    elif form == "AT_DropIdentity":
        column = table.columns.setdefault(name, {})
        for aspect in [one for one in column if one.startswith("identity")]:
            del column[aspect]
        column["identity"] = None
    elif form == "AT_DropExpression":
        table.columns.setdefault(name, {})["generated"] = None
    elif form not in _UNTOUCHED:
        return False
    if form == "AT_ValidateConstraint":
        for at, one in enumerate(table.constraints):
            if one.get("conname") == name:
                table.constraints[at] = {k: v for k, v in one.items() if k != "skip_validation"}
    return True


_APPLIED: Final[dict[str, Callable[[Definitions, Node], bool]]] = {
    "CreateStmt": _create_table,
    "ViewStmt": _create_view,
    "IndexStmt": _create_index,
    "CreateSeqStmt": _create_sequence,
    "AlterSeqStmt": _alter_sequence,
    "SelectStmt": _select,
    "CreateFunctionStmt": _create_function,
    "CreateDomainStmt": _create_domain,
    "CommentStmt": _comment,
    "GrantStmt": _grant,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _rename,
    "DropStmt": _drop,
    "AlterTableStmt": _alter_table,
}
