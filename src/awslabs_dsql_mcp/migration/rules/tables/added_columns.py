"""Columns that ALTER TABLE adds: in the CREATE TABLE before it, or as steps of their own.

(AWS: Aurora DSQL user guide, "ALTER TABLE": ADD COLUMN takes a name and a type.)
"""

from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.analysis.uses import ANY_TABLE
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement, ScriptTable
from awslabs_dsql_mcp.migration.rules.tables import added_constraints
from awslabs_dsql_mcp.migration.rules.tables.constraints import KEYS
from awslabs_dsql_mcp.migration.rules.tables.create_table import define_column, key_name
from awslabs_dsql_mcp.migration.script.mentions import Name, mentions, nested
from awslabs_dsql_mcp.sql.definitions import items
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node

_MAX_FILLED: Final = 1_000  # rows that one UPDATE fills


def add(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    """Carry ADD COLUMN over."""
    column: Node = command["def"]["ColumnDef"]
    name: str = column["colname"]
    made = conversion.tables.get(table)
    if made is not None and command.get("missing_ok") and name in made.names:
        other = (
            f"; if {table[1]} is there from before, without {name}, add it by hand" if made.optional else ""
        )
        conversion.skip(draft, f"IF NOT EXISTS: the script has made it already{other}", human=made.optional)
        return
    if made is not None and _can_fold(conversion, made, column):
        if not define_column(conversion, draft, table, column):
            return
        _name_parts(conversion, draft, made, column)
        _with_names_of_then(made, column)
        made.top.setdefault("tableElts", []).append({"ColumnDef": column})
        made.names[name] = name
        made.made.changed(f"{name} of line {draft.line} is here", *draft.notes)
        return
    if not define_column(conversion, draft, table, column):
        return
    if (
        name in conversion.lost.defaults.get(table, {})
        and made is not None
        and _may_have_rows(conversion, made)
    ):
        why = f"{name}: its DEFAULT is left out, and rows that are there would keep NULL: move it before them"
        conversion.skip(draft, why, blocks=True)
        return
    if made is not None:
        made.appended = True
        made.names[name] = None
    given = items(column.pop("constraints", None))
    if given:
        draft.changed()
    if given and command.pop("missing_ok", None):
        # PostgreSQL leaves a column that is there as it is; the steps that follow would change it.
        note = f"{name}: IF NOT EXISTS left out, since steps follow: nothing runs if it is there already"
        draft.changed(*([note] if made is None or made.optional else []))
    conversion.statements.append(draft)
    _later(conversion, draft, table, name, [item["Constraint"] for item in given])


def _can_fold(conversion: Conversion, made: ScriptTable, column: Node) -> bool:
    """Say if a column can be made with its table, and be the same there.

    Its name was never another's, and its expressions mean the same there. Nothing has used the table; a
    generated column has the same values too where rows were added or changed before.
    """
    there = {item["ColumnDef"]["colname"] for item in made.top.get("tableElts", ()) if "ColumnDef" in item}
    given = [item["Constraint"] for item in items(column.get("constraints"))]
    kinds = {one["contype"] for one in given}
    if made.optional or made.appended or column["colname"] in there:
        return False
    is_generated = kinds <= {"CONSTR_GENERATED", "CONSTR_NULL"} and "CONSTR_GENERATED" in kinds
    unseen = ("rows", "change", "order") if is_generated else ()
    if any(use.effect not in unseen or use.table == ANY_TABLE for use in conversion.uses(made)):
        return False
    if "CONSTR_IDENTITY" in kinds and not conversion.has_own_name(made.known_as[0], column["colname"]):
        return False
    if not any("raw_expr" in one for one in given):
        return True
    renamed = any(made.names.get(name, name) != name for name in mentions(given).columns)
    return made.made.settings == conversion.settings.statements and not (renamed and not is_generated)


def _name_parts(conversion: Conversion, draft: ConvertedStatement, made: ScriptTable, column: Node) -> None:
    """Name what a column brings as PostgreSQL does at this place, not as CREATE TABLE would."""
    (first, table), name = (made.known_as[at][1] for at in (0, -1)), column["colname"]
    schema = made.known_as[-1][0]
    for constraint in (item["Constraint"] for item in items(column.get("constraints"))):
        kind: str = constraint["contype"]
        if kind == "CONSTR_IDENTITY" and first != table:
            sequence = names.choose(table, name, "seq", conversion.taken(schema))
            notes, follow = conversion.rename_sequence(made.known_as[0], name, (schema, sequence))
            draft.notes += notes
            conversion.statements += follow
        elif kind in KEYS:
            given = constraint.get("conname") or key_name(table, kind, [name], conversion.taken(schema))
            if given != key_name(first, kind, [name], ()):
                constraint["conname"] = given
            conversion.taken(schema).add(given)
            made.relations[given] = {name}
            made.primary = [given] if kind == "CONSTR_PRIMARY" else made.primary
            made.indexes += 1
        elif kind in ("CONSTR_CHECK", "CONSTR_FOREIGN") and constraint is not made.enum_checks.get(name):
            there = conversion.constraints_of(schema)
            given = constraint.get("conname") or names.constraint_name(table, constraint, there, name)
            if given != names.constraint_name(first, constraint, (), name):
                constraint["conname"] = given
            there.add(given)


def _with_names_of_then(made: ScriptTable, column: Node) -> None:
    """Write an expression with the names that columns have in CREATE TABLE."""
    for fields in nested(column.get("constraints")):
        for part in fields.get("ColumnRef", {}).get("fields", [])[-1:]:
            named: Node = part.get("String", {})
            named["sval"] = made.names.get(named.get("sval", "")) or named.get("sval", "")


def _later(
    conversion: Conversion, draft: ConvertedStatement, table: Name, name: str, given: list[Node]
) -> None:
    """Add steps for the constraints of an added column, in the order in which rows can meet them."""
    default = next((one for one in given if one["contype"] == "CONSTR_DEFAULT"), None)
    filled = True
    if default is not None:
        filled = _fill(conversion, draft, table, name, default)
    for constraint in given:
        kind: str = constraint["contype"]
        if kind == "CONSTR_NOTNULL":
            added_constraints.require(conversion, draft.altered({}), table, name, validated=filled)
        elif kind in ("CONSTR_CHECK", "CONSTR_UNIQUE", "CONSTR_FOREIGN"):
            _add_constraint(conversion, draft, table, name, constraint)
        elif kind not in ("CONSTR_DEFAULT", "CONSTR_NULL"):
            what = kind.removeprefix("CONSTR_")
            why = f"{name}: ADD COLUMN takes no {what}: make a new table with it, copy the rows"
            conversion.skip(draft, why, blocks=True)


def _add_constraint(
    conversion: Conversion, draft: ConvertedStatement, table: Name, name: str, constraint: Node
) -> None:
    own = [{"String": {"sval": name}}]
    if constraint["contype"] == "CONSTR_UNIQUE":
        constraint["keys"] = own
    elif constraint["contype"] == "CONSTR_FOREIGN":
        constraint["fk_attrs"] = own
    added: Node = {
        "subtype": "AT_AddConstraint",
        "def": {"Constraint": constraint},
        "behavior": "DROP_RESTRICT",
    }
    added_constraints.add(conversion, draft.altered(added), table, added)


def _fill(conversion: Conversion, draft: ConvertedStatement, table: Name, name: str, default: Node) -> bool:
    """Set a default, and give it to the rows that are there; say if they are known to have it."""
    command: Node = {
        "subtype": "AT_ColumnDefault",
        "name": name,
        "def": default["raw_expr"],
        "behavior": "DROP_RESTRICT",
    }
    rows = _rows(conversion, table)
    target = qualified_name(*table) if "schemaname" in draft.top["relation"] else quote_identifier(table[1])
    note = (
        f"{BY_HAND}{name}: rows that are there keep NULL; UPDATE them, under {limits.MAX_ROWS:,} at once, "
        "then VALIDATE its constraints"
    )
    conversion.statements.append(draft.altered(command, *([] if rows is not None else [note])))
    if rows:
        update = f"UPDATE {target} SET {quote_identifier(name)} = DEFAULT"  # noqa: S608 - quoted identifiers
        conversion.statements.append(
            ConvertedStatement(
                "UpdateStmt", {}, draft.line, update, [f"the default, for the rows of line {draft.line}"]
            )
        )
    return rows is not None


def _may_have_rows(conversion: Conversion, made: ScriptTable) -> bool:
    """Say if the script may have added rows to a table."""
    return any(use.effect in ("rows", "change") for use in conversion.uses(made))


def _rows(conversion: Conversion, table: Name) -> int | None:
    """Count the rows of a table of the script; ``None`` if they are unknown, or too many for one UPDATE."""
    made = conversion.tables.get(table)
    if made is None or made.optional:
        return None
    added = [use for use in conversion.uses(made) if use.effect in ("rows", "change")]
    if any(use.table == ANY_TABLE or (use.effect == "rows" and use.rows is None) for use in added):
        return None
    total = sum(use.rows or 0 for use in added)
    return total if total <= _MAX_FILLED else None
