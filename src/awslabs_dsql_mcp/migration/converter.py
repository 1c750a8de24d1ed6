"""The rules that make a script for PostgreSQL one for Aurora DSQL, where that takes the whole script.

A key that is added later belongs into its CREATE TABLE, an enum into the columns that use it, a sequence with
a default into an identity. A change moves only where nothing between can tell. A statement that no rule
touches stays as it is written.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from awslabs_dsql_mcp.dsql.unsupported import STATEMENTS, UPKEEP
from awslabs_dsql_mcp.migration.analysis.survey import survey
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement, SkippedStatement
from awslabs_dsql_mcp.migration.rules import (
    domains,
    expressions,
    functions,
    objects,
    privileges,
    programs,
    renames,
    sequences,
    session_statements,
    types,
)
from awslabs_dsql_mcp.migration.rules.copied_rows import read_copy
from awslabs_dsql_mcp.migration.rules.script_values import convert_values
from awslabs_dsql_mcp.migration.rules.tables.alter_table import alter
from awslabs_dsql_mcp.migration.rules.tables.create_table import create_table
from awslabs_dsql_mcp.migration.rules.tables.indexes import create_index
from awslabs_dsql_mcp.migration.script import formats as script_formats
from awslabs_dsql_mcp.migration.script import psql_commands
from awslabs_dsql_mcp.migration.script.mentions import mentions, qualified_name, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement, read_items
from awslabs_dsql_mcp.sql.definitions import table_elements
from awslabs_dsql_mcp.sql.parse_tree import strings
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.sql.scripts import ScriptItem, split_script
from awslabs_dsql_mcp.text import one_line


def convert(script: str, *, tolerant: bool = False) -> Conversion:
    """Convert a script.

    Args:
        script: Any number of statements.
        tolerant: Leave a statement that does not parse out, as what stops the script, and go on.

    Raises:
        ScriptSyntaxError: A statement does not parse.
    """
    items = tuple(split_script(script))
    conversion = Conversion(survey(read_items(items)))
    for line, what, why, blocks in script_formats.remarks(script, items, conversion.survey.statements):
        conversion.skipped.append(SkippedStatement(line, what, why, needs_review=True, is_blocking=blocks))
    statements = conversion.survey.statements
    dialect = cache(lambda: script_formats.foreign_dialect(script))
    for at, statement in enumerate(statements):
        conversion.at = at
        skipped = len(conversion.skipped)
        if statement.fault is None:
            _convert(conversion, statement, is_last=at == len(statements) - 1)
            functions.release(conversion)
        else:
            left = _unreadable(statement.item, statement.fault, dialect)
            if not tolerant:
                raise ScriptSyntaxError(conversion.skipped, left)
            conversion.skipped.append(left)
        conversion.claim(statement.number, skipped)
    session_statements.end(conversion)
    return conversion


class ScriptSyntaxError(Exception):
    """A statement that does not parse, its line, and what stops the script before it.

    Args:
        before: What is left out before it.
        unreadable: The statement.
    """

    def __init__(self, before: Sequence[SkippedStatement], unreadable: SkippedStatement) -> None:
        found = [f"line {left.line}, {left.what}: {left.why}" for left in before if left.is_blocking]
        super().__init__(f"line {unreadable.line}: {'; '.join([unreadable.why, *found])}")


def _unreadable(item: ScriptItem, fault: ParseError, dialect: Callable[[], str | None]) -> SkippedStatement:
    """Leave a statement that does not parse out; say what the script seems to be."""
    line = item.line + item.text.count("\n", 0, fault.offset)
    found = [fault.message]
    near = item.text[max(0, fault.offset - 1) :]
    if (name := psql_commands.variable(item.text, fault.offset)) is not None:
        found.append(f"{name} is a variable of psql's: write its value")
    elif (name := script_formats.placeholder(near)) is not None:
        found.append(f"{name} stands for a value that a migration tool puts there: write the value")
    elif (name := dialect()) is not None:
        found.append(f"the script seems to be SQL of {name}: write it as PostgreSQL has it")
    return SkippedStatement(line, one_line(item.text), "; ".join(found), needs_review=True, is_blocking=True)


def _convert(conversion: Conversion, statement: ScriptStatement, *, is_last: bool) -> None:
    item = statement.item
    if item.meta:
        ruling = psql_commands.rule(
            item.text, conversion.settings, is_first=not conversion.statements, is_last=is_last
        )
        human, blocks = ruling.needs_review or ruling.is_blocking, ruling.is_blocking
        conversion.skipped.append(SkippedStatement(item.line, item.text[:40], ruling.why, human, blocks))
        return
    if statement.kind != "TransactionStmt":
        conversion.settings.run()
    draft = ConvertedStatement(statement.kind, statement.tree, item.line, statement.text)
    draft.notes += filter(None, [statement.note])
    if not statement.kind:
        conversion.statements.append(draft)
        return
    if statement.note and _is_made(conversion, statement):
        conversion.skip(draft, "the script has made it already, and its DO block does nothing then")
        return
    if (rows := conversion.counts.take(statement)) is not None and not programs.keeps_limit(
        conversion, draft, rows
    ):
        return
    convert_values(conversion, draft)
    mentioned = mentions([statement.tree, statement.body]) if draft.text is None else statement.mentions
    expressions.rewrite(conversion, draft, mentioned, _own_types(statement))
    if statement.asynchronous:
        conversion.statements.append(draft)
    elif item.data is not None:
        read_copy(conversion, draft, item)
    else:
        RULES.get(statement.kind, _keep_or_skip)(conversion, draft)


def _is_made(conversion: Conversion, statement: ScriptStatement) -> bool:
    """Say if the script has made what a statement makes."""
    top = statement.tree
    if statement.kind in ("CreateEnumStmt", "CreateDomainStmt"):
        name = qualified_name(strings(top.get("domainname") or top["typeName"]))
        return name in conversion.types.enums or name in conversion.types.domains
    if statement.kind in ("CreateStmt", "CreateSeqStmt"):
        schema, name = relation_name(top.get("relation") or top["sequence"])
        return name in conversion.taken(schema)
    if statement.kind != "AlterTableStmt":
        return False
    table = relation_name(top["relation"])
    made, taken = conversion.tables.get(table), conversion.taken(table[0])
    there = taken | conversion.constraints.get(table, set[str]())
    there |= made.constraint_names if made else set[str]()
    added = [item["AlterTableCmd"].get("def", {}) for item in top["cmds"]]
    constraints = [one["Constraint"].get("conname") for one in added if "Constraint" in one]
    columns = [one["ColumnDef"].get("colname") for one in added if "ColumnDef" in one]
    return any(name in there for name in constraints) or bool(made and set(columns) & made.names.keys())


def _own_types(statement: ScriptStatement) -> set[int]:
    """Identities of the nodes that are the types of columns and domains, which have rules of their own."""
    top = statement.tree
    found = [column.get("typeName") for column in table_elements(top, "ColumnDef")]
    commands = [item["AlterTableCmd"] for item in top.get("cmds", ())]
    found += [command.get("def", {}).get("ColumnDef", {}).get("typeName") for command in commands]
    if statement.kind in ("CreateDomainStmt", "CreateEnumStmt", "AlterEnumStmt"):
        found.append(top.get("typeName"))
    subjects = [*top.get("objects", ()), *([top["object"]] if "object" in top else [])]
    found += [subject.get("TypeName") for subject in subjects]
    return {id(node) for node in found if node is not None}


def _skip(why: str) -> "Callable[[Conversion, ConvertedStatement], None]":
    return lambda conversion, draft: conversion.skip(draft, why)


def _select(conversion: Conversion, draft: ConvertedStatement) -> None:
    if not session_statements.set_configs(conversion, draft):
        programs.select(conversion, draft)


def _altered_function(conversion: Conversion, draft: ConvertedStatement) -> None:
    subject = {"ObjectWithArgs": draft.top["func"]}
    if (lost := conversion.survey.lacking.subject(draft.top["objtype"], subject)) is not None:
        conversion.skip(draft, f"it is about {lost}, which is left out")
    elif functions.alter(conversion, subject, draft.top.get("actions", [])):
        conversion.skip(draft, "the function is made with it when its body follows")
    else:
        _keep_or_skip(conversion, draft)


def _foreign_table(conversion: Conversion, draft: ConvertedStatement) -> None:
    conversion.survey.lacking.relations[relation_name(draft.top["base"]["relation"])] = draft.line
    _keep_or_skip(conversion, draft)


def _trigger(conversion: Conversion, draft: ConvertedStatement) -> None:
    conversion.lost.add_trigger(draft.top, draft.line)
    _keep_or_skip(conversion, draft)


def _rule(conversion: Conversion, draft: ConvertedStatement) -> None:
    conversion.lost.add_rule(draft.top, draft.line)
    _keep_or_skip(conversion, draft)


def _keep_or_skip(conversion: Conversion, draft: ConvertedStatement) -> None:
    row = STATEMENTS.get(draft.kind)
    if row is not None and row.dispensable:
        conversion.skip(draft, row.dispensable, human=row.needs_review)
    else:
        conversion.statements.append(draft)


RULES: Final[dict[str, Callable[[Conversion, ConvertedStatement], None]]] = {
    "CreateEnumStmt": types.create_enum,
    "AlterEnumStmt": types.alter_enum,
    "CompositeTypeStmt": types.create_composite,
    "DefineStmt": types.define,
    "CreateDomainStmt": domains.create_domain,
    "AlterDomainStmt": domains.alter_domain,
    "CreateStmt": create_table,
    "AlterTableStmt": alter,
    "IndexStmt": create_index,
    "CreateSchemaStmt": objects.create_schema,
    "CreateSeqStmt": sequences.create_sequence,
    "AlterSeqStmt": sequences.alter_sequence,
    "CommentStmt": objects.comment,
    "GrantStmt": privileges.grant,
    "GrantRoleStmt": privileges.grant_role,
    "AlterDefaultPrivilegesStmt": privileges.default_privileges,
    "CreateRoleStmt": privileges.role,
    "AlterRoleStmt": privileges.role,
    "AlterOwnerStmt": _skip("who runs this owns what it makes"),
    "AlterObjectSchemaStmt": renames.set_schema,
    "DropStmt": objects.drop,
    "RenameStmt": renames.rename,
    "ViewStmt": programs.create_view,
    "CreateTableAsStmt": programs.create_from_query,
    "CreateFunctionStmt": functions.create_function,
    "InsertStmt": programs.change_data,
    "UpdateStmt": programs.change_data,
    "DeleteStmt": programs.change_data,
    "SelectStmt": _select,
    "AlterFunctionStmt": _altered_function,
    "CreateForeignTableStmt": _foreign_table,
    "CreateTrigStmt": _trigger,
    "RuleStmt": _rule,
    "AlterRoleSetStmt": privileges.role_setting,
    "VacuumStmt": _skip(UPKEEP.dispensable),
    **session_statements.RULES,
}
