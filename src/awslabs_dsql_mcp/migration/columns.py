"""Columns converted to types that Aurora DSQL stores, with notes on what that changes.

The replacements are rows of `dsql.types`; enums, composite types and serials follow what AWS advises for
migrations from PostgreSQL.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.types import ARRAY, IDENTITY, SERIALS
from awslabs_dsql_mcp.dsql.unsupported import COLUMN_CLAUSES
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.definitions import column_type, has_cache_size
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

Name = tuple[str, str]
"""A schema and a name; ``public`` where none is written."""

_LABEL: Final = "varchar(63)"  # an enum's label has at most 63 bytes (PostgreSQL documentation, "Enumerated")
_INTEGERS: Final = frozenset({"int2", "int4", "int8"})


@dataclass
class UserTypes:
    """The types of one's own that a script makes.

    Attributes:
        enums: Their labels, in order.
        composites: The names of row types.
        domains: The names of domains.
    """

    enums: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    composites: set[Name] = field(default_factory=set[Name])
    domains: set[Name] = field(default_factory=set[Name])


def qualified_name(parts: Sequence[str]) -> Name:
    """Read a dotted name."""
    return (parts[-2] if len(parts) > 1 else "public", parts[-1])


def relation_name(relation: Node) -> Name:
    """Read a ``RangeVar``."""
    return (relation.get("schemaname", "public"), relation["relname"])


def convert_column(column: Node, types: UserTypes) -> Iterator[str]:
    """Change a ``ColumnDef`` into one that Aurora DSQL has, and say what was changed and why."""
    name: str = column["colname"]
    typed: Node | None = column.get("typeName")
    for clause in (row for key, row in COLUMN_CLAUSES.items() if column.pop(key, None)):
        yield f"{name}: {clause.spelled} left out{f'; {clause.effect}' if clause.effect else ''}"
    if typed is not None:
        yield from _convert_type(name, column, typed, types)
    for constraint in constraints(column, "CONSTR_IDENTITY"):
        yield from _convert_identity(name, column, constraint)


def constraints(column: Node, *kinds: str) -> list[Node]:
    """The constraints of a column that are of some kinds."""
    found = [cast("Node", item["Constraint"]) for item in column.get("constraints", ())]
    return [constraint for constraint in found if constraint.get("contype") in kinds]


def money_columns(defined: Iterable[Node]) -> Iterator[str]:
    """The names of the columns of type money."""
    for column in defined:
        if strings(column.get("typeName", {}).get("names"))[-1:] == ["money"]:
            yield column["colname"]


def is_integer(column: Node) -> bool:
    """Tell if a column holds whole numbers."""
    return strings(column["typeName"].get("names"))[-1] in _INTEGERS


def make_identity(column: Node, options: Sequence[Node] = (), *, always: bool = False) -> None:
    """Make a column a bigint identity.

    Args:
        column: Its ``ColumnDef``.
        options: Those of the sequence that it had, as ``DefElem`` nodes.
        always: Whether it is GENERATED ALWAYS.
    """
    column["typeName"] = deparse.type_name("bigint")
    kept = [item for item in column.get("constraints", ()) if not _gives_value(item["Constraint"])]
    identity = deparse.constraint(IDENTITY)
    own: Node = identity["Constraint"]
    own["generated_when"] = "a" if always else "d"
    if options:
        own["options"] = with_cache_size(options)
    column["constraints"] = [*kept, identity]


def with_cache_size(options: Sequence[Node]) -> list[Node]:
    """Make a sequence's options those of Aurora DSQL: bigint, owned by none, with the size of its cache."""
    left_out = ("as", "owned_by", "sequence_name")
    kept = [item for item in options if item["DefElem"].get("defname") not in left_out]
    sized = [item for item in kept if item["DefElem"].get("defname") == "cache"]
    if sized and has_cache_size(kept):
        return kept
    others = [item for item in kept if item not in sized]
    return [*others, {"DefElem": {"defname": "cache", "arg": {"Integer": {"ival": limits.SMALL_CACHE}}}}]


def replace_enums(node: object, types: UserTypes) -> bool:
    """Make each mention of an enum in a tree one of varchar.

    Returns:
        Whether there was any.
    """
    found = False
    for typed in _type_names(node):
        if qualified_name(strings(typed["names"])) in types.enums:
            arrayed = typed.get("arrayBounds")
            typed.update(deparse.type_name("varchar"))
            if arrayed:
                typed["arrayBounds"] = arrayed
            found = True
    return found


def _convert_type(name: str, column: Node, typed: Node, types: UserTypes) -> Iterator[str]:
    own = qualified_name(strings(typed.get("names")))
    if "arrayBounds" in typed:
        column["typeName"] = deparse.type_name("jsonb")
        _drop_default(column)
        yield f"NEEDS A HUMAN: {name}: an array, now jsonb without a default; write its values as JSON"
    elif own in types.enums:
        column["typeName"] = deparse.type_name(_LABEL)
        labels = ", ".join(map(deparse.literal, types.enums[own]))
        quoted = name.replace('"', '""')
        check = deparse.column(f'"{quoted}" text CHECK ("{quoted}" IN ({labels}))')["constraints"]
        column.setdefault("constraints", []).extend(check)
        yield f"{name}: enum {own[1]} is {_LABEL} with CHECK; it sorts by text, not by the enum's order"
    elif own in types.composites:
        column["typeName"] = deparse.type_name("jsonb")
        _drop_default(column)
        yield f"NEEDS A HUMAN: {name}: composite {own[1]}, now jsonb; write its values as JSON"
    elif own not in types.domains:
        yield from _convert_listed(name, column, typed)


def _convert_listed(name: str, column: Node, typed: Node) -> Iterator[str]:
    row = column_type(typed)
    if row is None:
        unknown = ".".join(strings(typed.get("names")))
        yield f"NEEDS A HUMAN: {name}: type {unknown} is unknown; the step fails unless it is a domain there"
    elif row.name in SERIALS:
        make_identity(column)
        yield f"{name}: {row.name} is {row.replacement}"
    elif not row.stored:
        column["typeName"] = deparse.type_name(row.replacement)
        yield f"{name}: {row.displayed} is {row.replacement}{f'; {row.effect}' if row.effect else ''}"


def convert_domain(domain: Node, types: UserTypes) -> Iterator[str]:
    """Change a ``CreateDomainStmt`` into one over a type that Aurora DSQL stores, and report changes."""
    types.domains.add(qualified_name(strings(domain["domainname"])))
    if domain.pop("collClause", None):
        yield "COLLATE left out; text sorts by byte"
    row = column_type(domain["typeName"])
    if row is not None and not row.stored and row.name not in SERIALS and row is not ARRAY:
        domain["typeName"] = deparse.type_name(row.replacement)
        yield f"over {row.replacement} instead of {row.displayed}"


def _convert_identity(name: str, column: Node, constraint: Node) -> Iterator[str]:
    options = with_cache_size(constraint.get("options", ()))
    if options != constraint.get("options"):
        constraint["options"] = options
        yield f"{name}: identity with CACHE 1"
    if strings(column["typeName"].get("names"))[-1] != "int8":
        column["typeName"] = deparse.type_name("bigint")
        yield f"{name}: an identity is bigint"


def _drop_default(column: Node) -> None:
    column["constraints"] = [
        item for item in column.get("constraints", ()) if not _gives_value(item["Constraint"])
    ]


def _gives_value(constraint: Node) -> bool:
    return constraint.get("contype") in ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED")


def _type_names(node: object) -> Iterator[Node]:
    waiting: list[Any] = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            fields = cast("Node", inner)
            if "names" in fields and "typemod" in fields:
                yield fields
            waiting += fields.values()
        elif isinstance(inner, list):
            waiting += cast("list[Any]", inner)


def sequence_named(call: Node) -> Name:
    """Tell the sequence that a call of nextval or setval is about."""
    argument = call["args"][0]
    text = constant(argument.get("TypeCast", {}).get("arg") or argument) or ""
    return qualified_name([part.strip('"') for part in text.split(".")])
