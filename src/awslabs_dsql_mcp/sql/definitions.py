"""Readers of definitions in a parse tree: columns, their types, keys, and the options of sequences."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.objects import GRANTED_OBJECTS, SYSTEM_SCHEMAS, object_kind
from awslabs_dsql_mcp.dsql.types import TYPES, ColumnType, of_column
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_KEYS: Final = ("CONSTR_PRIMARY", "CONSTR_UNIQUE")
_WHOLE_NUMBERS: Final = frozenset({"int2", "int4", "int8"})
_DEFERRABLE: Final = ("CONSTR_ATTR_DEFERRABLE", "CONSTR_ATTR_DEFERRED")


@dataclass(frozen=True)
class Key:
    """A primary key or unique constraint of a table that is made.

    Attributes:
        constraint: Its ``Constraint`` node.
        columns: The number of its columns.
        type_names: The ``TypeName`` nodes of those of its columns that the statement defines.
        deferrable: It is DEFERRABLE.
    """

    constraint: Node
    columns: int
    type_names: list[Node]
    deferrable: bool

    @property
    def declared_bytes(self) -> int:
        """The sum of the lengths that its columns of type char and varchar are declared with."""
        return sum(map(declared_length, self.type_names))


def column_type(type_name: Node) -> ColumnType | None:
    """Find the row of a column's type; ``None`` when it is not listed."""
    return of_column(strings(type_name.get("names")), array="arrayBounds" in type_name)


def builtin_type(type_name: Node) -> ColumnType | None:
    """Find the row of a type of PostgreSQL's own, or of its elements when it is an array."""
    names = strings(type_name.get("names"))
    own = len(names) == 1 or names[:1] == ["pg_catalog"]
    return TYPES.get(names[-1]) if own and names else None


def is_builtin(type_name: Node, name: str) -> bool:
    """Say whether a type is a certain one of PostgreSQL's own, named as in ``pg_type``."""
    found = builtin_type(type_name)
    return found is not None and found.name == name


def is_whole_number(type_name: Node) -> bool:
    """Say whether a type is smallint, integer or bigint: those that an identity can have."""
    found = builtin_type(type_name)
    return found is not None and found.name in _WHOLE_NUMBERS and "arrayBounds" not in type_name


def declared_length(type_name: Node) -> int:
    """Read the length that char or varchar was declared with; 0 for all else."""
    found = builtin_type(type_name)
    if found is None or found.max_length is None:
        return 0
    text = constant(next(iter(type_name.get("typmods", ())), None))
    return int(text) if text and text.isdecimal() else 0


def is_too_long(type_name: Node) -> bool:
    """Say whether a declared length is larger than the type's limit."""
    found = builtin_type(type_name)
    return bool(found and found.max_length and declared_length(type_name) > found.max_length)


def option(options: object, name: str) -> Node | None:
    """Find the last ``DefElem`` of a name in a list of options."""
    found = [item["DefElem"] for item in items(options) if item["DefElem"].get("defname") == name]
    return found[-1] if found else None


def has_cache_size(options: object) -> bool:
    """Say whether a sequence's options give a cache size that Aurora DSQL takes."""
    cache = option(options, "cache")
    return cache is not None and limits.is_cache_size(int(constant(cache.get("arg")) or 0))


def column_constraints(column: Node) -> list[Node]:
    """List the ``Constraint`` nodes of a ``ColumnDef``."""
    return [item["Constraint"] for item in items(column.get("constraints"))]


def table_elements(table: Node, kind: str) -> list[Node]:
    """List the nodes of a kind, ``ColumnDef`` or ``Constraint``, that a ``CreateStmt`` holds directly."""
    return [item[kind] for item in items(table.get("tableElts")) if kind in item]


def keys(table: Node) -> Iterator[Key]:
    """Iterate over the primary key and the unique constraints of a ``CreateStmt``."""
    columns = {column.get("colname", ""): column for column in table_elements(table, "ColumnDef")}
    for name, column in columns.items():
        yield from _keys(column_constraints(column), columns, [name])
    yield from _keys(table_elements(table, "Constraint"), columns)


def key_columns(table: Node, constraint: Node) -> list[str]:
    """List the columns of a key of a ``CreateStmt``, written with a column or with the table."""
    if named := strings(constraint.get("keys")):
        return named
    columns = table_elements(table, "ColumnDef")
    return [c["colname"] for c in columns if any(own is constraint for own in column_constraints(c))]


def _keys(constraints: list[Node], columns: dict[str, Node], own: list[str] | None = None) -> Iterator[Key]:
    for place, constraint in enumerate(constraints):
        if constraint.get("contype") in _KEYS:
            names = own or strings(constraint.get("keys"))
            known = [columns[name].get("typeName", {}) for name in names if name in columns]
            behind = constraints[place + 1].get("contype") if own and place + 1 < len(constraints) else None
            yield Key(constraint, len(names), known, "deferrable" in constraint or behind in _DEFERRABLE)


def is_grantable(grant: Node) -> bool:
    """Say whether a ``GrantStmt`` is about objects on which Aurora DSQL has privileges."""
    kind = object_kind(grant)
    if kind != "SCHEMA" or grant.get("targtype", "ACL_TARGET_OBJECT") != "ACL_TARGET_OBJECT":
        return kind in GRANTED_OBJECTS
    return SYSTEM_SCHEMAS.isdisjoint(strings(grant["objects"]))


def items(nodes: object) -> list[Node]:
    """Give a list of nodes that may be absent."""
    return cast("list[Node]", nodes or [])
