"""ALTER TABLE for Aurora DSQL: folded into the CREATE TABLE before it, or in forms that a cluster has.

(AWS: Aurora DSQL user guide, "ALTER TABLE": constraints are added NOT VALID and validated by a job, UNIQUE
is added with an index that was built before, a primary key is made with its table.)
"""

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.alter_table import refused_form
from awslabs_dsql_mcp.dsql.types import IDENTITY
from awslabs_dsql_mcp.migration import columns
from awslabs_dsql_mcp.migration.columns import Name, relation_name
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.parse_tree import Node, strings


def alter(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry an ALTER TABLE over, one of its commands at a time."""
    commands = draft.top["cmds"]
    for item in commands:
        part = draft if len(commands) == 1 else _single_command(draft, item)
        _command(conversion, part, relation_name(draft.top["relation"]), item["AlterTableCmd"])


def _single_command(draft: ConvertedStatement, item: Node) -> ConvertedStatement:
    return ConvertedStatement(draft.kind, draft.top | {"cmds": [item]}, draft.line, None)


def _command(conversion: Conversion, draft: ConvertedStatement, table: Name, command: Node) -> None:
    subtype: str = command["subtype"]
    column = conversion.column(table, command.get("name", ""))
    form = refused_form(subtype)
    if form is not None and form.dispensable:
        conversion.skip(draft, form.dispensable, human=form.needs_review)
    elif subtype == "AT_ChangeOwner":
        conversion.skip(draft, "who runs this owns what it makes")
    elif subtype == "AT_AddConstraint":
        _constraint(conversion, draft, table, command["def"]["Constraint"])
    elif subtype == "AT_AddColumn":
        _new_column(conversion, draft, table, command["def"]["ColumnDef"])
    elif subtype == "AT_ValidateConstraint":
        draft.changed("validated by a job, which is waited for")
        conversion.statements.append(draft)
    elif column is not None and subtype in ("AT_AddIdentity", "AT_SetNotNull", "AT_ColumnDefault"):
        _column(conversion, draft, table, column)
    else:
        conversion.statements.append(draft)


def _column(conversion: Conversion, draft: ConvertedStatement, table: Name, column: Node) -> None:
    command: Node = draft.top["cmds"][0]["AlterTableCmd"]
    made, name = conversion.tables[table], column["colname"]
    if command["subtype"] == "AT_SetNotNull":
        column.setdefault("constraints", []).append(deparse.constraint("NOT NULL"))
        made.changed(f"{name}: NOT NULL of line {draft.line} is here: it cannot be set later")
    elif command["subtype"] == "AT_AddIdentity":
        identity: Node = command["def"]["Constraint"]
        columns.make_identity(column, identity.get("options", ()), always=identity["generated_when"] == "a")
        _rename(conversion, table, name, _named(identity))
        made.changed(f"{name}: the identity of line {draft.line} is here, as bigint")
    elif (sequence := _serial(conversion, command, column, table)) is not None:
        source = conversion.sequences.pop(sequence)
        conversion.statements.remove(source)
        conversion.skip(source, f"it is the identity of {table[1]}.{name}")
        columns.make_identity(column, source.top.get("options", ()))
        _rename(conversion, table, name, sequence)
        made.changed(f"{name}: serial (line {draft.line}) is bigint {IDENTITY}")
    else:
        conversion.statements.append(draft)


def _serial(conversion: Conversion, command: Node, column: Node, table: Name) -> Name | None:
    """Tell the script's sequence that a default takes its numbers from, if it can become an identity."""
    call: Node = command.get("def", {}).get("FuncCall", {})
    if strings(call.get("funcname"))[-1:] != ["nextval"] or not columns.is_integer(column):
        return None
    name = columns.sequence_named(call)
    fits = len(f"{table[1]}_{column['colname']}_seq") <= limits.MAX_IDENTIFIER_BYTES
    return name if name in conversion.sequences and fits else None


def _named(identity: Node) -> Name | None:
    for item in identity.get("options", ()):
        if item["DefElem"].get("defname") == "sequence_name":
            return columns.qualified_name(strings(item["DefElem"]["arg"]["List"]["items"]))
    return None


def _rename(conversion: Conversion, table: Name, column: str, sequence: Name | None) -> None:
    """An identity's sequence is named after its table and column (PostgreSQL documentation, CREATE TABLE)."""
    own = f"{table[1]}_{column}_seq"
    if sequence is not None and sequence != (table[0], own):
        quoted = ['"' + part.replace('"', '""') + '"' for part in (table[0], own)]
        conversion.renamed[sequence] = ".".join(quoted)


def _constraint(conversion: Conversion, draft: ConvertedStatement, table: Name, constraint: Node) -> None:
    kind: str = constraint["contype"]
    made = conversion.tables.get(table)
    key = {"CONSTR_PRIMARY": "PRIMARY KEY", "CONSTR_UNIQUE": "UNIQUE"}.get(kind)
    if key and made is not None and "indexname" not in constraint:
        made.top.setdefault("tableElts", []).append({"Constraint": _plain(constraint)})
        made.changed(f"{key} of line {draft.line} is here: it is made with its table")
    elif kind == "CONSTR_PRIMARY":
        why = "a primary key is made with its table: make a new table, copy the rows, rename"
        conversion.skip(draft, why, blocks=True)
    elif kind == "CONSTR_UNIQUE" and "indexname" not in constraint:
        _unique(conversion, draft, constraint)
    elif kind in ("CONSTR_CHECK", "CONSTR_FOREIGN"):
        _checked_later(conversion, draft, constraint)
    else:
        conversion.statements.append(draft)


def _plain(constraint: Node) -> Node:
    return {k: v for k, v in constraint.items() if k not in ("options", "indexspace")}


def _unique(conversion: Conversion, draft: ConvertedStatement, constraint: Node) -> None:
    keys = [{"IndexElem": {"name": name}} for name in strings(constraint["keys"])]
    name = constraint.get("conname") or "_".join(
        [draft.top["relation"]["relname"], *strings(constraint["keys"]), "key"]
    )
    index: Node = {"idxname": name, "relation": draft.top["relation"], "indexParams": keys, "unique": True}
    conversion.statements.append(
        ConvertedStatement("IndexStmt", index, draft.line, None, ["UNIQUE: first its index, by a job"])
    )
    command: Node = draft.top["cmds"][0]["AlterTableCmd"]
    command["def"] = {"Constraint": {"contype": "CONSTR_UNIQUE", "conname": name, "indexname": name}}
    lost = (
        ["NEEDS A HUMAN: DEFERRABLE left out: each statement is checked"]
        if "deferrable" in constraint
        else []
    )
    draft.changed("UNIQUE USING INDEX", *lost)
    conversion.statements.append(draft)


def _checked_later(conversion: Conversion, draft: ConvertedStatement, constraint: Node) -> None:
    wanted = not constraint.get("skip_validation")
    if wanted:
        constraint["skip_validation"] = True
        constraint.pop("initially_valid", None)
        draft.changed("NOT VALID: new rows are checked at once, those there by the next step")
    draft.top["relation"]["inh"] = True
    conversion.statements.append(draft)
    if not wanted:
        return
    if "conname" not in constraint:
        constraint["conname"] = _constraint_name(draft, constraint)
    validate: Node = {
        "subtype": "AT_ValidateConstraint",
        "name": constraint["conname"],
        "behavior": "DROP_RESTRICT",
    }
    top = draft.top | {"cmds": [{"AlterTableCmd": validate}]}
    note = "checks the rows that are there, by a job, which is waited for"
    conversion.statements.append(ConvertedStatement("AlterTableStmt", top, draft.line, None, [note]))


def _constraint_name(draft: ConvertedStatement, constraint: Node) -> str:
    table = draft.top["relation"]["relname"]
    if constraint["contype"] == "CONSTR_FOREIGN":
        return "_".join([table, *strings(constraint["fk_attrs"]), "fkey"])[: limits.MAX_IDENTIFIER_BYTES]
    return f"{table}_check_{draft.line}"


def _new_column(conversion: Conversion, draft: ConvertedStatement, table: Name, column: Node) -> None:
    notes = list(columns.convert_column(column, conversion.types))
    made = conversion.tables.get(table)
    if made is not None:
        made.top.setdefault("tableElts", []).append({"ColumnDef": column})
        made.changed(f"{column['colname']} of line {draft.line} is here", *notes)
        return
    given = column.pop("constraints", [])
    draft.changed(*notes) if notes or given else None
    conversion.statements.append(draft)
    for item in given:
        _later(conversion, draft, column["colname"], item["Constraint"])


def _later(conversion: Conversion, draft: ConvertedStatement, column: str, constraint: Node) -> None:
    """Add steps for a constraint of an added column."""
    kind = constraint["contype"]
    if kind == "CONSTR_DEFAULT":
        command: Node = {
            "subtype": "AT_ColumnDefault",
            "name": column,
            "def": constraint["raw_expr"],
            "behavior": "DROP_RESTRICT",
        }
        note = (
            f"NEEDS A HUMAN: {column}: rows that are there keep NULL; UPDATE them, under {limits.MAX_ROWS:,} "
            "at once"
        )
        top = draft.top | {"cmds": [{"AlterTableCmd": command}]}
        conversion.statements.append(ConvertedStatement("AlterTableStmt", top, draft.line, None, [note]))
    elif kind != "CONSTR_NULL":
        what = kind.removeprefix("CONSTR_")
        why = f"{column}: ADD COLUMN takes no {what}: fill the column, then ADD CONSTRAINT … NOT VALID"
        conversion.skip(draft, why, human=True)
