"""Objects that DROP … CASCADE takes along, in other schemas too (PostgreSQL, "Dependency Tracking")."""

from dataclasses import dataclass, field

from awslabs_dsql_mcp.migration.script.mentions import (
    Mentions,
    Name,
    mentions,
    nested,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.migration.verification.definitions import Definitions
from awslabs_dsql_mcp.sql.definitions import items
from awslabs_dsql_mcp.sql.parse_tree import Node, strings


@dataclass
class Gone:
    """What a DROP takes, with what depends on it.

    Attributes:
        schemas: Schemas, with all that is in them.
        relations: Tables, views, sequences, and the types of their rows.
        functions: Functions, by name.
    """

    schemas: set[str] = field(default_factory=set[str])
    relations: set[Name] = field(default_factory=set[Name])
    functions: set[Name] = field(default_factory=set[Name])

    def has(self, found: Mentions) -> bool:
        """Tell if something is gone that is mentioned."""
        types = (qualified_name(strings(one.get("names")) or [""]) for one in found.types)
        relations = {*map(relation_name, found.relations), *types, *(name for name, _ in found.sequences)}
        called = {qualified_name(strings(call["funcname"])) for call in found.calls}
        return not (
            relations.isdisjoint(self.relations)
            and called.isdisjoint(self.functions)
            and self.schemas.isdisjoint(schema for schema, _ in relations | called)
        )


def dropped(found: Definitions, top: Node) -> Gone:
    """Find what DROP or ALTER TABLE … DROP COLUMN takes; without CASCADE what it names alone."""
    gone, kind = Gone(), top.get("removeType")
    named = {qualified_name(object_name(item)) for item in items(top.get("objects"))} if kind else set[Name]()
    if kind == "OBJECT_SCHEMA":
        gone.schemas.update(strings(top["objects"]))
    elif kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_SEQUENCE"):
        gone.relations |= named
    elif kind in ("OBJECT_FUNCTION", "OBJECT_ROUTINE"):
        gone.functions |= named
    columns = [one for item in items(top.get("cmds")) if _cascades(one := item["AlterTableCmd"])]
    for column in columns:
        _take_readers(found, gone, relation_name(top["relation"]), column["name"])
    while (columns or _cascades(top)) and _take_along(found, gone):
        pass
    return gone


def _cascades(node: Node) -> bool:
    return node.get("behavior") == "DROP_CASCADE" and node.get("subtype", "AT_DropColumn") == "AT_DropColumn"


def _take_readers(found: Definitions, gone: Gone, table: Name, column: str) -> None:
    """Add the views, and the functions with a parsed body, that read a column of a table."""
    for name, relation in found.relations.items():
        if relation.query is not None and _reads(relation.query, table, column):
            gone.relations.add(name)
    gone.functions |= {
        name for (name, _), top in found.functions.items() if _reads(top.get("sql_body"), table, column)
    }


def _reads(query: object, table: Name, column: str) -> bool:
    """Tell if a query reads a column of a table, or all of its columns."""
    read = mentions(query)
    return table in map(relation_name, read.relations) and (
        column in read.columns or any("A_Star" in fields for fields in nested(query))
    )


def _take_along(found: Definitions, gone: Gone) -> bool:
    """Add the views and functions that depend on what is gone; false if there are no more."""
    views = {
        name
        for name, relation in found.relations.items()
        if relation.query is not None and gone.has(mentions(relation.query))
    }
    functions = {
        name
        for (name, _), top in found.functions.items()
        if gone.has(mentions([top.get("parameters"), top.get("returnType"), top.get("sql_body")]))
    }
    more = not (views <= gone.relations and functions <= gone.functions)
    gone.relations |= views
    gone.functions |= functions
    return more


def cascade(found: Definitions, gone: Gone) -> None:
    """Take out of definitions what is gone, and the foreign keys and defaults of others that need it."""
    if not (gone.schemas or gone.relations or gone.functions):
        return
    for name in gone.relations:
        found.relations.pop(name, None)
    for key in [key for key in found.functions if key[0] in gone.functions]:
        del found.functions[key]
    for relation in found.relations.values():
        relation.constraints = [
            one for one in relation.constraints if not gone.has(mentions(one.get("pktable")))
        ]
        for name, column in relation.columns.items():
            if column.get("default") and gone.has(mentions(column["default"])):
                relation.set_default(name, None)
