"""Statements of DDL as changes of definitions; those of a script and those of the catalog are read alike."""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import (
    mentions,
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
from awslabs_dsql_mcp.migration.verification.renames import forget_within, rename
from awslabs_dsql_mcp.sql.definitions import items
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant, strings

_KINDS: Final = {"OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_SEQUENCE": "sequence"}
_ALL: Final = {
    "OBJECT_TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "OBJECT_SEQUENCE": ("USAGE", "SELECT", "UPDATE"),
}
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
            # A table that is made has no rows that NOT VALID could leave out.
            made = {} if found.is_stored else {"skip_validation": False}
            table.add_constraint(item["Constraint"] | made)
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
    name = relation_name(top["sequence"])
    if top.get("missing_ok") and name not in found.relations:
        return False
    sequence = found.relation(name)
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


def _alter_domain(found: Definitions, top: Node) -> bool:
    found.domains.pop(qualified_name(strings(top["typeName"])), None)
    return False


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


def _drop(found: Definitions, top: Node) -> bool:
    if top.get("behavior") == "DROP_CASCADE":
        cascade(found, dropped(found, top))
    for schema in strings(top.get("objects")) if top["removeType"] == "OBJECT_SCHEMA" else ():
        forget_within(found, schema)
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
    "AlterDomainStmt": _alter_domain,
    "CommentStmt": _comment,
    "GrantStmt": _grant,
    "RenameStmt": rename,
    "AlterObjectSchemaStmt": rename,
    "DropStmt": _drop,
    "AlterTableStmt": _alter_table,
}
