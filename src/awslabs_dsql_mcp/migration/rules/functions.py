"""CREATE FUNCTION for Aurora DSQL, which reads the body of a function when it makes it.

A function whose body names what the script makes later follows that. If anything before is about it or uses
it, it is made in its place with an empty body, and is given its own as soon as that can be read: until then
PostgreSQL could not run it either.
"""

from copy import deepcopy
from typing import Final, cast

from awslabs_dsql_mcp.dsql.types import LACKING
from awslabs_dsql_mcp.guard.newer_syntax import newer_syntax
from awslabs_dsql_mcp.migration.analysis.signatures import input_parameters
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.expressions import changed_results, folded, obstacle, unknown_function
from awslabs_dsql_mcp.migration.rules.operations import differences
from awslabs_dsql_mcp.migration.script.mentions import (
    Name,
    function_body,
    function_language,
    mentions,
    nested,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import builtin_type
from awslabs_dsql_mcp.sql.parse_tree import Node, strings, walk
from awslabs_dsql_mcp.sql.scripts import with_escapes

_OUTPUTS: Final = ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT", "FUNC_PARAM_TABLE")


def create_function(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE FUNCTION over, as soon as what its body names is there."""
    top, statement = draft.top, conversion.statement
    name = strings(top["funcname"])[-1]
    language = function_language(top)
    if top.get("is_procedure") or language != "sql":
        why = f"a procedure or LANGUAGE {language}: do its work in the application"
        conversion.skip(draft, why, human=True)
        return
    if _depends_on_reading(conversion, top):
        why = (
            f"{name}(): its body has a backslash in a plain literal, which PostgreSQL reads by "
            "standard_conforming_strings when it is called: write the literal as E'…'"
        )
        conversion.skip(draft, why, blocks=True)
        return
    whole = [top, statement.body]
    changed = differences(conversion, "", whole)
    newer = next(newer_syntax(walk(top | {"body": statement.body})), None)
    why = (
        obstacle(conversion, whole)
        or folded(changed)
        or _lacking_type(conversion, top, whole)
        or (newer and f"{newer.name} is not PostgreSQL 16's")
    )
    if why is None and not statement.body and (function_body(top) or "").strip():
        why = "its body does not parse, which PostgreSQL takes where check_function_bodies is off"
    if why is not None:
        conversion.survey.lacking.add_function(top, draft.line)
        conversion.skip(draft, f"{name}(): {why}", human=True)
        return
    draft.notes += changed_results(changed)
    if draft.text is None and statement.body:
        _set_body(top, statement.body)
    draft.notes += unknown_function(conversion, statement.mentions)
    conversion.lost.bodies.setdefault(name, []).append(statement.body or top.get("sql_body"))
    draft.is_unchecked = not conversion.settings.checks_bodies
    conversion.waiting = [one for one in conversion.waiting if not _is_of(one[1].top, top)]
    wait = conversion.survey.waits.of(conversion.at)
    if wait is None:
        conversion.statements.append(draft)
        return
    if wait.is_observed:
        empty = _emptied(draft)
        if empty is None:
            why = (
                f"{name}(): what its body names is made later, and a statement before uses it: move it there"
            )
            conversion.skip(draft, f"{name}(): {why}", blocks=True)
            return
        conversion.statements.append(empty)
        top["replace"] = True
        draft.changed(f"the body of the function of line {draft.line}: what it names is there now")
    else:
        draft.notes.append("moved behind what its body names")
    draft.settings = conversion.settings.statements
    conversion.waiting.append((wait, draft))


def _lacking_type(conversion: Conversion, function: Node, whole: object) -> str | None:
    """Say which type of a parameter or the result stands in the way; ``None`` for none.

    A type that Aurora DSQL has in expressions alone is in the way where the function works on a column that
    was of that type.
    """
    parameters: list[Node] = [item["FunctionParameter"] for item in function.get("parameters", ())]
    typed = [one["argType"] for one in parameters]
    typed += [function["returnType"]] if "returnType" in function else []
    named: dict[str, str] = {}
    for one in typed:
        row = builtin_type(one)
        if row is not None and row.name in LACKING:
            return f"its signature has {row.displayed}, which Aurora DSQL lacks: write {row.replacement}"
        if "arrayBounds" in one:
            named["[]"] = "an array"
        elif row is not None and not row.stored:
            named[row.name] = row.displayed
    found = mentions(whole)
    changed = conversion.changed_columns(map(relation_name, found.relations))
    whole_rows = any("A_Star" in fields or _has_no_columns(fields) for fields in nested(whole))
    for column, change in changed.items():
        if change.was in named and not change.ordered and (whole_rows or column in found.columns):
            return (
                f"its signature has {named[change.was]}, and column {column}, which was {change.former}, is "
                f"{change.now}: write it for that"
            )
    return None


def _has_no_columns(fields: Node) -> bool:
    """Say if a node is an INSERT into all columns of its table."""
    return "InsertStmt" in fields and "cols" not in fields["InsertStmt"]


def _depends_on_reading(conversion: Conversion, function: Node) -> bool:
    """Say if what a body means is another while a setting of the script is in force, now or later.

    (PostgreSQL parses the text of a body at each call, under the setting of the caller.)
    """
    body = function_body(function) or ""
    if with_escapes(body) == body:
        return False
    options = (item["DefElem"].get("arg", {}) for item in function.get("options", ()))
    settings = {option.get("VariableSetStmt", {}).get("name") for option in options}
    later = conversion.survey.statements[conversion.at :]
    return "standard_conforming_strings" in settings or any(one.item.nonconforming for one in later)


def release(conversion: Conversion) -> None:
    """Let functions follow that what their bodies name is there for."""
    ready = [one for one in conversion.waiting if one[0].until <= conversion.at]
    conversion.waiting = [one for one in conversion.waiting if one not in ready]
    # The body of one that is made already may name one that is made only now.
    ready.sort(key=lambda one: (bool(one[1].top.get("replace")), one[0].rank))
    conversion.statements += [draft for _, draft in ready]


def rename(conversion: Conversion, subject: Node, new: Name) -> None:
    """Give a function that waits for its body the name that it has by now."""
    for _, draft in conversion.waiting:
        if _is_named(draft.top, subject):
            draft.top["funcname"] = [{"String": {"sval": part}} for part in new]
            draft.text = None


def alter(conversion: Conversion, subject: Node, actions: list[Node]) -> bool:
    """Give a function that waits for its body the options that it has by now; tell if it is one."""
    found = [draft for _, draft in conversion.waiting if _is_named(draft.top, subject)]
    names = [_option_name(item) for item in actions]
    for draft in found:
        kept = [item for item in draft.top["options"] if _option_name(item) not in names]
        draft.top["options"] = [*kept, *actions]
        draft.text = None
    return bool(found)


def _option_name(item: Node) -> tuple[str, str]:
    """Give the name of an option, and that of the setting which it sets or resets."""
    defined: Node = item["DefElem"]
    return defined["defname"], defined.get("arg", {}).get("VariableSetStmt", {}).get("name", "")


def forget(conversion: Conversion, subject: Node) -> None:
    """Let a function that is dropped wait no more for its body."""
    conversion.waiting = [one for one in conversion.waiting if not _is_named(one[1].top, subject)]


def _emptied(draft: ConvertedStatement) -> ConvertedStatement | None:
    """Make a function with a body that names nothing; ``None`` if its result is of no certain type."""
    top = deepcopy(draft.top)
    parameters: list[Node] = [item["FunctionParameter"] for item in top.get("parameters", ())]
    types = [one["argType"] for one in parameters if one.get("mode") in _OUTPUTS]
    types = types or [top.get("returnType", {})]
    if any("pct_type" in typed or strings(typed.get("names"))[-1:] == [] for typed in types):
        return None
    names = [strings(typed["names"])[-1] for typed in types]
    if any(name.startswith("any") for name in names):
        return None
    values = [
        {"ResTarget": {"val": {"TypeCast": {"arg": {"A_Const": {"isnull": True}}, "typeName": _one(typed)}}}}
        for typed in types
    ]
    _set_body(top, [{"SelectStmt": {} if names == ["void"] else {"targetList": values}}])
    made = ConvertedStatement(draft.kind, top, draft.line, None, list(draft.notes))
    made.notes.append("without its body, which follows when what it names is there")
    return made


def _one(typed: Node) -> Node:
    return {key: value for key, value in typed.items() if key != "setof"}


def _is_of(made: Node, other: Node) -> bool:
    """Say if two CREATE FUNCTION make the same."""
    types = [one.get("argType", {}) for one in input_parameters(other.get("parameters", []))]
    return _is(made, qualified_name(strings(other["funcname"])), types)


def _is_named(made: Node, subject: Node) -> bool:
    """Say if a function is the one that ``ObjectWithArgs`` names."""
    named: Node = subject.get("ObjectWithArgs", {})
    if not named:
        return False
    types = None if named.get("args_unspecified") else named.get("objargs", [])
    return _is(made, qualified_name(object_name(subject)), types and [one["TypeName"] for one in types])


def _is(made: Node, name: Name, types: list[Node] | None) -> bool:
    own = [one.get("argType", {}) for one in input_parameters(made.get("parameters", []))]
    same = types is None or list(map(_type, own)) == list(map(_type, types))
    return qualified_name(strings(made["funcname"])) == name and same


def _type(typed: Node) -> tuple[list[str], bool]:
    return strings(typed.get("names"))[-1:], "arrayBounds" in typed


def _set_body(function: Node, body: object) -> None:
    listed = cast("list[Node]", body) if isinstance(body, list) else []
    texts = [deparse.deparse(kind, top) for item in listed for kind, top in item.items()]
    for item in function["options"]:
        if item["DefElem"].get("defname") == "as":
            item["DefElem"]["arg"]["List"]["items"] = [{"String": {"sval": ";\n".join(texts)}}]
