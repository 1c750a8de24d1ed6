"""ALTER COLUMN … TYPE: folded into the CREATE TABLE before it where no value there becomes another text."""

from typing import Final

from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement, ScriptTable
from awslabs_dsql_mcp.migration.rules.tables import columns
from awslabs_dsql_mcp.migration.script.mentions import Name
from awslabs_dsql_mcp.sql.definitions import builtin_type, declared_length, is_whole_number
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_WIDER: Final = {"int2": ("int4", "int8"), "int4": ("int8",), "varchar": ("text",)}
"""Types that hold every value of another as the same text; float8 has other digits than float4."""
_AS_WRITTEN: Final = frozenset({"isnull", "ival", "fval", "boolval"})
_TEXTS: Final = frozenset({"text", "varchar", "bpchar"})
"""Constants, and types of them, that a type does not write in another form."""


def change(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Fold a change of a type where no row is there, or where every value stays the same text."""
    made = conversion.tables.get(table)
    column = made.column(command["name"]) if made else None
    changed: Node = {**command["def"]["ColumnDef"], "colname": column["colname"] if column else ""}
    if made is None or column is None or made.optional:
        conversion.statements.append(draft)
        return
    if columns.constraints(column, "CONSTR_IDENTITY"):
        _type_of_identity(conversion, draft, made, command)
        return
    effects = {use.effect for use in conversion.uses(made)}
    wider = (
        not (effects & {"shape", "copy"})
        and _is_wider(column["typeName"], changed["typeName"])
        and _keeps_values(changed.get("raw_default"), command["name"], changed["typeName"])
    )
    was = conversion.columns.get(table, {}).get(command["name"])
    if (effects and not wider) or (was is not None and was.was == "enum"):
        conversion.statements.append(draft)
        return
    own: Node = {
        "colname": column["colname"],
        "typeName": changed["typeName"],
        "constraints": column.get("constraints", []),
    }
    if "collClause" in changed:
        own["collClause"] = changed["collClause"]
    has_extensions = bool(conversion.survey.lacking.extensions)
    change = columns.convert_column(own, conversion.types, has_extensions=has_extensions)
    if change.problem:
        conversion.skip(draft, change.problem, blocks=True)
        return
    conversion.columns.setdefault(table, {}).pop(command["name"], None)
    if change.replaced is not None:
        conversion.columns[table][command["name"]] = change.replaced
    if change.replaced is None and was is None:
        _keep_default(own, column["typeName"])
    cut = [_cut_spaces(command["name"], column["typeName"], draft.line)] if effects else []
    column["typeName"], column["constraints"] = own["typeName"], own["constraints"]
    notes = [f"{command['name']}: the type of line {draft.line} is here", *filter(None, cut), *change.notes]
    made.made.changed(*notes)


def _type_of_identity(
    conversion: Conversion, draft: ConvertedStatement, made: ScriptTable, command: Node
) -> None:
    """Leave out a change among whole numbers: an identity is bigint, and holds the values of each."""
    name, changed = command["name"], command["def"]["ColumnDef"]
    if not is_whole_number(changed["typeName"]):
        why = f"{name}: an identity, which is bigint; make its sequence and its DEFAULT by hand"
        conversion.skip(draft, why, blocks=True)
    elif _keeps_values(changed.get("raw_default"), name, changed["typeName"]):
        made.made.changed(f"{name}: an identity stays bigint in line {draft.line}")
    else:
        conversion.statements.append(draft)


def _cut_spaces(name: str, old: Node, line: int) -> str:
    """Write a note on rows that were stored in a shorter varchar, which cuts spaces beyond its length.

    (PostgreSQL documentation, "Character Types".)
    """
    before = builtin_type(old)
    if before is None or before.name != "varchar":
        return ""
    return (
        f"{name}: values before line {line} keep spaces beyond {declared_length(old)} characters, which "
        "PostgreSQL has cut"
    )


def _keep_default(column: Node, old: Node) -> None:
    """Have a default pass through the type that the column had: as text, for instance, '1:2' is '01:02:00'.

    ALTER TYPE converts the default as it does the values (PostgreSQL documentation, "ALTER TABLE"), from what
    it is before it is made as long as the column has it.
    """
    before = builtin_type(old)
    if before is None or _is_wider(old, column["typeName"]):
        return
    for default in columns.constraints(column, "CONSTR_DEFAULT"):
        value: Node = default["raw_expr"]
        if _AS_WRITTEN.isdisjoint(value.get("A_Const", {})) and before.name not in _TEXTS:
            bare = {key: part for key, part in old.items() if key != "typmods"}
            default["raw_expr"] = {"TypeCast": {"arg": value, "typeName": bare}}


def _is_wider(old: Node, new: Node) -> bool:
    before, after = builtin_type(old), builtin_type(new)
    if before is None or after is None or "arrayBounds" in old or "arrayBounds" in new:
        return False
    if before.name == after.name == "varchar":
        return bool(declared_length(old)) and (
            not declared_length(new) or declared_length(new) >= declared_length(old)
        )
    return after.name in _WIDER.get(before.name, ())


def _keeps_values(using: Node | None, column: str, new: Node) -> bool:
    """Tell if USING, where it is given, computes the column itself, as it is or in its new type."""
    if using is not None and "TypeCast" in using:
        cast = using["TypeCast"]
        to, wanted = builtin_type(cast["typeName"]), builtin_type(new)
        if to is None or wanted is None or to.name != wanted.name:
            return False
        if declared_length(cast["typeName"]) != declared_length(new):
            return False
        using = cast["arg"]
    return using is None or strings(using.get("ColumnRef", {}).get("fields")) == [column]
