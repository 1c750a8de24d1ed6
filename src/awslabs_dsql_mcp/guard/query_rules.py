"""Clauses and functions that Aurora DSQL refuses inside of queries and changes.

Sources: messages of clusters recorded in September 2026; `dsql.functions` and `dsql.unsupported`.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from awslabs_dsql_mcp.dsql import functions
from awslabs_dsql_mcp.dsql.settings import is_settable
from awslabs_dsql_mcp.dsql.unsupported import CREATE_FROM_QUERY, LOCK_STRENGTHS, STATEMENTS
from awslabs_dsql_mcp.guard.newer_syntax import newer_syntax
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.definitions import builtin_type
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_CATALOG: Final = "pg_catalog"
_SET_LOCAL: Final = "Put SET LOCAL with the parameter's name first in `transact`."


def check(source: ParsedStatement) -> Violation | None:
    """Find the first clause, function or cast that a cluster refuses; ``None`` when there is none."""
    return next(
        chain(_clauses(source), _calls(source), _casts(source), _newer(source), _settings(source)), None
    )


def unsettable(name: str, value: str | None, location: int) -> Violation | None:
    """Refuse a change of a parameter that a cluster does not let a session set, and of the encoding.

    Args:
        name: The parameter's name.
        value: Its new value, if it is a constant.
        location: Byte offset of what is refused.
    """
    if name.lower() == "client_encoding" and value is not None and not _is_utf8(value):
        why = "Statements are sent in UTF-8: another client_encoding would change their texts on the way."
        return Violation("setting", location, why, "Leave it out.")
    if is_settable(name):
        return None
    why = f'Aurora DSQL does not let a session set "{name}".'
    instead = "Leave it out; a call has a time limit of its own, and reads run READ ONLY by themselves."
    return Violation("setting", location, why, instead)


def _is_utf8(encoding: str) -> bool:
    """Tell a name of UTF8 (PostgreSQL documentation, "Character Set Support"), however it is written."""
    return "".join(filter(str.isalnum, encoding)).lower() in ("utf8", "unicode")


def _clauses(source: ParsedStatement) -> Iterator[Violation]:
    tree = source.tree
    if "IntoClause" in tree:
        table = tree.find("IntoClause")[0].node.get("rel", {})
        location = source.word_before(table.get("location", tree.start), "into")
        row = CREATE_FROM_QUERY
        yield Violation(row.rule, location, row.why.format("SELECT INTO"), row.instead, row.in_script)
    if "MergeStmt" in tree:
        row = STATEMENTS["MergeStmt"]
        yield Violation(
            row.rule, source.command_after(tree.start, "merge"), row.why, row.instead, row.in_script
        )
    if "RangeTableSample" in tree:
        location = source.word_after(tree.start, "tablesample")
        instead = "Take the rows of a range of the key, or ORDER BY random() with LIMIT on a small table."
        yield Violation("query-clause", location, "Aurora DSQL does not have TABLESAMPLE.", instead)
    if any(place.node.get("strength") not in LOCK_STRENGTHS for place in tree.find("LockingClause")):
        yield Violation(
            "lock-strength",
            source.pair_after(tree.start, "for", ("share", "no")),
            "Aurora DSQL has FOR UPDATE and FOR KEY SHARE, and no other row locks.",
            "Use FOR UPDATE.",
        )


def _newer(source: ParsedStatement) -> Iterator[Violation]:
    for name, location in newer_syntax(source.tree.nodes):
        why = f"{name}: PostgreSQL 17 and 18 have it, and Aurora DSQL, as PostgreSQL 16, does not."
        yield Violation("query-clause", location, why, "Write it as PostgreSQL 16 has it.")


def _calls(source: ParsedStatement) -> Iterator[Violation]:
    for place in source.tree.find("FuncCall"):
        schema, name = [_CATALOG, *strings(place.node.get("funcname"))][-2:]
        if schema == _CATALOG and (found := _call(name, place.node, place.location)):
            yield found


def _settings(source: ParsedStatement) -> Iterator[Violation]:
    """Find changes of pg_settings, each of which is a SET (PostgreSQL documentation, "pg_settings")."""
    for kind in ("UpdateStmt", "InsertStmt", "DeleteStmt", "MergeStmt"):
        for node, location in source.tree.nodes.get(kind, ()):
            relation: Node = node["relation"]
            if relation["relname"] == "pg_settings" and relation.get("schemaname", _CATALOG) == _CATALOG:
                why = "A change of pg_settings is SET by another name, for any parameter."
                yield Violation("setting", relation.get("location", location), why, _SET_LOCAL)


def _call(name: str, call: Node, location: int) -> Violation | None:
    arguments: list[Node] = call.get("args", [])
    given = [constant(argument.get("TypeCast", {}).get("arg", argument)) for argument in arguments]
    if name == "set_config" and given:
        if given[0] is not None:
            return unsettable(given[0], given[1] if len(given) > 1 else None, location)
        why = "set_config() with a name that is computed may change how the next statements are read."
        return Violation("setting", location, why, _SET_LOCAL)
    if name in functions.TEXT_SEARCH:
        return _text_search(given[0] if len(given) > 1 else "english", location)
    if name in functions.SHAPES:
        return _shape(name, location)
    if functions.is_unsupported(name):
        why = f"Aurora DSQL does not have the function {name}()."
        return Violation("query-function", location, why, "Leave it out.")
    return None


def _text_search(configuration: str | None, location: int) -> Violation | None:
    known = (None, functions.TEXT_SEARCH_CONFIGURATION, f"pg_catalog.{functions.TEXT_SEARCH_CONFIGURATION}")
    if configuration in known:
        return None
    why = f'Aurora DSQL has no text search configuration "{configuration}".'
    return Violation(
        "query-function", location, why, "Use LIKE or a regular expression, or search elsewhere."
    )


def _casts(source: ParsedStatement) -> Iterator[Violation]:
    for place in source.tree.find("TypeCast"):
        row = builtin_type(place.node["typeName"])
        if row and row.name in functions.SHAPES:
            yield _shape(row.name, place.location)


def _shape(name: str, location: int) -> Violation:
    why = f"Aurora DSQL does not have values of type {name}."
    return Violation("query-function", location, why, "Compute with numbers, or in the application.")
