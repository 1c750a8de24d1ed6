"""Expressions, queries and bodies of functions: what is written anew, and what stands in their way."""

from collections.abc import Iterable, Iterator
from typing import Final

from awslabs_dsql_mcp.dsql.functions import RANDOM_UUID, UUID_FUNCTIONS
from awslabs_dsql_mcp.dsql.types import EXTENSION_TYPES
from awslabs_dsql_mcp.migration.analysis.user_types import TypeReplacement
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.operations import Difference
from awslabs_dsql_mcp.migration.script.mentions import (
    Mentions,
    Name,
    mentions,
    nested,
    qualified_name,
    relation_name,
    set_text,
)
from awslabs_dsql_mcp.sql import deparse, functions
from awslabs_dsql_mcp.sql.definitions import column_type
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_ENUM_FUNCTIONS: Final = frozenset(("enum_first", "enum_last", "enum_range"))
"""PostgreSQL documentation, "Enum Support Functions"."""

_CHANGES: Final = frozenset(("InsertStmt", "UpdateStmt", "DeleteStmt"))
_EQUAL_ROWS: Final = frozenset(("distinctClause", "groupClause", "partitionClause", "larg", "testexpr"))
_OPERATIONS: Final = ("A_Expr", "FuncCall", "TypeCast", "MinMaxExpr", "A_Indirection", "A_ArrayExpr")


def _groups(node: object) -> bool:
    """Say if a statement looks for equal rows."""
    return any(not _EQUAL_ROWS.isdisjoint(fields) for fields in nested(node))


def rewrite(conversion: Conversion, draft: ConvertedStatement, found: Mentions, own: set[int]) -> None:
    """Write types, functions and sequences as Aurora DSQL has them.

    Args:
        conversion: The conversion.
        draft: The statement.
        found: What it mentions.
        own: Identities of the nodes that are the types of its columns, which get a CHECK with their type.
    """
    if replaced := conversion.types.replace_enums(found, own):
        sorts = "" if all(map(conversion.types.order_kept, replaced)) else ", which compare and sort as text"
        draft.changed(f"casts to an enum are casts to varchar{sorts}")
    _replace_citext(conversion, draft, found, own)
    _replace_field_calls(conversion, draft, found)
    for call in found.calls:
        name = strings(call.get("funcname"))[-1]
        if name in UUID_FUNCTIONS and name not in conversion.survey.functions:
            call["funcname"] = [{"String": {"sval": RANDOM_UUID}}]
            call.pop("args", None)
            effect = UUID_FUNCTIONS[name]
            draft.changed(
                f"{BY_HAND if effect else ''}{name}() is {RANDOM_UUID}(){'; ' if effect else ''}{effect}"
            )
    for sequence, argument in found.sequences:
        if (new := conversion.renamed.get(sequence)) is not None and new != sequence:
            set_text(argument, ".".join(map(quote_identifier, new)))
            draft.changed("the sequence is an identity's")
    for relation in found.relations:
        key = (relation.get("schemaname", "public"), relation["relname"])
        if (new := conversion.renamed.get(key)) is not None and new != key:
            relation["schemaname"], relation["relname"] = new
            draft.changed("the sequence is an identity's")


def obstacle(conversion: Conversion, node: object, tables: Iterable[Name] = ()) -> str | None:
    """Say why an expression or query cannot be carried over, as a clause; ``None`` if it can.

    Args:
        conversion: The conversion.
        node: Its tree.
        tables: Tables whose columns it may name, besides those that it mentions itself.
    """
    found = node if isinstance(node, Mentions) else mentions(node)
    if (needed := conversion.survey.lacking.needed_by(found)) is not None:
        return f"it needs {needed}, which is left out"
    called = {strings(call.get("funcname"))[-1] for call in found.calls} - conversion.survey.functions
    if enumerating := sorted(called & _ENUM_FUNCTIONS):
        return f"it needs {enumerating[0]}(), and no value is of an enum there: write the labels"
    named = set(map(relation_name, found.relations))
    if (collation := lost_collation(conversion, node)) is not None:
        return collation
    if "tableoid" in found.columns and not named.isdisjoint(conversion.survey.partitions.roots.values()):
        return "tableoid is that of a partition, and one plain table has the rows of all"
    if (only := _only(conversion, found)) is not None:
        return only
    return next(_foreign(conversion, found), None) or (
        None if isinstance(node, Mentions) else changed_meaning(conversion, node, found, tables)
    )


def _replace_citext(
    conversion: Conversion, draft: ConvertedStatement, found: Mentions, own: set[int]
) -> None:
    for typed in found.types:
        row = column_type(typed)
        if id(typed) not in own and row is not None and row.name == "citext" and "arrayBounds" not in typed:
            typed.clear()
            typed.update(deparse.type_name("text"))
            draft.changed(f"{BY_HAND}citext is text: compare lower(…) to ignore case")
            if draft.kind in _CHANGES and (found.operators or _groups(draft.top)):
                why = "it compares as citext, which is text here: compare lower(…)"
                conversion.skip(draft, why, blocks=True)


def _only(conversion: Conversion, found: Mentions) -> str | None:
    """Say which partitioned table is named with ONLY, which has no rows of its own; ``None`` for none.

    (PostgreSQL documentation, "Table Partitioning".)
    """
    roots = conversion.survey.partitions.roots.values()
    named = (
        relation for relation in found.relations if not relation.get("inh") and "relpersistence" in relation
    )
    table = next((one["relname"] for one in named if relation_name(one) in roots), None)
    if table is None:
        return None
    return (
        f"ONLY {table} has no rows in PostgreSQL, and {table} is one plain table that has them all: remove it"
    )


def _replace_field_calls(conversion: Conversion, draft: ConvertedStatement, found: Mentions) -> None:
    """Write ``a(t)``, which is the column a of a row of t, as ``t.a``.

    (PostgreSQL documentation, "Using Composite Types in Queries".)
    """
    columns = {
        relation.get("alias", {}).get("aliasname", relation["relname"]): conversion.source.tables.get(
            relation_name(relation), {}
        )
        for relation in found.relations
    }
    for fields in nested(draft.top) if columns and draft.kind != "CreateFunctionStmt" else ():
        call: Node = fields.get("FuncCall", {})
        names, given = strings(call.get("funcname")), call.get("args", [])
        row = strings(given[0].get("ColumnRef", {}).get("fields")) if len(given) == 1 else []
        if len(names) == len(row) == 1 and names[0] in columns.get(row[0], ()):
            if not functions.is_user_defined(names) or names[0] in conversion.survey.functions:
                continue
            fields.clear()
            fields["ColumnRef"] = {"fields": [{"String": {"sval": part}} for part in (*row, *names)]}
            found.columns.update(names)
            draft.changed(f"{names[0]}({row[0]}) is {row[0]}.{names[0]}")


def lost_collation(conversion: Conversion, node: object) -> str | None:
    """Say which collation a tree names that is not deterministic, and so left out; ``None`` for none."""
    if not conversion.types.collations:
        return None
    named = (strings(fields["collname"]) for fields in nested(node) if "collname" in fields)
    lost = (name[-1] for name in named if qualified_name(name) in conversion.types.collations)
    return next((f"it needs the collation {name}, which is left out" for name in lost), None)


def _foreign(conversion: Conversion, found: Mentions) -> Iterator[str]:
    """What comes from an extension, as far as that can be known."""
    for typed in found.types:
        row = column_type(typed)
        if row is not None and row.name in EXTENSION_TYPES and row.name != "citext":
            yield f"it needs the type {row.name}, which is an extension's"
        composite = qualified_name(strings(typed.get("names")))
        if composite in conversion.types.composites:
            yield f"it needs the type {composite[1]}, which is composite"
    if not conversion.survey.lacking.extensions:
        return
    for call in found.calls:
        name = strings(call.get("funcname"))
        if functions.is_user_defined(name) and name[-1] not in conversion.survey.functions:
            yield f"it needs {name[-1]}(), which is an extension's"
    for operator in found.operators:
        if functions.is_user_defined_operator([operator]):
            yield f"it needs the operator {operator}, which is an extension's"


def unknown_function(conversion: Conversion, node: object) -> list[str]:
    """Take note of a function that is neither PostgreSQL 16's nor made by the script, if a tree calls one."""
    found = node if isinstance(node, Mentions) else mentions(node)
    for call in found.calls:
        name = strings(call.get("funcname"))
        if functions.is_user_defined(name) and name[-1] not in conversion.survey.functions:
            spelled = ".".join(name)
            return [
                f"{BY_HAND}{spelled}() is neither PostgreSQL 16's nor made here: the step fails without it"
            ]
    return []


def changed_meaning(
    conversion: Conversion, node: object, found: Mentions, tables: Iterable[Name]
) -> str | None:
    """Say which column in an expression has another type now, so that the expression means something else."""
    named = [(relation.get("schemaname", "public"), relation["relname"]) for relation in found.relations]
    changed = conversion.changed_columns([*tables, *named])
    if changed.keys().isdisjoint(found.columns):
        return None
    inside = (column for operation in _operations(node) for column in _touched(operation, changed))
    column = next(inside, None)
    if column is None:
        return None
    return f"column {column} was {changed[column].former} and is {changed[column].now}: write it for that"


def changed_results(found: Iterable[Difference]) -> list[str]:
    """Write notes on operations that have another result than in PostgreSQL."""
    return list(dict.fromkeys(f"{BY_HAND}{difference.clause}" for difference in found))


def folded(found: Iterable[Difference]) -> str | None:
    """Say which texts that were equal are no more, so that a definition with them is left out."""
    return next((f"{one.clause}: write it for that" for one in found if one.change.folds), None)


def _operations(node: object) -> Iterator[Node]:
    for fields in nested(node):
        if len(fields) == 1:
            ((kind, inner),) = fields.items()
            if kind in _OPERATIONS and strings(inner.get("funcname"))[-1:] != ["count"]:
                yield inner


def _touched(operation: Node, changed: dict[str, TypeReplacement]) -> Iterator[str]:
    """Iterate over the changed columns that an operation works on directly."""
    for name in mentions(list(operation.values())).columns & changed.keys():
        if not (changed[name].ordered or changed[name].was == "enum" or changed[name].folds):
            yield name
