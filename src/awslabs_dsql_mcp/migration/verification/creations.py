"""Objects that the steps of a plan make, and steps that would change data once more if they ran again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.script.mentions import object_name, qualified_name, relation_name
from awslabs_dsql_mcp.migration.verification.applied import check_tree
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree

Kind = Literal["relation", "schema", "type", "role", "column", "constraint"]

_KINDS: Final[dict[str, Kind]] = {
    "CreateStmt": "relation",
    "ViewStmt": "relation",
    "CreateSeqStmt": "relation",
    "IndexStmt": "relation",
    "CreateSchemaStmt": "schema",
    "CreateDomainStmt": "type",
    "CreateRoleStmt": "role",
    "AT_AddColumn": "column",
    "AT_AddConstraint": "constraint",
}
_GONE: Final[dict[str, Kind]] = {
    **dict.fromkeys(("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"), "relation"),
    "OBJECT_SCHEMA": "schema",
    **dict.fromkeys(("OBJECT_DOMAIN", "OBJECT_TYPE"), "type"),
    "OBJECT_ROLE": "role",
    "AT_DropColumn": "column",
    "AT_DropConstraint": "constraint",
    "OBJECT_COLUMN": "column",
    "OBJECT_TABCONSTRAINT": "constraint",
}
_CHANGES: Final = ("InsertStmt", "UpdateStmt", "MergeStmt")


@dataclass(frozen=True)
class Creation:
    """An object that a step makes.

    Attributes:
        step: Number of the step, from 1.
        kind: Kind of object.
        name: Its name, behind those of its schema and table.
        optional: IF NOT EXISTS: the step does nothing if the object is there.
    """

    step: int
    kind: Kind
    name: tuple[str, ...]
    optional: bool

    @property
    def title(self) -> str:
        """Name and step, for the reader."""
        noun = "" if self.kind == "relation" else f"{self.kind} "
        return f"{noun}{'.'.join(self.name)} (step {self.step})"


@dataclass
class _Gone:
    """Names that earlier steps of a plan have made free.

    Attributes:
        names: Kinds with names.
        some: Something was dropped, and its indexes with it.
    """

    names: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    some: bool = False

    def has(self, kind: Kind, name: tuple[str, ...]) -> bool:
        """Return true if an object cannot be there: it, its table or its schema is dropped or renamed."""
        return bool({(kind, *name), ("schema", name[0]), ("relation", *name[:2])} & self.names)


def creations(plan: MigrationPlan) -> Iterator[Creation]:
    """Find the objects that a plan makes and that nothing in it drops before."""
    gone = _Gone()
    for number, step in enumerate(plan.steps, 1):
        if step.statements[0].category != "ddl":
            continue
        for tree in trees(step.queries[0]):
            made = _made(tree, number)
            if made is not None and not gone.has(made.kind, made.name):
                if not (gone.some and tree.kind == "IndexStmt"):
                    yield made
            elif made is None:
                for name in _freed(tree):
                    gone.names.add(name)
                    gone.some = True


def repeated_step(plan: MigrationPlan) -> int | None:
    """Find the first step that changes data of a table that the plan does not make; ``None`` without one.

    DELETE, and INSERT with ON CONFLICT, do nothing more when they run again.
    """
    made: set[tuple[str, ...]] = set()
    for number, step in enumerate(plan.steps, 1):
        for query in step.queries:
            for tree in trees(query):
                if tree.kind == "CreateStmt" and not tree.root.get("if_not_exists"):
                    made.add(relation_name(tree.root["relation"]))
                elif (
                    tree.kind in _CHANGES
                    and "onConflictClause" not in tree.root
                    and relation_name(tree.root["relation"]) not in made
                ):
                    return number
    return None


def _kind_gone(name: object) -> Kind | None:
    return _GONE.get(str(name))


def _command(tree: Tree) -> Node:
    commands: list[Node] = tree.root.get("cmds", [])
    return commands[0].get("AlterTableCmd", {}) if commands else {}


def _made(tree: Tree, step: int) -> Creation | None:
    command = _command(tree)
    kind = _KINDS.get(str(command.get("subtype", tree.kind)))
    check = check_tree(tree) if kind is not None else None
    if kind is None or check is None or check.query is None:
        return None
    name = tuple(str(part) for part in check.query.params if part is not None)
    optional = bool(tree.root.get("if_not_exists") or command.get("missing_ok"))
    return Creation(step, kind, name, optional) if name else None


def _freed(tree: Tree) -> Iterator[tuple[str, ...]]:
    """Find the names that a statement drops or gives to nobody."""
    top, command = tree.root, _command(tree)
    if tree.kind == "DropRoleStmt":
        yield from (("role", str(item["RoleSpec"].get("rolename"))) for item in top["roles"])
    for item in top.get("objects", ()) if tree.kind == "DropStmt" else ():
        kind, parts = _kind_gone(top["removeType"]), object_name(item)
        if kind is not None and parts:
            yield (kind, *(parts if kind == "schema" else qualified_name(parts)))
    if "relation" in top and tree.kind in ("RenameStmt", "AlterObjectSchemaStmt"):
        kind = _kind_gone(top.get("renameType") or top.get("objectType", "OBJECT_TABLE"))
        part = [top["subname"]] if "subname" in top else []
        if kind is not None:
            yield (kind, *relation_name(top["relation"]), *part)
    if (kind := _kind_gone(command.get("subtype"))) is not None:
        yield (kind, *relation_name(top["relation"]), str(command.get("name")))
