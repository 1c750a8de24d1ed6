"""CREATE TABLE for Aurora DSQL."""

from collections.abc import Container, Iterable
from copy import deepcopy
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.clauses import TABLE_CLAUSES, clauses_in
from awslabs_dsql_mcp.dsql.types import SERIAL_TYPES
from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement, ScriptTable
from awslabs_dsql_mcp.migration.rules.lost_effects import note_default
from awslabs_dsql_mcp.migration.rules.tables.columns import constraints, convert_column
from awslabs_dsql_mcp.migration.rules.tables.constraints import LACKING_DEFERRAL, folded_key, settle
from awslabs_dsql_mcp.migration.script.mentions import Name, qualified_name, relation_name
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import (
    column_constraints,
    items,
    key_columns,
    keys,
    option,
    table_elements,
)
from awslabs_dsql_mcp.sql.identifiers import qualified_name as qualified
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.sql.parser import parse

_PREFIX: Final = 6  # characters of a table's name that those of its constraints begin with for certain
_LIKE_CONSTRAINTS: Final = 1 << 2
_LIKE_DEFAULTS: Final = 1 << 3
"""Bits of INCLUDING (PostgreSQL 16 source, ``TableLikeOption`` in parsenodes.h)."""


def create_table(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE TABLE over."""
    top, table = draft.top, relation_name(draft.top["relation"])
    if top.get("if_not_exists") and table in conversion.tables:
        conversion.skip(draft, "IF NOT EXISTS: the script has made it already")
        return
    if (why := _cannot_be_plain(conversion, draft, table)) is not None:
        conversion.survey.lacking.relations[table] = draft.line
        conversion.skip(draft, why, blocks=True)
        return
    if (root := conversion.survey.partitions.roots.get(table)) is not None:
        own = ", ".join(conversion.survey.partitions.own[table])
        has = f"; it has of its own, and {root[1]} has not: {own}" if own else ""
        why = f"a partition of {root[1]}, which is one plain table and has its rows{has}"
        conversion.skip(draft, why, human=bool(own))
        return
    if top.pop("partspec", None) is not None:
        draft.changed("PARTITION BY left out: one plain table, which takes rows beyond all bounds too")
    given = list(clauses_in(top, TABLE_CLAUSES))
    persistence = top["relation"].get("relpersistence")
    if persistence == "u":
        top["relation"]["relpersistence"] = "p"
        draft.changed("UNLOGGED left out")
    for field in [field for field in TABLE_CLAUSES if field in top]:
        del top[field]
    if given:
        draft.changed(*(f"{clause.spelled} left out" for clause in given))
    made = ScriptTable(draft, conversion.at, [table], optional=bool(top.get("if_not_exists")))
    conversion.tables[table] = made
    conversion.columns.pop(table, None)
    conversion.not_null.pop(table, None)
    _inherit_columns(conversion, draft, table)
    _move_not_nulls(draft)
    there = conversion.constraints_of(table[0])
    made.reserved = frozenset(name for name in there if name.startswith(table[1][:_PREFIX]))
    named = names.named_constraints(table[1], top, (), made.reserved)
    _columns(conversion, draft, made)
    _constraints(conversion, draft, table)
    _keep_names(conversion, draft, table, named)
    if any(LACKING_DEFERRAL in note for note in draft.notes) and _has_equal_keys(top):
        draft.notes.append("keys that differed in DEFERRABLE alone are one, under the first name")
    _take_relations(made, conversion.taken(table[0]))
    made.indexes = sum(1 for _ in keys(top))
    for name in made.constraint_names:
        made.make_way(name)
    there |= made.constraint_names
    _settle_condition(made)
    conversion.statements += [draft, *made.follow]


def _settle_condition(made: ScriptTable) -> None:
    """Take IF NOT EXISTS from a table that steps follow: they would change one that is there."""
    if made.follow and made.top.pop("if_not_exists", None):
        made.made.changed("IF NOT EXISTS left out, since steps follow: nothing runs if it is there already")


def _cannot_be_plain(conversion: Conversion, draft: ConvertedStatement, table: Name) -> str | None:
    """Say why a table cannot be made as a plain one; ``None`` if it can, or if another has its rows."""
    top = draft.top
    if table in conversion.survey.partitions.roots:
        return None
    given = [clause for field, clause in TABLE_CLAUSES.items() if field in top and field != "partspec"]
    if top["relation"].get("relpersistence") == "t":
        return "Aurora DSQL has no temporary tables: write a plain one, and DROP TABLE where it is done with"
    if needed := [clause for clause in given if not clause.dispensable]:
        instead = needed[0].instead.rstrip(".")
        return f"Aurora DSQL has no {needed[0].spelled}: {instead[0].lower()}{instead[1:]}"
    for source in _liked(top):
        if (why := _cannot_be_like(conversion, source)) is not None:
            return f"{why}: write the columns out"
    return None


def define_column(conversion: Conversion, draft: ConvertedStatement, table: Name, column: Node) -> bool:
    """Convert a column of a table; say if it can be made."""
    before = deepcopy(column)
    done = _convert_type(conversion, draft, table, column)
    if done:
        _settle_column(conversion, draft, table, column)
        note_default(conversion, table, before, column, draft.line)
    if column != before:
        draft.changed()
    return done


def _columns(conversion: Conversion, draft: ConvertedStatement, made: ScriptTable) -> None:
    table = made.known_as[-1]
    columns = table_elements(draft.top, "ColumnDef")
    made.names = {column["colname"]: column["colname"] for column in columns}
    before = deepcopy(columns)
    for column in columns:
        _convert_type(conversion, draft, table, column)
    for column in columns:
        _settle_column(conversion, draft, table, column)
    for was, column in zip(before, columns, strict=True):
        note_default(conversion, table, was, column, draft.line)
    if columns != before:
        draft.changed()


def _convert_type(conversion: Conversion, draft: ConvertedStatement, table: Name, column: Node) -> bool:
    made, name = conversion.tables.get(table), column["colname"]
    for identity in constraints(column, "CONSTR_IDENTITY"):
        if (named := option(identity.get("options"), "sequence_name")) is not None:
            sequence = qualified_name(strings(named["arg"]["List"]["items"]))
            notes, follow = conversion.rename_sequence(table, name, sequence)
            draft.notes += notes
            if made is not None:
                made.follow += follow
    if made is not None and made.made is draft and (table, name) in conversion.survey.defaults:
        _expand_serial(conversion, made, column)
    has_extensions = bool(conversion.survey.lacking.extensions)
    change = convert_column(column, conversion.types, has_extensions=has_extensions)
    if change.replaced is not None:
        conversion.columns.setdefault(table, {})[name] = change.replaced
    if (
        made is not None
        and (checks := constraints(column, "CONSTR_CHECK"))
        and conversion.types.is_own(checks[-1])
    ):
        made.enum_checks[name] = checks[-1]
    draft.notes += change.notes
    if change.problem:
        conversion.skip(draft, change.problem, blocks=True)
    return not change.problem


def _expand_serial(conversion: Conversion, made: ScriptTable, column: Node) -> None:
    """Write a serial out as what it stands for: its default changes, which an identity's cannot.

    (PostgreSQL documentation, "Serial Types".)
    """
    table, name = made.known_as[-1], column["colname"]
    integer = SERIAL_TYPES.get(strings(column.get("typeName", {}).get("names"))[-1])
    if integer is None:
        return
    sequence = names.choose(table[1], name, "seq", conversion.taken(table[0]))
    conversion.taken(table[0]).add(sequence)
    made.relations[sequence] = {name}
    written = qualified(table[0], sequence)
    line = made.made.line
    text = f"CREATE SEQUENCE {written} CACHE {limits.SMALL_CACHE}"
    note = f"{name}: serial is a bigint sequence and a default, which changes later"
    conversion.statements.append(ConvertedStatement("CreateSeqStmt", parse(text)[0].root, line, text, [note]))
    text = f"ALTER SEQUENCE {written} OWNED BY {qualified(*table)}.{quote_identifier(name)}"
    made.follow.append(ConvertedStatement("AlterSeqStmt", parse(text)[0].root, line, text))
    column["typeName"] = deparse.type_name(integer)
    default = deparse.constraint(f"DEFAULT nextval({deparse.literal(written)})")
    column["constraints"] = [*items(column.get("constraints")), deparse.constraint("NOT NULL"), default]
    made.made.changed()


def _settle_column(conversion: Conversion, draft: ConvertedStatement, table: Name, column: Node) -> None:
    kept, notes = settle(conversion, table, items(column.get("constraints")))
    draft.notes += (
        f"{BY_HAND}{column['colname']}: {note.removeprefix(BY_HAND)}"
        if note.startswith(BY_HAND)
        else f"{column['colname']}: {note}"
        for note in notes
    )
    if "constraints" in column:
        column["constraints"] = kept


def _constraints(conversion: Conversion, draft: ConvertedStatement, table: Name) -> None:
    elements: list[Node] = draft.top.get("tableElts", [])
    own = [item for item in elements if "Constraint" in item]
    kept, notes = settle(conversion, table, own)
    if len(kept) != len(own) or notes:
        draft.top["tableElts"] = [item for item in elements if "Constraint" not in item] + kept
        draft.changed(*notes)
    for key in keys(draft.top):
        draft.notes += folded_key(conversion, table, key_columns(draft.top, key.constraint))


def _keep_names(
    conversion: Conversion, draft: ConvertedStatement, table: Name, named: list[tuple[Node, str]]
) -> None:
    """Name the constraints as PostgreSQL does where one is left out, whose name another would be given."""
    kept = table_elements(draft.top, "Constraint")
    for column in table_elements(draft.top, "ColumnDef"):
        kept += column_constraints(column)
    stay = {id(constraint) for constraint in kept}
    lost = {name for constraint, name in named if id(constraint) not in stay}
    conversion.lost_constraints.setdefault(table, set()).update(lost)
    made = conversion.tables[table]
    own = {id(check) for check in made.enum_checks.values()}
    now = names.named_constraints(table[1], draft.top, own, made.reserved) if lost else ()
    given = {id(one): name for one, name in now}
    for constraint, name in named:
        if given.get(id(constraint), name) != name:
            constraint["conname"] = name


def _move_not_nulls(draft: ConvertedStatement) -> None:
    """Write NOT NULL as a constraint of its column; PostgreSQL 18 has it as one of the table too."""
    elements: list[Node] = draft.top.get("tableElts", [])
    found = [item for item in elements if item.get("Constraint", {}).get("contype") == "CONSTR_NOTNULL"]
    columns = {column["colname"]: column for column in table_elements(draft.top, "ColumnDef")}
    for item in found:
        for name in strings(item["Constraint"].get("keys")):
            if name in columns:
                columns[name].setdefault("constraints", []).append(deparse.constraint("NOT NULL"))
    if found:
        draft.top["tableElts"] = [item for item in elements if item not in found]
        draft.changed("NOT NULL stands with its column")


def _liked(top: Node) -> list[Node]:
    return [item["TableLikeClause"] for item in top.get("tableElts", ()) if "TableLikeClause" in item]


def _cannot_be_like(conversion: Conversion, clause: Node) -> str | None:
    """Say what LIKE would not copy as in PostgreSQL, since the table that it names is another here."""
    name = relation_name(clause["relation"])
    source, copied = conversion.tables.get(name), int(clause.get("options", 0))
    if source is None:
        return None
    serials = conversion.survey.serials | {to.table for to in conversion.survey.identities.values()}
    if copied & _LIKE_DEFAULTS and not serials.isdisjoint(source.known_as):
        return f"LIKE {name[1]} shares the sequence of its serial, which is an identity"
    if not copied & _LIKE_CONSTRAINTS and (source.enum_checks or conversion.not_null.get(name)):
        return f"LIKE {name[1]} leaves out its CHECKs, which stand for an enum or NOT NULL"
    return None


def _inherit_columns(conversion: Conversion, draft: ConvertedStatement, table: Name) -> None:
    for clause in _liked(draft.top):
        source = relation_name(clause["relation"])
        conversion.columns.setdefault(table, {}).update(conversion.columns.get(source, {}))
        if int(clause.get("options", 0)) & _LIKE_DEFAULTS:
            conversion.lost.defaults.setdefault(table, {}).update(conversion.lost.defaults.get(source, {}))
        if source in conversion.tables and conversion.tables[source].made.notes:
            draft.notes.append(f"LIKE {source[1]}: with its columns as they are here")


def _take_relations(made: ScriptTable, taken: set[str]) -> None:
    """Add the names of the relations that a table brings: itself, its sequences, the indexes of its keys."""
    table, top = made.known_as[-1], made.top
    taken.add(table[1])
    found = {
        names.choose(table[1], column["colname"], "seq", taken): {column["colname"]}
        for column in table_elements(top, "ColumnDef")
        if any(constraint.get("contype") == "CONSTR_IDENTITY" for constraint in column_constraints(column))
    }
    for key in keys(top):
        constraint = key.constraint
        own = strings(constraint.get("keys")) or [_owner(top, constraint)]
        named = [*own, *strings(constraint.get("including"))]
        is_primary = constraint["contype"] == "CONSTR_PRIMARY"
        name = constraint.get("conname") or key_name(table[1], constraint["contype"], named, taken)
        if is_primary:
            made.primary = [name]
        elif "conname" not in constraint:
            taken.add(name)
        found[name] = set(named)
    taken.update(found)
    made.relations |= found


def key_name(table: str, kind: str, columns: Iterable[str], taken: Container[str]) -> str:
    """Choose the name that PostgreSQL gives a primary key or a unique constraint."""
    is_primary = kind == "CONSTR_PRIMARY"
    return names.index_name(table, () if is_primary else columns, "pkey" if is_primary else "key", taken)


def _has_equal_keys(top: Node) -> bool:
    """Say if two keys have the same columns: PostgreSQL makes one of them."""
    found = [
        (
            key_columns(top, key.constraint),
            strings(key.constraint.get("including")),
            key.constraint.get("nulls_not_distinct"),
        )
        for key in keys(top)
    ]
    return any(found.count(one) > 1 for one in found)


def _owner(top: Node, constraint: Node) -> str:
    """Find the column that a constraint is written with."""
    columns = table_elements(top, "ColumnDef")
    return next(c["colname"] for c in columns if any(own is constraint for own in column_constraints(c)))


def has_room(made: ScriptTable) -> bool:
    """Say if a table of the script can have another index."""
    return made.indexes < limits.MAX_INDEXES
