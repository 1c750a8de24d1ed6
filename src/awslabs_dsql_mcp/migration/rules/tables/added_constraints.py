"""Constraints that ALTER TABLE adds: in the CREATE TABLE before it, or as steps of their own."""

from awslabs_dsql_mcp.dsql.limits import MAX_INDEXES
from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement, ScriptTable
from awslabs_dsql_mcp.migration.rules.tables.columns import constraints
from awslabs_dsql_mcp.migration.rules.tables.constraints import (
    KEYS,
    folded_key,
    is_unenforced,
    plain_key,
    settle,
)
from awslabs_dsql_mcp.migration.rules.tables.create_table import has_room, key_name
from awslabs_dsql_mcp.migration.rules.tables.indexes import index_of, refused_key, unique_index
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import Key, builtin_type, items, key_columns, keys, table_elements
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_LATER_KEY = "a primary key is made with its table: make a new table, copy the rows, rename"


def add(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Carry ADD CONSTRAINT over."""
    constraint: Node = command["def"]["Constraint"]
    kind: str = constraint["contype"]
    if kind == "CONSTR_NOTNULL":
        for name in strings(constraint.get("keys")):
            validated = not constraint.get("skip_validation")
            require(conversion, draft.altered(command), table, name, validated=validated)
        return
    kept, notes = settle(conversion, table, [{"Constraint": constraint}])
    if not kept:
        human = notes[0].startswith(BY_HAND)
        conversion.skip(draft, notes[0].removeprefix(BY_HAND), human=human)
        return
    if notes:
        draft.changed(*notes)
    if kind in KEYS:
        _key(conversion, draft, table, constraint)
    elif kind in ("CONSTR_CHECK", "CONSTR_FOREIGN"):
        validate = not constraint.get("skip_validation") and not is_unenforced(constraint)
        _checked_later(conversion, draft, table, constraint, validate=validate)
    else:
        conversion.statements.append(draft)


def require(
    conversion: Conversion,
    draft: ConvertedStatement,
    table: Name,
    name: str,
    *,
    validated: bool = True,
) -> None:
    """Carry SET NOT NULL over: with its column where no row was without a value, else as a CHECK."""
    made = conversion.tables.get(table)
    column = made.column(name) if made else None
    if made is not None and column is not None and not made.optional:
        found = conversion.uses(made)
        if all(use.gives(name) and use.effect not in ("copy", "change") for use in found):
            given = items(column.get("constraints"))
            kept = [
                item
                for item in given
                if item["Constraint"]["contype"] not in ("CONSTR_NULL", "CONSTR_NOTNULL")
            ]
            column["constraints"] = [*kept, deparse.constraint("NOT NULL")]
            made.made.changed(f"{name}: NOT NULL of line {draft.line} is here: it cannot be set later")
            return
    checked = conversion.not_null.setdefault(table, {})
    if name in checked or (made is not None and _is_required(made, name)):
        conversion.skip(draft, f"{name} is NOT NULL already")
        return
    check = deparse.constraint(f"CHECK ({quote_identifier(name)} IS NOT NULL)")["Constraint"]
    check["conname"] = names.choose(table[1], name, "not_null", ())
    checked[name] = check["conname"]
    added: Node = {"subtype": "AT_AddConstraint", "def": {"Constraint": check}, "behavior": "DROP_RESTRICT"}
    note = f"{name}: NOT NULL is a CHECK named {check['conname']}: NOT NULL cannot be set later"
    _checked_later(conversion, draft.altered(added, note), table, check, validate=validated)


def _is_required(made: ScriptTable, name: str) -> bool:
    """Say if a column is NOT NULL by its definition or by the primary key."""
    column, own = made.column(name), made.names.get(name)
    if made.optional or column is None:
        return False
    primary = (key.constraint for key in keys(made.top) if key.constraint["contype"] == "CONSTR_PRIMARY")
    return bool(constraints(column, "CONSTR_NOTNULL", "CONSTR_IDENTITY")) or any(
        own in key_columns(made.top, key) for key in primary
    )


def _key(conversion: Conversion, draft: ConvertedStatement, table: Name, constraint: Node) -> None:
    kind: str = constraint["contype"]
    made = conversion.tables.get(table)
    notes = folded_key(conversion, table, strings(constraint.get("keys")))
    (made.made.notes if made is not None else draft.notes).extend(notes)
    foldable = made is not None and _can_fold(conversion, made, constraint)
    if made is not None and "indexname" in constraint and kind == "CONSTR_PRIMARY":
        _key_of_index(conversion, draft, made, constraint)
    elif made is not None and foldable and "indexname" not in constraint:
        _fold(conversion, draft, made, constraint)
    elif kind == "CONSTR_PRIMARY":
        _late_primary_key(conversion, draft, made, constraint)
    elif "indexname" in constraint:
        conversion.statements.append(draft)
    elif made is not None and not has_room(made):
        conversion.skip(draft, f"uniqueness is lost: a table has at most {MAX_INDEXES} indexes", human=True)
    elif (why := refused_key(conversion, table, strings(constraint.get("keys")))) is not None:
        conversion.skip(draft, f"uniqueness is lost: {why}", human=True)
    else:
        _unique(conversion, draft, table, constraint)


def _can_fold(conversion: Conversion, made: ScriptTable, constraint: Node) -> bool:
    """Say if a key can be made with its table: no row that is there before it is changed by then."""
    named = [*strings(constraint.get("keys")), *strings(constraint.get("including"))]
    if (
        made.optional
        or any(made.column(name) is None for name in named)
        or constraint.get("conname") in made.dropped
        or not conversion.is_free_before(made, made.known_as[-1][0], _key_name(conversion, made, constraint))
    ):
        return False
    if constraint["contype"] == "CONSTR_UNIQUE" and (
        (made.known_as[-1], tuple(named)) in conversion.survey.added_keys
        or any(_same_columns(made, key, named) for key in keys(made.top))
    ):
        return False
    return all(use.effect not in ("copy", "change") for use in conversion.uses(made))


def _same_columns(made: ScriptTable, key: Key, named: list[str]) -> bool:
    """Say if a key of CREATE TABLE is over the same columns: PostgreSQL makes one of two such keys there."""
    return key_columns(made.top, key.constraint) == [made.names[name] for name in named]


def _fold(conversion: Conversion, draft: ConvertedStatement, made: ScriptTable, constraint: Node) -> None:
    table, kind = made.known_as[-1], constraint["contype"]
    name = _key_name(conversion, made, constraint)  # before its columns are called what they were
    columns = _columns(constraint)
    apart = _taken_apart(made, columns) if kind == "CONSTR_PRIMARY" else []
    for field in ("keys", "including"):
        if field in constraint:
            constraint[field] = [
                {"String": {"sval": made.names[name]}} for name in strings(constraint[field])
            ]
    first = key_name(made.known_as[0][1], kind, _columns(constraint), ())
    rename = ()
    if not conversion.is_free_before(made, table[0], name):
        constraint["conname"] = first if first != name else names.choose(made.known_as[0][1], "", "key", ())
        rename = (_named_later(draft, constraint["conname"], name),)
    elif first != name:
        constraint["conname"] = name
    conversion.taken(table[0]).add(name)
    made.relations[name] = set(columns)
    if kind == "CONSTR_PRIMARY":
        made.primary = [constraint.get("conname", name), name] if rename else [name]
    made.indexes += 1
    made.top.setdefault("tableElts", []).append({"Constraint": constraint})
    made.made.changed(f"{KEYS[kind]} of line {draft.line} is here: it is made with its table", *draft.notes)
    conversion.statements += rename
    for unique in apart:
        _unique(conversion, draft, table, unique)


def _taken_apart(made: ScriptTable, columns: list[str]) -> list[Node]:
    """Take the unique constraints over a primary key's columns from CREATE TABLE, which would merge them."""
    named = [own for name in columns if (own := made.names[name]) is not None]
    holders = [made.top, *table_elements(made.top, "ColumnDef")]
    found = [
        key.constraint
        for key in keys(made.top)
        if key.constraint["contype"] == "CONSTR_UNIQUE" and key_columns(made.top, key.constraint) == named
    ]
    apart: list[Node] = []
    usual = key_name(made.known_as[0][1], "CONSTR_UNIQUE", named, ())
    known = [name for name in made.relations if name.startswith(usual)]
    for constraint in found:
        name = constraint.get("conname") or next(iter(known), None)
        if name is None or "including" in constraint:
            continue
        for holder, field in ((one, field) for one in holders for field in ("tableElts", "constraints")):
            kept = [item for item in holder.get(field, ()) if item.get("Constraint") is not constraint]
            if len(kept) < len(holder.get(field, ())):
                holder[field] = kept
        made.indexes -= 1
        keys_of = [{"String": {"sval": name}} for name in columns]
        apart.append({**constraint, "conname": name, "keys": keys_of})
    return apart


def _columns(constraint: Node) -> list[str]:
    return [*strings(constraint.get("keys")), *strings(constraint.get("including"))]


def _key_name(conversion: Conversion, made: ScriptTable, constraint: Node) -> str:
    """Name a key as PostgreSQL does at this place of the script."""
    schema, table = made.known_as[-1]
    given: str | None = constraint.get("conname")
    taken = conversion.taken(schema)
    return given or key_name(table, constraint["contype"], _columns(constraint), taken)


def _named_later(draft: ConvertedStatement, first: str, name: str) -> ConvertedStatement:
    """Give a key that is made with its table the name that was another's when the table was made."""
    top: Node = {
        "renameType": "OBJECT_TABCONSTRAINT",
        "relationType": "OBJECT_TABLE",
        "relation": draft.top["relation"],
        "subname": first,
        "newname": name,
        "behavior": "DROP_RESTRICT",
    }
    note = f"{name} was another's name when the table was made"
    return ConvertedStatement("RenameStmt", top, draft.line, None, [note])


def _late_primary_key(
    conversion: Conversion, draft: ConvertedStatement, made: ScriptTable | None, constraint: Node
) -> None:
    """Fold a primary key with a word of warning if only rows are in its way; else stop."""
    effects = {use.effect for use in conversion.uses(made)} if made is not None else {"copy"}
    named = strings(constraint.get("keys"))
    if made is None or "copy" in effects or any(made.column(name) is None for name in named):
        conversion.skip(draft, _LATER_KEY, blocks=True)
        return
    if made.optional:
        made.made.notes.append(f"{BY_HAND}if the table is there already, its primary key stays as it is")
    elif "change" in effects:
        why = f"rows are changed before line {draft.line}, and have to fit the primary key from the beginning"
        made.made.notes.append(f"{BY_HAND}{why}")
    _fold(conversion, draft, made, constraint)


def _key_of_index(
    conversion: Conversion, draft: ConvertedStatement, made: ScriptTable, constraint: Node
) -> None:
    index = index_of(conversion, constraint["indexname"])
    columns = [item["IndexElem"].get("name") for item in index.top.get("indexParams", ())] if index else []
    key: Node = {"contype": "CONSTR_PRIMARY", "conname": constraint.get("conname") or constraint["indexname"]}
    key["keys"] = [{"String": {"sval": name}} for name in columns]
    if index is None or None in columns or not _can_fold(conversion, made, key):
        conversion.skip(draft, _LATER_KEY, blocks=True)
        return
    conversion.statements.remove(index)
    made.indexes -= 1
    made.relations.pop(constraint["indexname"], None)
    _fold(conversion, draft, made, key)


def _unique(conversion: Conversion, draft: ConvertedStatement, table: Name, constraint: Node) -> None:
    made = conversion.tables.get(table)
    notes = plain_key(constraint)
    conversion.statements.append(
        unique_index(conversion, table, draft.top["relation"], constraint, draft.line)
    )
    name = constraint["conname"]
    if made is not None:
        made.indexes += 1
        made.relations[name] = set(_columns(constraint))
    added: Node = {
        "subtype": "AT_AddConstraint",
        "def": {"Constraint": {"contype": "CONSTR_UNIQUE", "conname": name, "indexname": name}},
        "behavior": "DROP_RESTRICT",
    }
    top = draft.altered(added, *draft.notes, "UNIQUE USING INDEX", *notes)
    conversion.statements.append(top)


def _checked_later(
    conversion: Conversion, draft: ConvertedStatement, table: Name, constraint: Node, *, validate: bool
) -> None:
    """Add a constraint NOT VALID, and let a job validate it."""
    draft.top["relation"] = draft.top["relation"] | {"inh": True}
    if "conname" not in constraint:
        constraint["conname"] = _constraint_name(conversion, table, constraint)
        draft.changed()
    conversion.constraints.setdefault(table, set()).add(constraint["conname"])
    conversion.constraints_of(table[0]).add(constraint["conname"])
    if (made := conversion.tables.get(table)) is not None:
        made.make_way(constraint["conname"])
    if constraint["contype"] == "CONSTR_FOREIGN":
        _compare_types(conversion, draft, table, constraint)
    conversion.statements.append(draft)
    constraint["is_enforced"] = True
    if not constraint.get("skip_validation"):
        constraint["skip_validation"] = True
        constraint.pop("initially_valid", None)
        then = "those there by the next step" if validate else "those there not yet"
        draft.changed(f"NOT VALID: new rows are checked at once, {then}")
    if not validate:
        return
    command: Node = {
        "subtype": "AT_ValidateConstraint",
        "name": constraint["conname"],
        "behavior": "DROP_RESTRICT",
    }
    note = "checks the rows that are there, by a job"
    conversion.statements.append(draft.altered(command, note))


def _constraint_name(conversion: Conversion, table: Name, constraint: Node) -> str:
    """Choose the name that PostgreSQL would."""
    return names.constraint_name(table[1], constraint, conversion.constraints_of(table[0]))


def _compare_types(conversion: Conversion, draft: ConvertedStatement, table: Name, constraint: Node) -> None:
    """Take note of a whole number that refers to a key that has become bigint."""
    target = relation_name(constraint["pktable"])
    own = strings(constraint.get("fk_attrs"))
    referred = strings(constraint.get("pk_attrs")) or own
    for name, key in zip(own, referred, strict=False):
        types = [conversion.column(table, name), conversion.column(target, key)]
        rows = [builtin_type(column["typeName"]) if column else None for column in types]
        shown = [row.name if row else "" for row in rows]
        if shown[0] in ("int2", "int4") and shown[1] == "int8":
            draft.notes.append(
                f"{name} stays {rows[0].displayed if rows[0] else ''}; {target[1]}.{key} is bigint"
            )
