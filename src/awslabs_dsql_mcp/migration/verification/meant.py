"""Rows and objects that a plan is meant to leave on the cluster, to be compared with what is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.migration.script.mentions import Name, qualified_name, relation_name
from awslabs_dsql_mcp.migration.verification import statements
from awslabs_dsql_mcp.migration.verification.applied import AppliedCheck, check_for
from awslabs_dsql_mcp.migration.verification.cascades import dropped
from awslabs_dsql_mcp.migration.verification.definitions import Definitions
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant, strings

_ACTIONS: Final = ("c", "n", "d")  # CASCADE, SET NULL, SET DEFAULT
_TIMES: Final = frozenset(("now", "today", "tomorrow", "yesterday"))  # read as the time of the INSERT


@dataclass(frozen=True)
class Batch:
    """Rows of one INSERT.

    Attributes:
        step: Number of its step, from 1.
        settings: Statements that set how its literals are read.
        columns: Names of its columns; empty for all of the table, in their order.
        rows: Expressions, one for each column.
    """

    step: int
    settings: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Node]]

    def computed(self) -> set[int]:
        """Positions of columns with a value that is no constant."""
        return {at for row in self.rows for at, value in enumerate(row) if not _is_constant(value)}


@dataclass
class MeantTable:
    """A table that the plan fills.

    Attributes:
        name: Its schema and name.
        batches: Rows that it inserts.
        is_new: The plan makes the table, so that no other rows are there.
        changed: Columns that an UPDATE changes.
        unknown: The reason why its rows are not known; empty if they are.
    """

    name: Name
    batches: list[Batch] = field(default_factory=list[Batch])
    is_new: bool = False
    changed: set[str] = field(default_factory=set[str])
    unknown: str = ""


@dataclass(frozen=True)
class MeantObject:
    """An object of the catalog that a step makes or drops.

    Attributes:
        step: Number of the step, from 1.
        title: The step as a short text.
        check: The query that shows it.
        is_defined: `Meant.definitions` has it.
    """

    step: int
    title: str
    check: AppliedCheck
    is_defined: bool = False


@dataclass
class Meant:
    """What a plan is meant to leave.

    Attributes:
        tables: Tables that it fills, by name.
        objects: Objects, by the names that the catalog is asked for.
        definitions: Definitions of what it makes.
        unchecked: Steps of DDL that the catalog cannot show.
    """

    tables: dict[Name, MeantTable] = field(default_factory=dict[Name, MeantTable])
    objects: dict[tuple[object, ...], MeantObject] = field(
        default_factory=dict[tuple[object, ...], MeantObject]
    )
    definitions: Definitions = field(default_factory=Definitions)
    unchecked: list[int] = field(default_factory=list[int])

    def table(self, name: Name) -> MeantTable:
        """Give a table, which is added if it is not known yet."""
        return self.tables.setdefault(name, MeantTable(name))

    def forget(self, name: Name) -> None:
        """Forget a relation that is dropped or renamed, and what belongs to it."""
        self.tables.pop(name, None)
        for key in [key for key in self.objects if key[:2] == name]:
            del self.objects[key]


def meant_by(plan: MigrationPlan) -> Meant:
    """Collect what a plan is meant to leave."""
    meant = Meant()
    indexes: dict[Name, list[Name]] = {}
    for number, step in enumerate(plan.steps, 1):
        is_defined = False
        for query in step.queries:
            for tree in trees(query):
                _apply(meant, indexes, tree, number, step)
                is_defined = statements.apply(tree, meant.definitions, step.line)
        if step.rows is None and step.statements[0].category == "ddl":
            _add_object(meant, number, step, is_defined=is_defined)
    return meant


def _add_object(meant: Meant, number: int, step: Step, *, is_defined: bool) -> None:
    check = check_for(step.queries[0])
    (tree,) = trees(step.queries[0])
    if tree.kind == "AlterTableStmt" and tree.root.get("missing_ok") and not is_defined:
        meant.unchecked.append(number)  # its table may not be there
    elif check is not None and check.query is not None:
        if check.expect_absent and len(check.query.params) > 2:  # noqa: PLR2004 - a part of a relation
            meant.objects.pop(check.query.params, None)
        meant.objects[check.query.params] = MeantObject(number, step.title, check, is_defined)
    elif not is_defined:
        meant.unchecked.append(number)


def _apply(meant: Meant, indexes: dict[Name, list[Name]], tree: Tree, number: int, step: Step) -> None:
    top = tree.root
    relation: Node = top.get("relation", {})
    name = relation_name(relation) if "relname" in relation else ("", "")
    if tree.kind == "CreateStmt" and not top.get("if_not_exists"):
        meant.table(name).is_new = True
    elif tree.kind == "IndexStmt" and "idxname" in top:
        indexes.setdefault(name, []).append((name[0], top["idxname"]))
    elif tree.kind == "InsertStmt":
        _insert(meant.table(name), top, number, step, _columns_then(meant, name))
    elif tree.kind == "UpdateStmt":
        meant.table(name).changed |= {item["ResTarget"].get("name", "") for item in top.get("targetList", ())}
        _cascade(meant, name, step.line, "fk_upd_action")
    elif tree.kind == "DeleteStmt":
        meant.table(name).unknown = f"the DELETE of line {step.line} changes its rows"
        _cascade(meant, name, step.line, "fk_del_action")
    elif tree.kind in ("RenameStmt", "AlterObjectSchemaStmt"):
        _rename(meant, indexes, top, f"line {step.line} renames it or a part of it")
    else:
        _drop_columns(meant, name, top, step.line)
        _drop(meant, indexes, top)
        for item in top.get("roles", ()) if tree.kind == "DropRoleStmt" else ():
            meant.objects.pop((item["RoleSpec"].get("rolename"),), None)


def _columns_then(meant: Meant, name: Name) -> tuple[str, ...]:
    """Name the columns that a table has at this place; none if the plan does not make it."""
    table = meant.definitions.relations.get(name)
    return tuple(table.columns) if table is not None and table.is_whole and not table.unknown else ()


def _drop_columns(meant: Meant, name: Name, top: Node, line: int) -> None:
    """Take rows as unknown whose columns are those in the order of the table, where one of these goes."""
    forms = [item["AlterTableCmd"]["subtype"] for item in top.get("cmds", ())]
    if "AT_DropColumn" in forms and name in meant.tables:
        table = meant.table(name)
        if not all(batch.columns for batch in table.batches):
            table.unknown = f"line {line} drops a column, and an INSERT names no columns"


def _drop(meant: Meant, indexes: dict[Name, list[Name]], top: Node) -> None:
    """Forget what is dropped, and what goes with it."""
    gone = dropped(meant.definitions, top)
    for name in (*_dropped(top), *gone.relations, *gone.functions):
        _forget(meant, indexes, name)
    for schema in gone.schemas:
        _forget_within(meant, schema)


def _cascade(meant: Meant, name: Name, line: int, action: str) -> None:
    """Take rows as changed that a change of a table's rows reaches by the actions of foreign keys.

    Those of tables that the plan does not make are unknown: a DELETE there may reach any other such table.
    """
    reached: dict[Name, str] = {name: action}
    waiting = [(name, action)]
    while waiting:
        parent, field = waiting.pop()
        for child, relation in meant.definitions.relations.items():
            for key in (one for one in relation.constraints if "pktable" in one):
                does = key.get(field, "a")
                if relation_name(key["pktable"]) != parent or does not in _ACTIONS:
                    continue
                then = "fk_del_action" if (field, does) == ("fk_del_action", "c") else "fk_upd_action"
                if reached.get(child) not in (then, "fk_del_action"):
                    reached[child] = then
                    waiting.append((child, then))
    is_known = meant.table(name).is_new or action == "fk_upd_action"
    for table in list(meant.tables.values()):
        if not table.batches or table.name == name or table.unknown:
            continue
        if table.name in reached:
            table.unknown = f"what line {line} changes reaches its rows by a foreign key"
        elif not is_known and not table.is_new:
            table.unknown = f"what line {line} deletes may reach its rows by a foreign key"


def _forget(meant: Meant, indexes: dict[Name, list[Name]], name: Name) -> None:
    for gone in (name, *indexes.pop(name, ())):
        meant.forget(gone)


def _rename(meant: Meant, indexes: dict[Name, list[Name]], top: Node, why: str) -> None:
    """Forget what gets another name, and what was dropped under that one."""
    if top.get("renameType") in ("OBJECT_SCHEMA", "OBJECT_ROLE"):
        _forget_within(meant, top["subname"])
    elif "relation" in top:
        schema, name = relation_name(top["relation"])
        meant.forget((top.get("newschema", schema), top.get("newname", name)))
        if (schema, name) in meant.tables:
            _forget(meant, indexes, (schema, name))
            meant.table((schema, name)).unknown = why


def _forget_within(meant: Meant, schema: str) -> None:
    """Forget a schema and what is in it."""
    for key in [key for key in meant.objects if key[0] == schema]:
        del meant.objects[key]
    for table in [table for table in meant.tables if table[0] == schema]:
        del meant.tables[table]


def _dropped(top: Node) -> Iterator[Name]:
    for item in top.get("objects", ()) if "removeType" in top else ():
        if "List" in item:
            yield qualified_name(strings(item["List"]["items"]))


def _insert(table: MeantTable, top: Node, number: int, step: Step, names: tuple[str, ...]) -> None:
    values: list[Node] = top.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists", [])
    if not values or "onConflictClause" in top or "withClause" in top:
        made = "INSERT … SELECT" if "selectStmt" in top else "INSERT … DEFAULT VALUES"
        what = "INSERT … ON CONFLICT" if "onConflictClause" in top else made
        table.unknown = f"the {what} of line {step.line} computes its rows"
        return
    rows = [row["List"]["items"] for row in values]
    columns = tuple(item["ResTarget"].get("name", "") for item in top.get("cols", ()))
    columns = columns or names[: len(rows[0])]
    table.batches.append(Batch(number, step.settings, columns, rows))


def _is_constant(value: Node) -> bool:
    inner: Node = value.get("TypeCast", {}).get("arg", value)
    return "A_Const" in inner and str(constant(inner)).strip().lower() not in _TIMES
