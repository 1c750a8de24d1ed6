"""Columns converted to types that Aurora DSQL stores, with notes on what that changes.

The replacements are rows of `dsql.types`; enums, composite types and serials follow what AWS advises for
migrations from PostgreSQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.clauses import COLUMN_CLAUSES
from awslabs_dsql_mcp.dsql.types import EXACT_NUMERIC, EXTENSION_TYPES, IDENTITY, SERIALS, ColumnType
from awslabs_dsql_mcp.migration.analysis.user_types import COLLATED, LABEL, TypeReplacement, UserTypes
from awslabs_dsql_mcp.migration.conversion import BY_HAND
from awslabs_dsql_mcp.migration.script.mentions import qualified_name
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import (
    column_type,
    declared_length,
    has_cache_size,
    is_builtin,
    is_too_long,
)
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

"""Begins a note of a step about which somebody has to do something."""

_VALUE_KINDS: Final = ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED")


@dataclass
class TypeChange:
    """What becomes of a column's type.

    Attributes:
        notes: What was changed, and why.
        replaced: The type and the one instead; ``None`` if the type stays, or holds the same values.
        problem: The reason why the column cannot be made; empty if it can.
    """

    notes: list[str] = field(default_factory=list[str])
    replaced: TypeReplacement | None = None
    problem: str = ""


def convert_column(column: Node, types: UserTypes, *, has_extensions: bool) -> TypeChange:
    """Change a ``ColumnDef`` into one that Aurora DSQL has.

    Args:
        column: The definition.
        types: The script's own types.
        has_extensions: The script makes extensions, from which types may come that nobody knows.
    """
    name: str = column["colname"]
    change = TypeChange()
    collation: Node = column.get("collClause", {})
    for clause in (row for key, row in COLUMN_CLAUSES.items() if column.pop(key, None)):
        change.notes.append(
            f"{name}: {clause.spelled} left out{f'; {clause.effect}' if clause.effect else ''}"
        )
    if "typeName" in column:
        _convert_type(name, column, types, change, has_extensions=has_extensions)
    _note_collation(change, types, collation)
    for constraint in constraints(column, "CONSTR_IDENTITY"):
        change.notes.extend(_convert_identity(name, column, constraint))
    return change


def convert_domain(domain: Node, types: UserTypes, *, has_extensions: bool) -> TypeChange:
    """Change a ``CreateDomainStmt`` into one over a type that Aurora DSQL stores."""
    own = qualified_name(strings(domain["domainname"]))
    column: Node = {
        "colname": own[1],
        "typeName": domain["typeName"],
        "constraints": domain.get("constraints", []),
    }
    change = TypeChange()
    collation: Node = domain.pop("collClause", {})
    if collation:
        change.notes.append("COLLATE left out; text sorts by byte")
    enum = base = qualified_name(strings(domain["typeName"].get("names")))
    if "arrayBounds" not in domain["typeName"] and enum in types.enums:
        column["typeName"] = deparse.type_name(LABEL)
        column["constraints"] = [
            *column["constraints"],
            {"Constraint": types.enum_check(enum, "VALUE")["Constraint"]},
        ]
        order = _enum_order(types.order_kept(enum))
        change.notes.append(f"{own[1]}: enum {enum[1]} is {LABEL} with CHECK{order}")
        change.replaced = TypeReplacement("enum", LABEL, types.order_kept(enum))
    else:
        _convert_type(own[1], column, types, change, has_extensions=has_extensions)
        if change.replaced is not None and base in types.domains:
            change.notes.append(f"{own[1]}: {base[1]} was {change.replaced.former}, is {change.replaced.now}")
    _note_collation(change, types, collation)
    domain["typeName"] = column["typeName"]
    if column["constraints"]:
        domain["constraints"] = column["constraints"]
    types.domains[own] = change.replaced
    return change


def _note_collation(change: TypeChange, types: UserTypes, clause: Node) -> None:
    """Take note of a text whose equality is that of a collation of the script."""
    named = strings(clause.get("collname"))
    if named and qualified_name(named) in types.collations:
        change.replaced = TypeReplacement(COLLATED, "text")
        change.notes.append(f"{BY_HAND}the collation {named[-1]} is left out: texts are equal byte by byte")


def constraints(column: Node, *kinds: str) -> list[Node]:
    """The constraints of a column that are of some kinds."""
    found = [cast("Node", item["Constraint"]) for item in column.get("constraints", ())]
    return [constraint for constraint in found if constraint.get("contype") in kinds]


def make_identity(column: Node, options: Sequence[Node] = (), *, always: bool = False) -> None:
    """Make a column a bigint identity.

    Args:
        column: Its ``ColumnDef``.
        options: Those of the sequence that it had, as ``DefElem`` nodes.
        always: Whether it is GENERATED ALWAYS.
    """
    column["typeName"] = deparse.type_name("bigint")
    kept = [item for item in column.get("constraints", ()) if not gives_value(item["Constraint"])]
    identity = deparse.constraint(IDENTITY)
    own: Node = identity["Constraint"]
    own["generated_when"] = "a" if always else "d"
    if options:
        own["options"] = with_cache_size(options)
    column["constraints"] = [*kept, identity]


def with_cache_size(options: Sequence[Node]) -> list[Node]:
    """Make a sequence's options those of Aurora DSQL: bigint, owned by none, with the size of its cache."""
    left_out = ("as", "owned_by", "sequence_name", "logged")
    kept = [item for item in options if item["DefElem"].get("defname") not in left_out]
    sized = [item for item in kept if item["DefElem"].get("defname") == "cache"]
    if sized and has_cache_size(kept):
        return kept
    others = [item for item in kept if item not in sized]
    return [*others, {"DefElem": {"defname": "cache", "arg": {"Integer": {"ival": limits.SMALL_CACHE}}}}]


def _drop_computed_values(column: Node) -> bool:
    """Take a column's identity, generation and default away, unless that is a constant; say if it had any."""
    given: list[Node] = column.get("constraints", [])
    kept = [
        item
        for item in given
        if not gives_value(item["Constraint"]) or "A_Const" in item["Constraint"].get("raw_expr", {})
    ]
    column["constraints"] = kept
    return kept != given


def _convert_type(
    name: str, column: Node, types: UserTypes, change: TypeChange, *, has_extensions: bool
) -> None:
    typed: Node = column["typeName"]
    own = qualified_name(strings(typed.get("names")))
    if "arrayBounds" in typed:
        _to_json(name, column, change, "[]", "an array")
    elif own in types.enums:
        column["typeName"] = deparse.type_name(LABEL)
        column.setdefault("constraints", []).append(types.column_check(own, name))
        kept = types.order_kept(own)
        change.notes.append(f"{name}: enum {own[1]} is {LABEL} with CHECK{_enum_order(kept)}")
        change.replaced = TypeReplacement("enum", LABEL, kept)
    elif own in types.composites:
        _to_json(name, column, change, "composite", f"composite {own[1]}")
    elif own in types.domains:
        change.replaced = types.domains[own]
    else:
        _convert_listed(name, column, change, has_extensions=has_extensions)


def _enum_order(kept: bool) -> str:  # noqa: FBT001 - the one thing that it is about
    return "" if kept else "; it sorts by text, not by the enum's order"


def _to_json(name: str, column: Node, change: TypeChange, was: str, spelled: str) -> None:
    column["typeName"] = deparse.type_name("jsonb")
    lost = " without a default" if _drop_computed_values(column) else ""
    change.notes.append(
        f"{BY_HAND}{name}: {spelled}, now jsonb{lost}; constants of the script become JSON, the application "
        "has to write JSON too"
    )
    change.replaced = TypeReplacement(was, "jsonb")


def _convert_listed(name: str, column: Node, change: TypeChange, *, has_extensions: bool) -> None:
    typed: Node = column["typeName"]
    row = column_type(typed)
    if row is None:
        unknown = ".".join(strings(typed.get("names")))
        if has_extensions:
            change.problem = (
                f"{name}: type {unknown} is an extension's: give the column a type of PostgreSQL's own"
            )
        else:
            change.notes.append(
                f"{BY_HAND}{name}: type {unknown} is unknown; the step fails unless it is a domain there"
            )
    elif row.name in SERIALS:
        make_identity(column)
        change.notes.append(f"{name}: {row.name} is {row.replacement}")
    elif row.name == "hstore":
        _to_json(name, column, change, row.name, row.displayed)
    elif not row.stored:
        _replace(name, column, row, change)
    elif is_too_long(typed):
        column["typeName"] = deparse.type_name("text")
        padded = " and are not padded" if is_builtin(typed, "bpchar") else ""
        change.notes.append(
            f"{BY_HAND}{name}: {row.displayed}({declared_length(typed)}) is longer than {row.max_length:,}: "
            f"it is text, whose values have no length{padded}"
        )
    elif row.name == "numeric" and "typmods" not in typed:
        column["typeName"] = deparse.type_name(EXACT_NUMERIC)
        change.notes.append(
            f"{name}: numeric is {EXACT_NUMERIC}: there, one without precision is numeric(18,6), and rounds"
        )
        change.replaced = TypeReplacement(row.name, EXACT_NUMERIC, ordered=True)


def _replace(name: str, column: Node, row: ColumnType, change: TypeChange) -> None:
    column["typeName"] = deparse.type_name(row.replacement)
    mark = BY_HAND if row.name in EXTENSION_TYPES else ""
    effect = f"; {row.effect}" if row.effect else ""
    change.notes.append(f"{mark}{name}: {row.displayed} is {row.replacement}{effect}")
    change.replaced = TypeReplacement(row.name, row.replacement, ordered=row.name in ("money", "oid", "name"))


def _convert_identity(name: str, column: Node, constraint: Node) -> Iterator[str]:
    options = with_cache_size(constraint.get("options", ()))
    if options != constraint.get("options"):
        constraint["options"] = options
        yield f"{name}: identity with CACHE {limits.SMALL_CACHE}"
    if not is_builtin(column["typeName"], "int8"):
        column["typeName"] = deparse.type_name("bigint")
        yield f"{name}: an identity is bigint"


def gives_value(constraint: Node) -> bool:
    """Say if a constraint of a column gives it a value: a default, an identity, a generation."""
    return constraint.get("contype") in _VALUE_KINDS
