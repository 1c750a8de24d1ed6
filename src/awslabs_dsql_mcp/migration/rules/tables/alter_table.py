"""ALTER TABLE for Aurora DSQL: folded into the CREATE TABLE before it, or in forms that a cluster has.

A change is folded where nothing between sees the difference (`uses`); else it stays in its place. (AWS:
Aurora DSQL user guide, "ALTER TABLE": constraints are added NOT VALID and validated by a job, UNIQUE is added
with an index that was built before, a primary key is made with its table.)
"""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.dsql.alter_table import refused_form
from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement, ScriptTable
from awslabs_dsql_mcp.migration.rules.expressions import obstacle, unknown_function
from awslabs_dsql_mcp.migration.rules.tables import added_columns, added_constraints, column_types, columns
from awslabs_dsql_mcp.migration.script.mentions import Name, nested, qualified_name, relation_name
from awslabs_dsql_mcp.migration.script.settings import FOREIGN_KEYS
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import is_builtin, items, key_columns, keys
from awslabs_dsql_mcp.sql.parse_tree import Node, strings


def alter(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry an ALTER TABLE over, one of its commands at a time."""
    table = relation_name(draft.top["relation"])
    commands = draft.top["cmds"]
    if (needed := conversion.survey.lacking.relations.get(table)) is not None:
        own = [item for item in commands if _is_own_of_partition(conversion, table, item["AlterTableCmd"])]
        lost = f"; {table[1]} has it of its own" if own else ""
        why = f"it is about {table[1]} of line {needed}, which is left out{lost}"
        conversion.skip(draft, why, human=bool(own))
        return
    for item in commands:
        part = draft if len(commands) == 1 else draft.altered(item["AlterTableCmd"])
        _command(conversion, part, table, item["AlterTableCmd"])


def _is_own_of_partition(conversion: Conversion, table: Name, command: Node) -> bool:
    """Say if a command adds a constraint to a partition that is none of its table."""
    found = conversion.survey.partitions
    constraint: Node = command.get("def", {}).get("Constraint", {})
    is_attached = (table[0], constraint.get("conname", "")) in found.attached
    return table in found.roots and command["subtype"] == "AT_AddConstraint" and not is_attached


def _attach(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Leave ATTACH PARTITION out where the partition is one of the script's, or an index of one."""
    found = conversion.survey.partitions
    attached = relation_name(command["def"]["PartitionCmd"]["name"])
    if attached in found.roots or attached in found.attached:
        conversion.skip(draft, f"{table[1]} is one plain table, or an index of one")
    else:
        conversion.statements.append(draft)


def _command(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    subtype: str = command["subtype"]
    rule = _RULES.get(subtype)
    form = refused_form(subtype)
    conversion.lost.switch(table, command)
    if draft.top.get("objtype") == "OBJECT_TYPE":
        conversion.skip(draft, "Aurora DSQL has no composite types: change the columns", human=True)
    elif draft.top.get("objtype") == "OBJECT_MATVIEW":
        conversion.skip(draft, "a materialized view is a plain view")
    elif form is not None and form.dispensable:
        conversion.skip(draft, form.dispensable, human=form.needs_review)
    elif rule is not None:
        rule(conversion, draft, table, command)
    else:
        conversion.statements.append(draft)


def _all_triggers_off(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Leave DISABLE TRIGGER ALL out: Aurora DSQL checks foreign keys all the same."""
    made = conversion.tables.get(table)
    if not conversion.survey.referring.isdisjoint([table, *(made.known_as if made else ())]):
        conversion.skip(draft, FOREIGN_KEYS.why, human=True)
    elif made is None or made.optional:  # such as in a dump of rows alone
        why = f"if {table[1]} has foreign keys or is referred to: {FOREIGN_KEYS.why}"
        conversion.skip(draft, why, human=True)
    else:
        _other_triggers(conversion, draft, table, command)


def _other_triggers(conversion: Conversion, draft: ConvertedStatement, _: Name, __: Node) -> None:
    conversion.skip(draft, "there are no triggers")


def _owner(conversion: Conversion, draft: ConvertedStatement, _: Name, __: Node) -> None:
    conversion.skip(draft, "who runs this owns what it makes")


def _validate(conversion: Conversion, draft: ConvertedStatement, _: Name, __: Node) -> None:
    draft.changed("validated by a job")
    conversion.statements.append(draft)


def _default(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    own = next(
        (name for name, to in conversion.survey.identities.items() if _is_of(to, table, command)), None
    )
    made = conversion.tables.get(table)
    column = made.column(command["name"]) if made else None
    if own is not None and made is not None and column is not None and own in conversion.sequences:
        columns.make_identity(column, conversion.sequences[own])
        made.made.changed(f"{command['name']}: serial (line {draft.line}) is bigint {columns.IDENTITY}")
        return
    if (why := obstacle(conversion, command.get("def"))) is not None:
        conversion.skip(draft, f"DEFAULT of {command['name']}: {why}", human=True)
        conversion.lost.defaults.setdefault(table, {})[command["name"]] = draft.line
    else:
        conversion.lost.defaults.get(table, {}).pop(command["name"], None)
        draft.notes += unknown_function(conversion, command.get("def"))
        conversion.statements.append(draft)


def _is_of(identity: tuple[Name, str, int], table: Name, command: Node) -> bool:
    call: Node = command.get("def", {}).get("FuncCall", {})
    return identity[:2] == (table, command["name"]) and strings(call.get("funcname"))[-1:] == ["nextval"]


def _identity(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    name: str = command["name"]
    made, identity = conversion.tables.get(table), command["def"]["Constraint"]
    column = made.column(name) if made else None
    first = (made.known_as[0], made.names.get(name) or name) if made else (table, name)
    foldable = (
        made is not None
        and column is not None
        and not made.optional
        and conversion.has_own_name(*first)
        and all(use.gives(name) for use in conversion.uses(made))
    )
    place = first if foldable else (table, name)
    named = _sequence_name(identity)
    if named is None and place != (table, name):
        named = (table[0], names.choose(table[1], name, "seq", conversion.taken(table[0])))
    follow: list[ConvertedStatement] = []
    if named is not None:
        notes, follow = conversion.rename_sequence(*place, named)
        draft.notes += notes
        if made is not None:
            made.made.notes += notes
    if made is None or column is None:
        identity["options"] = columns.with_cache_size(items(identity.get("options")))
        draft.changed("identity with the size of its cache")
        conversion.statements += [draft, *follow]
        return
    if foldable and not follow:
        columns.make_identity(
            column, items(identity.get("options")), always=identity["generated_when"] == "a"
        )
        made.made.changed(f"{name}: the identity of line {draft.line} is here, as bigint")
        return
    if not is_builtin(column["typeName"], "int8"):
        widen(made, column, f"{name} is bigint, as the identity of line {draft.line} has to be")
    identity["options"] = columns.with_cache_size(items(identity.get("options")))
    draft.changed("identity with the size of its cache")
    conversion.statements += [draft, *follow]


def widen(made: ScriptTable, column: Node, note: str) -> None:
    """Make a column of whole numbers a bigint."""
    column["typeName"] = deparse.type_name("bigint")
    made.made.changed(note)


def _sequence_name(identity: Node) -> Name | None:
    for item in identity.get("options", ()):
        if item["DefElem"].get("defname") == "sequence_name":
            return qualified_name(strings(item["DefElem"]["arg"]["List"]["items"]))
    return None


def _not_null(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    added_constraints.require(conversion, draft, table, command["name"])


def _drop_not_null(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Drop NOT NULL in CREATE TABLE: rows that were there had a value."""
    made, name = conversion.tables.get(table), command["name"]
    column = made.column(name) if made else None
    check = conversion.not_null.get(table, {}).pop(name, None)
    copied = made is None or made.optional or any(use.effect == "copy" for use in conversion.uses(made))
    if check is not None:
        dropped = {"subtype": "AT_DropConstraint", "name": check, "behavior": "DROP_RESTRICT"}
        conversion.statements.append(draft.altered(dropped, "NOT NULL is a CHECK"))
        if made is None or made.optional:  # which may have been NOT NULL before
            conversion.statements.append(draft)
    elif column is not None and columns.constraints(column, "CONSTR_IDENTITY"):
        conversion.skip(draft, f"{name} stays NOT NULL, as an identity is", human=True)
    elif made is None or column is None or copied:
        conversion.statements.append(draft)
    else:
        given = items(column.get("constraints"))
        column["constraints"] = [one for one in given if one["Constraint"]["contype"] != "CONSTR_NOTNULL"]
        made.made.changed(f"{name}: without NOT NULL, which line {draft.line} drops")


def _drop_constraint(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Drop a constraint; the primary key of a table that nothing has used is taken out of CREATE TABLE."""
    made, name = conversion.tables.get(table), command.get("name", "")
    if name in conversion.lost_constraints.get(table, ()):
        conversion.skip(draft, "a constraint that is left out")
        return
    checked = conversion.not_null.get(table, {})
    for column in [column for column, check in checked.items() if check == name]:
        del checked[column]
    if made is None:
        conversion.statements.append(draft)
        return
    primary = (key for key in keys(made.top) if key.constraint["contype"] == "CONSTR_PRIMARY")
    key = next(primary, None) if name in made.primary[-1:] else None
    if (
        key is None
        and command.get("missing_ok")
        and not made.optional
        and name not in _named(conversion, made)
    ):
        conversion.skip(draft, "IF EXISTS: the script has made no such constraint")
    elif key is None:
        made.dropped.add(name)
        conversion.constraints.get(table, set[str]()).discard(name)
        conversion.constraints_of(table[0]).discard(name)
        if made.relations.pop(name, None) is not None:
            conversion.free(table[0], [name])
        conversion.statements.append(draft)
    elif (
        made.optional
        or len(made.primary) > 1
        or any(use.effect in ("copy", "change") for use in conversion.uses(made))
        or (command.get("behavior") == "DROP_CASCADE" and _is_referenced(conversion, made))
    ):
        conversion.skip(
            draft, "a primary key stays with its table: make a new table, copy the rows", blocks=True
        )
    else:
        _take_out(made.top, key.constraint)
        made.relations.pop(name, None)
        conversion.taken(table[0]).discard(name)
        made.primary, made.indexes = [], made.indexes - 1
        made.made.changed(f"the primary key that line {draft.line} drops is left out")


def _is_referenced(conversion: Conversion, made: ScriptTable) -> bool:
    """Tell if a foreign key refers to a table, which CASCADE drops with the key of that table."""
    nodes = (node for statement in conversion.statements for node in nested(statement.top))
    return any(relation_name(node["pktable"]) in made.known_as for node in nodes if "pktable" in node)


def _named(conversion: Conversion, made: ScriptTable) -> set[str]:
    """Collect the names of a table's constraints, those of its indexes among them."""
    table = made.known_as[-1]
    added = conversion.constraints.get(table, set[str]())
    return made.constraint_names | added | conversion.taken(table[0])


def _take_out(top: Node, constraint: Node) -> None:
    """Remove a key from a CREATE TABLE; its columns stay NOT NULL, as in PostgreSQL."""
    named = strings(constraint.get("keys"))
    top["tableElts"] = [item for item in top["tableElts"] if item.get("Constraint") is not constraint]
    for item in top["tableElts"]:
        column: Node = item.get("ColumnDef", {})
        own = items(column.get("constraints"))
        inline = any(one["Constraint"] is constraint for one in own)
        if inline or column.get("colname") in named:
            kept = [one for one in own if one["Constraint"] is not constraint]
            column["constraints"] = [*kept, deparse.constraint("NOT NULL")]


def _drop_column(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    made = conversion.tables.get(table)
    name: str = command["name"]
    if made is not None:
        own = made.names.get(name)
        primary = next((key for key in keys(made.top) if key.constraint["contype"] == "CONSTR_PRIMARY"), None)
        if own is not None and primary is not None and own in key_columns(made.top, primary.constraint):
            why = f"{name} is in the primary key, which stays with its table: make a new table, copy the rows"
            conversion.skip(draft, why, blocks=True)
            return
        made.names.pop(name, None)
        conversion.columns.get(table, {}).pop(name, None)
        gone = [relation for relation, named in made.relations.items() if name in named]
        for relation in gone:
            del made.relations[relation]
        conversion.free(table[0], gone)
    conversion.lost.defaults.get(table, {}).pop(name, None)
    conversion.not_null.get(table, {}).pop(name, None)
    conversion.statements.append(draft)


_RULES: Final[dict[str, Callable[[Conversion, ConvertedStatement, Name, Node], None]]] = {
    "AT_ChangeOwner": _owner,
    "AT_DisableTrigAll": _all_triggers_off,
    "AT_DisableTrigUser": _other_triggers,
    "AT_EnableTrigAll": _other_triggers,
    "AT_EnableTrigUser": _other_triggers,
    "AT_AddConstraint": added_constraints.add,
    "AT_AddColumn": added_columns.add,
    "AT_ValidateConstraint": _validate,
    "AT_AddIdentity": _identity,
    "AT_ColumnDefault": _default,
    "AT_SetNotNull": _not_null,
    "AT_DropNotNull": _drop_not_null,
    "AT_AlterColumnType": column_types.change,
    "AT_DropConstraint": _drop_constraint,
    "AT_DropColumn": _drop_column,
    "AT_AttachPartition": _attach,
}
