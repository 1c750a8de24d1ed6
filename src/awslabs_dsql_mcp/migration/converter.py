"""The rules that make a script for PostgreSQL one for Aurora DSQL, where that takes the whole script.

A key that is added later belongs into its CREATE TABLE, an enum into the columns that use it, a sequence with
a default into an identity. Nothing is reordered. A statement that no rule touches stays as it is written.
"""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.dsql.unsupported import (
    INDEX_CLAUSES,
    INDEX_METHOD,
    ROLE_OPTIONS,
    STATEMENTS,
    TABLE_CLAUSES,
    UPKEEP,
    is_object,
)
from awslabs_dsql_mcp.migration import columns, psql_commands, script_formats, session_statements
from awslabs_dsql_mcp.migration.alter_table import alter
from awslabs_dsql_mcp.migration.columns import qualified_name, relation_name
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement, SkippedStatement
from awslabs_dsql_mcp.migration.copied_rows import read_copy
from awslabs_dsql_mcp.sql.definitions import is_grantable
from awslabs_dsql_mcp.sql.dsql_syntax import IamStatement, parse
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.sql.scripts import ScriptItem, split_script, with_escapes
from awslabs_dsql_mcp.text import one_line


def convert(script: str, *, tolerant: bool = False) -> Conversion:
    """Convert a script.

    Args:
        script: Any number of statements.
        tolerant: Leave a statement that does not parse out, as what stops the script, and go on.

    Raises:
        ScriptSyntaxError: A statement does not parse.
    """
    conversion = Conversion()
    items = tuple(split_script(script))
    for line, what, why, blocks in script_formats.remarks(script, items):
        conversion.skipped.append(SkippedStatement(line, what, why, needs_review=True, is_blocking=blocks))
    for number, item in enumerate(items):
        skipped = len(conversion.skipped)
        try:
            _convert(conversion, item, is_last=number == len(items) - 1)
        except ParseError as fault:
            error = ScriptSyntaxError(conversion, script, item, fault)
            if not tolerant:
                raise error from None
            conversion.skipped.append(error.skipped)
        conversion.claim(number, skipped)
    return conversion


class ScriptSyntaxError(Exception):
    """A statement that does not parse, its line, and what the script seems to be.

    Attributes:
        skipped: The statement, left out as what stops the script.
    """

    def __init__(self, conversion: Conversion, script: str, item: ScriptItem, fault: ParseError) -> None:
        line = item.line + item.text.count("\n", 0, fault.offset)
        found = [fault.message]
        near = item.text[max(0, fault.offset - 1) :]
        if (name := psql_commands.variable(item.text, fault.offset)) is not None:
            found.append(f"{name} is a variable of psql's: write its value")
        elif (name := script_formats.placeholder(near)) is not None:
            found.append(f"{name} stands for a value that a migration tool puts there: write the value")
        elif (name := script_formats.foreign_dialect(script)) is not None:
            found.append(f"the script seems to be SQL of {name}: write it as PostgreSQL has it")
        self.skipped = SkippedStatement(
            line, one_line(item.text), "; ".join(found), needs_review=True, is_blocking=True
        )
        found += [
            f"line {left.line}, {left.what}: {left.why}" for left in conversion.skipped if left.is_blocking
        ]
        super().__init__(f"line {line}: {'; '.join(found)}")


def _convert(conversion: Conversion, item: ScriptItem, *, is_last: bool) -> None:
    if item.meta:
        ruling = psql_commands.rule(
            item.text, conversion.settings, is_first=not conversion.statements, is_last=is_last
        )
        human, blocks = ruling.needs_review or ruling.is_blocking, ruling.is_blocking
        conversion.skipped.append(SkippedStatement(item.line, item.text[:40], ruling.why, human, blocks))
        return
    text = with_escapes(item.text) if item.nonconforming else item.text
    statements = parse(text)
    if len(statements) != 1:
        raise ParseError("syntax", 0, f"{len(statements)} statements stand where one was read")
    parsed = statements[0]
    if isinstance(parsed, IamStatement):
        conversion.statements.append(ConvertedStatement("", {}, item.line, text))
        return
    tree = parsed.tree
    draft = ConvertedStatement(tree.kind, tree.root, item.line, text)
    _type_mentions(conversion, draft)
    if parsed.asynchronous:
        conversion.statements.append(draft)
    elif item.data is not None:
        read_copy(conversion, draft, item)
    else:
        RULES.get(tree.kind, _keep_or_skip)(conversion, draft)


def _type_mentions(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Outside of columns, which get a CHECK with their type."""
    own = [item["ColumnDef"] for item in draft.top.get("tableElts", ()) if "ColumnDef" in item]
    typed = [column.pop("typeName", None) for column in own]
    if draft.kind not in ("CreateEnumStmt", "AlterEnumStmt") and columns.replace_enums(
        draft.top, conversion.types
    ):
        draft.changed("casts to an enum are casts to varchar")
    for column, kept in zip(own, typed, strict=True):
        if kept is not None:
            column["typeName"] = kept


def _skip(why: str) -> "Callable[[Conversion, ConvertedStatement], None]":
    return lambda conversion, draft: conversion.skip(draft, why)


def _enum(conversion: Conversion, draft: ConvertedStatement) -> None:
    labels = [item["String"].get("sval", "") for item in draft.top.get("vals", ())]
    conversion.types.enums[qualified_name(strings(draft.top["typeName"]))] = labels
    conversion.skip(draft, "an enum: its columns are varchar with CHECK")


def _more_labels(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Add a label to the enum; tables made before it keep their CHECK, so a human is asked then."""
    name = qualified_name(strings(draft.top["typeName"]))
    label = draft.top.get("newVal")
    if name not in conversion.types.enums or label is None or "oldVal" in draft.top:
        conversion.skip(draft, "Aurora DSQL has no enums: change the CHECK of the columns", blocks=True)
        return
    conversion.types.enums[name].append(label)
    used = any("enum " + name[1] in note for table in conversion.tables.values() for note in table.notes)
    conversion.skip(draft, "a label: in the CHECK of columns from here on", human=used, blocks=used)


def _composite(conversion: Conversion, draft: ConvertedStatement) -> None:
    conversion.types.composites.add(relation_name(draft.top["typevar"]))
    conversion.skip(draft, "a composite type: its columns are jsonb", human=True)


def _table(conversion: Conversion, draft: ConvertedStatement) -> None:
    top = draft.top
    persistence = top["relation"].get("relpersistence")
    given = [clause for field, clause in TABLE_CLAUSES.items() if field in top]
    if persistence == "t" or not all(clause.dispensable for clause in given):
        why = "a temporary, partitioned, inherited or typed table: write it as a plain one"
        conversion.skip(draft, why, blocks=True)
        return
    if persistence == "u":
        top["relation"]["relpersistence"] = "p"
        draft.changed("UNLOGGED left out")
    for field in [field for field in TABLE_CLAUSES if field in top]:
        del top[field]
    if given:
        draft.changed(*(f"{clause.spelled} left out" for clause in given))
    defined = [item["ColumnDef"] for item in top.get("tableElts", ()) if "ColumnDef" in item]
    conversion.money[relation_name(top["relation"])] = set(columns.money_columns(defined))
    for item in top.get("tableElts", ()):
        if "ColumnDef" in item and (
            notes := list(columns.convert_column(item["ColumnDef"], conversion.types))
        ):
            draft.changed(*notes)
    conversion.tables[relation_name(top["relation"])] = draft
    conversion.statements.append(draft)


def _sequence(conversion: Conversion, draft: ConvertedStatement) -> None:
    options = columns.with_cache_size(draft.top.get("options", ()))
    if options != draft.top.get("options"):
        draft.top["options"] = options
        draft.changed("a sequence is bigint, with the size of its cache")
    conversion.sequences[relation_name(draft.top["sequence"])] = draft
    conversion.statements.append(draft)


def _owned_sequence(conversion: Conversion, draft: ConvertedStatement) -> None:
    owned = [item["DefElem"].get("defname") for item in draft.top.get("options", ())] == ["owned_by"]
    if owned and relation_name(draft.top["sequence"]) in conversion.sequences:
        conversion.skip(draft, "an owned sequence: it becomes an identity, or stays by itself")
        return
    conversion.statements.append(draft)


def _index(conversion: Conversion, draft: ConvertedStatement) -> None:
    top = draft.top
    method = top.pop("accessMethod", "btree")
    if method not in ("btree", INDEX_METHOD):
        conversion.skip(draft, f"USING {method}: Aurora DSQL's indexes are b-trees", human=True)
        return
    draft.changed("CREATE INDEX ASYNC: built by a job, which is waited for")
    top["relation"]["inh"] = True
    top.pop("concurrent", None)
    for clause in (row for field, row in INDEX_CLAUSES.items() if top.pop(field, None) is not None):
        draft.notes.append(f"{clause.spelled} left out")
    for item in (*top.get("indexParams", ()), *top.get("indexIncludingParams", ())):
        _index_element(draft, item["IndexElem"])
    conversion.statements.append(draft)


def _index_element(draft: ConvertedStatement, element: Node) -> None:
    if element.get("ordering") in ("SORTBY_ASC", "SORTBY_DESC"):
        element["ordering"] = "SORTBY_DEFAULT"
        draft.notes.append("ASC and DESC left out: an index is read either way")
    for name, note in (("opclass", "operator class left out"), ("collation", "COLLATE left out")):
        if element.pop(name, None) is not None:
            draft.notes.append(note)
    element.pop("opclassopts", None)


def _materialized(conversion: Conversion, draft: ConvertedStatement) -> None:
    into = draft.top["into"]
    if draft.top.get("objtype") != "OBJECT_MATVIEW":
        why = "Aurora DSQL makes no table from a query: CREATE TABLE, then INSERT … SELECT"
        conversion.skip(draft, why, blocks=True)
        return
    view = {"view": into["rel"], "query": draft.top["query"], "withCheckOption": "NO_CHECK_OPTION"}
    if "colNames" in into:
        view["aliases"] = into["colNames"]
    made = ConvertedStatement("ViewStmt", view, draft.line, None)
    made.notes.append("NEEDS A HUMAN: a materialized view is a plain view: it is computed at each read")
    conversion.statements.append(made)


def _function(conversion: Conversion, draft: ConvertedStatement) -> None:
    options = {i["DefElem"]["defname"]: i["DefElem"].get("arg") for i in draft.top.get("options", ())}
    language = constant(options.get("language")) or "sql"
    if draft.top.get("is_procedure") or language.lower() != "sql":
        conversion.skip(
            draft, f"a procedure or LANGUAGE {language}: do its work in the application", human=True
        )
        return
    conversion.statements.append(draft)


def _select(conversion: Conversion, draft: ConvertedStatement) -> None:
    if session_statements.set_configs(conversion, draft):
        return
    targets = draft.top.get("targetList", ())
    called = [t["ResTarget"].get("val", {}).get("FuncCall", {}) for t in targets]
    names = [qualified_name(strings(call.get("funcname")))[1] if call else "" for call in called]
    if names == ["setval"]:
        _setval(conversion, draft, called[0])
    conversion.statements.append(draft)


def _setval(conversion: Conversion, draft: ConvertedStatement, call: Node) -> None:
    if (name := columns.sequence_named(call)) in conversion.renamed:
        call["args"][0] = {"A_Const": {"sval": {"sval": conversion.renamed[name]}}}
        draft.changed("the sequence is an identity's")


def _comment(conversion: Conversion, draft: ConvertedStatement) -> None:
    lacking = ("OBJECT_EXTENSION", "OBJECT_TYPE", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_DATABASE")
    if draft.top.get("objtype") in lacking:
        conversion.skip(draft, "a comment on what is not carried over")
        return
    conversion.statements.append(draft)


def _schema(conversion: Conversion, draft: ConvertedStatement) -> None:
    if draft.top.get("schemaname") == "public":
        conversion.skip(draft, "public is there")
        return
    conversion.statements.append(draft)


def _domain(conversion: Conversion, draft: ConvertedStatement) -> None:
    if notes := list(columns.convert_domain(draft.top, conversion.types)):
        draft.changed(*notes)
    conversion.statements.append(draft)


def _grant(conversion: Conversion, draft: ConvertedStatement) -> None:
    if is_grantable(draft.top):
        conversion.statements.append(draft)
        return
    why = "no privileges there: every role can use public, and AWS IAM GRANT lets a role connect"
    conversion.skip(draft, why, human=True)


def _drop(conversion: Conversion, draft: ConvertedStatement) -> None:
    if not is_object(draft.top) and draft.top.get("missing_ok"):
        conversion.skip(draft, "Aurora DSQL has none of its kind")
        return
    if draft.top.pop("concurrent", None):
        draft.changed("CONCURRENTLY left out")
    conversion.statements.append(draft)


def _role(conversion: Conversion, draft: ConvertedStatement) -> None:
    given: list[Node] = draft.top.get("options", [])
    kept = [item for item in given if item["DefElem"]["defname"] in ROLE_OPTIONS]
    if kept != given:
        draft.top["options"] = kept
        draft.changed("attributes left out that IAM has in place of roles, such as PASSWORD")
    if given and not kept and draft.kind == "AlterRoleStmt":
        conversion.skip(draft, "attributes that IAM has in place of roles, such as PASSWORD")
        return
    conversion.statements.append(draft)


def _keep_or_skip(conversion: Conversion, draft: ConvertedStatement) -> None:
    row = STATEMENTS.get(draft.kind)
    if row is not None and row.dispensable:
        conversion.skip(draft, row.dispensable, human=row.needs_review)
    else:
        conversion.statements.append(draft)


RULES: Final[dict[str, Callable[[Conversion, ConvertedStatement], None]]] = {
    "CreateEnumStmt": _enum,
    "AlterEnumStmt": _more_labels,
    "CompositeTypeStmt": _composite,
    "CreateStmt": _table,
    "CreateSeqStmt": _sequence,
    "AlterSeqStmt": _owned_sequence,
    "IndexStmt": _index,
    "CreateTableAsStmt": _materialized,
    "CreateFunctionStmt": _function,
    "SelectStmt": _select,
    "CommentStmt": _comment,
    "CreateSchemaStmt": _schema,
    "AlterTableStmt": alter,
    "AlterOwnerStmt": _skip("who runs this owns what it makes"),
    "VacuumStmt": _skip(UPKEEP.dispensable),
    "CreateDomainStmt": _domain,
    "GrantStmt": _grant,
    "DropStmt": _drop,
    "CreateRoleStmt": _role,
    "AlterRoleStmt": _role,
    **session_statements.RULES,
}
