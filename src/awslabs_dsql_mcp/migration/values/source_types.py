"""Types that the columns of a script's tables have in PostgreSQL, before any of them is converted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

Name = tuple[str, str]
"""A schema and a name; ``public`` where none is written."""

_RENAMING: Final = frozenset(("RenameStmt", "AlterObjectSchemaStmt"))
_CHANGING: Final = _RENAMING | {
    "CreateStmt",
    "CompositeTypeStmt",
    "CreateDomainStmt",
    "CreateEnumStmt",
    "AlterEnumStmt",
}
MAX_DEPTH: Final = 20
"""Most levels of composite types and domains within each other."""


@dataclass(frozen=True)
class SourceType:
    """A type as PostgreSQL has it.

    Attributes:
        name: As in ``pg_type``; ``[]`` for an array, ``()`` for a row, ``enum`` for one.
        modifiers: The numbers in parentheses behind it.
        element: Type of an array's elements.
        fields: Names and types of a row's fields.
        labels: Those of an enum.
    """

    name: str
    modifiers: tuple[int, ...] = ()
    element: "SourceType | None" = None
    fields: tuple[tuple[str, "SourceType"], ...] = ()
    labels: tuple[str, ...] = ()


@dataclass
class SourceTypes:
    """Tables, domains, enums and composite types, as the script makes and changes them.

    Attributes:
        tables: For a table, the types of its columns, in order.
        composites: For a composite type, its fields.
        domains: For a domain, its type.
        enums: For an enum, its labels.
    """

    tables: dict[Name, dict[str, Node]] = field(default_factory=dict[Name, dict[str, Node]])
    composites: dict[Name, list[tuple[str, Node]]] = field(default_factory=dict[Name, list[tuple[str, Node]]])
    domains: dict[Name, Node] = field(default_factory=dict[Name, Node])
    enums: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    _read: dict[Name, dict[str, SourceType]] = field(default_factory=dict[Name, dict[str, SourceType]])

    def take(self, kind: str, top: Node) -> None:
        """Take note of what a statement makes or changes."""
        if kind in _CHANGING:
            self._read.clear()
        if kind == "CreateStmt":
            self.tables[relation(top["relation"])] = dict(self._columns(top))
        elif kind == "CompositeTypeStmt":
            defined = [item["ColumnDef"] for item in top.get("coldeflist", ())]
            self.composites[relation(top["typevar"])] = [
                (c["colname"], _copy(c["typeName"])) for c in defined
            ]
        elif kind == "CreateDomainStmt":
            self.domains[qualified(strings(top["domainname"]))] = _copy(top["typeName"])
        elif kind == "CreateEnumStmt":
            self.enums[qualified(strings(top["typeName"]))] = strings(top.get("vals"))
        elif kind == "AlterEnumStmt":
            labels = self.enums.get(qualified(strings(top["typeName"])), [])
            labels[:] = [label for label in labels if label != top.get("oldVal")] + [top.get("newVal", "")]
        elif kind == "AlterTableStmt" and top.get("objtype", "OBJECT_TABLE") == "OBJECT_TABLE":
            for item in top.get("cmds", ()):
                self._alter(relation(top["relation"]), item["AlterTableCmd"])
        elif kind in _RENAMING:
            self._rename(top)

    def column(self, table: Name, name: str) -> SourceType | None:
        """Find a column's type; ``None`` for a column that the script does not make."""
        typed = self.tables.get(table, {}).get(name)
        return self.resolve(typed) if typed is not None else None

    def columns(self, table: Name) -> dict[str, SourceType]:
        """List the columns of a table with their types; empty for a table that the script does not make."""
        if table not in self._read:
            self._read[table] = {
                name: self.resolve(typed) for name, typed in self.tables.get(table, {}).items()
            }
        return self._read[table]

    def resolve(self, typed: Node, depth: int = 0) -> SourceType:
        """Read a ``TypeName``."""
        if "arrayBounds" in typed:
            inner = {key: value for key, value in typed.items() if key != "arrayBounds"}
            return SourceType("[]", element=self.resolve(inner, depth))
        names = strings(typed.get("names"))
        own = qualified(names)
        if depth < MAX_DEPTH and own in self.domains:
            return self.resolve(self.domains[own], depth + 1)
        if depth < MAX_DEPTH and own in self.composites:
            fields = tuple((name, self.resolve(inner, depth + 1)) for name, inner in self.composites[own])
            return SourceType("()", fields=fields)
        if own in self.enums:
            return SourceType("enum", labels=tuple(self.enums[own]))
        if (
            names[-1:]
            and names[-1].startswith("_")
            and qualified([*names[:-1], names[-1][1:]]) not in self.enums
        ):
            return SourceType(
                "[]", element=self.resolve({"names": [{"String": {"sval": names[-1][1:]}}]}, depth)
            )
        modifiers = (constant(item) for item in typed.get("typmods", ()))
        return SourceType(
            names[-1] if names else "", tuple(int(m) for m in modifiers if m and m.lstrip("-").isdigit())
        )

    def _columns(self, top: Node) -> Iterator[tuple[str, Node]]:
        for parent in top.get("inhRelations", ()):
            yield from self.tables.get(relation(parent["RangeVar"]), {}).items()
        for item in top.get("tableElts", ()):
            if "ColumnDef" in item and "typeName" in item["ColumnDef"]:
                yield item["ColumnDef"]["colname"], _copy(item["ColumnDef"]["typeName"])
            elif "TableLikeClause" in item:
                yield from self.tables.get(relation(item["TableLikeClause"]["relation"]), {}).items()

    def _alter(self, table: Name, command: Node) -> None:
        columns = self.tables.get(table)
        if columns is None:
            return
        defined: Node = command.get("def", {}).get("ColumnDef", {})
        read = self._read.pop(table, None)
        if command["subtype"] == "AT_AddColumn":
            added = columns.setdefault(defined["colname"], _copy(defined["typeName"]))
            if read is not None:  # scripts that add thousands of columns read the others once
                read.setdefault(defined["colname"], self.resolve(added))
                self._read[table] = read
        elif command["subtype"] == "AT_AlterColumnType":
            columns[command["name"]] = _copy(defined["typeName"])
        elif command["subtype"] == "AT_DropColumn":
            columns.pop(command["name"], None)

    def _rename(self, top: Node) -> None:
        if top.get("renameType", top.get("objectType")) in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
            old = qualified(strings(top["object"]["List"]["items"]))
            moved = (top.get("newschema", old[0]), top.get("newname", old[1]))
            for named in cast("list[dict[Name, object]]", [self.domains, self.composites, self.enums]):
                if old in named:
                    named[moved] = named.pop(old)
            return
        table = relation(top["relation"]) if "relation" in top else ("", "")
        columns = self.tables.get(table)
        if columns is None:
            return
        if top.get("renameType") == "OBJECT_COLUMN":
            self.tables[table] = {
                top["newname"] if name == top["subname"] else name: typed for name, typed in columns.items()
            }
        elif top.get("renameType") == "OBJECT_TABLE" or "newschema" in top:
            moved = (top.get("newschema", table[0]), top.get("newname", table[1]))
            self.tables[moved] = self.tables.pop(table)


def qualified(parts: Sequence[str]) -> Name:
    """Read a dotted name."""
    return (parts[-2] if len(parts) > 1 else "public", parts[-1] if parts else "")


def relation(node: Node) -> Name:
    """Read a ``RangeVar``."""
    return (node.get("schemaname", "public"), node["relname"])


def _copy(typed: Node) -> Node:
    """Keep a type as it is now: a conversion changes the tree."""
    return dict(typed)
