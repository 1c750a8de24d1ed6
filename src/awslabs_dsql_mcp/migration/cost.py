"""Reads and writes of a migration's steps, as far as the script and the catalog's estimates tell.

Rows that the script brings count with the size of their text, entries of indexes with the average width of
their columns where the catalog has one, else with the least. A change that finds its rows itself is one
transaction: it counts with the 3,000 rows that it may change at most, or those that its table has. What reads
a table of which nobody knows how large it is, or calls functions, is named instead.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.catalog.estimates import TableEstimate
from awslabs_dsql_mcp.catalog.jobs import JOB_KINDS
from awslabs_dsql_mcp.dsql.dpu import Work, batches, counted, transaction
from awslabs_dsql_mcp.dsql.limits import MAX_ROWS
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES
from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.migration.rules.tables.columns import constraints
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.identifiers import WRITTEN_NAME, parse_name, qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings
from awslabs_dsql_mcp.text import pluralize

_INSERT: Final = re.compile(rf"\s*INSERT\s+INTO\s+({WRITTEN_NAME})[^']*?\bVALUES\b", re.IGNORECASE)
_DO_UPDATE: Final = re.compile(r"\bDO\s+UPDATE\s+SET\b", re.IGNORECASE)
_MAX_NAMED: Final = 3


@dataclass
class _Table:
    """A table at some place of the script.

    Attributes:
        rows: Its rows; ``None`` if nobody knows.
        bytes: Their size, each as it is counted.
        indexes: Columns of an entry of each index besides the primary key's.
        widths: Average bytes of its columns, where they are known.
    """

    rows: float | None = 0.0
    bytes: float = 0.0
    indexes: tuple[frozenset[str], ...] = ()
    widths: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def row(self) -> float:
        """Average size of a row, as it is counted."""
        return self.bytes / self.rows if self.rows else float(MIN_ROW_BYTES)

    @property
    def entries(self) -> float:
        """Size of a row's entries in its indexes, as they are counted."""
        return counted(self._width(columns) for columns in self.indexes)

    def entry(self, columns: Collection[str]) -> float:
        """Size of an entry of these columns, as it is counted."""
        return counted([self._width(columns)])

    def _width(self, columns: Collection[str]) -> float:
        return sum(self.widths.get(column, 0.0) for column in columns)


@dataclass(frozen=True)
class PlanCost:
    """What the steps from one on cost.

    Attributes:
        work: What is counted.
        at_most: Number of changes that count with the most rows they may have.
        unknown: Numbers of the steps of which a part is not counted.
        tables: Tables that they read, of which nobody knows how many rows they have.
        functions: Functions that they call, of which nobody knows what they do.
    """

    work: Work
    at_most: int = 0
    unknown: tuple[int, ...] = ()
    tables: tuple[Name, ...] = ()
    functions: tuple[str, ...] = ()

    @property
    def uncounted(self) -> str:
        """What is not counted, as a clause; empty for nothing."""
        if not self.unknown:
            return ""
        shown = ", ".join(map(str, self.unknown[:_MAX_NAMED]))
        more = f" and {len(self.unknown) - _MAX_NAMED} more" if len(self.unknown) > _MAX_NAMED else ""
        steps = "steps" if len(self.unknown) > 1 else "step"
        what = [f"the rows of {_listed(self._names)}"] if self.tables else []
        what += [_listed([f"{name}()" for name in self.functions])] if self.functions else []
        return f"{' and '.join(what) or 'what is called'} in {steps} {shown}{more}"

    @property
    def remedy(self) -> str:
        """What helps to count it, as an imperative clause; empty for nothing."""
        ways = list[str]()
        if self.tables:
            each = "; ".join(f"ANALYZE {name}" for name in self._names[:_MAX_NAMED])
            ways.append(f"let the operator run {each}")
        if self.functions or not self.tables:
            ways.append("leave out the calls of functions")
        return " and ".join(ways) if self.unknown else ""

    @property
    def _names(self) -> list[str]:
        return [qualified_name(*name) for name in self.tables]

    @property
    def note(self) -> str:
        """Sentence on the changes that count with the most; empty for none."""
        what = pluralize(self.at_most, "change")
        return f"{what} of unknown size: up to {MAX_ROWS:,} rows each are counted." if self.at_most else ""


def tables_before(plan: MigrationPlan) -> list[Name]:
    """List the tables that a plan uses and does not make."""
    walk = _Walk({})
    for number, step in enumerate(plan.steps, 1):
        walk.take(number, step)
    return list(walk.foreign)


def plan_cost(plan: MigrationPlan, known: Mapping[Name, TableEstimate], first: int = 1) -> PlanCost:
    """Count what the steps of a plan cost.

    Args:
        plan: The plan.
        known: What is estimated of the tables that it does not make.
        first: Number of the first step that counts; those before it are applied.
    """
    walk, work = _Walk(known), Work()
    for number, step in enumerate(plan.steps, 1):
        if number == first:
            walk.unknown.clear()
            walk.unsized.clear()
            walk.called.clear()
            walk.at_most = 0
        cost = walk.take(number, step)
        work += cost if number >= first else Work()
    if first > len(plan.steps):
        return PlanCost(Work())
    left = walk.unknown
    return PlanCost(work, walk.at_most, tuple(left), tuple(walk.unsized), tuple(walk.called))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"{', '.join(names[:_MAX_NAMED])}{more}"


@dataclass
class _Walk:
    """The tables of a script, statement by statement."""

    known: Mapping[Name, TableEstimate]
    tables: dict[Name, _Table] = field(default_factory=dict[Name, _Table])
    foreign: dict[Name, None] = field(default_factory=dict[Name, None])
    unknown: dict[int, None] = field(default_factory=dict[int, None])
    unsized: dict[Name, None] = field(default_factory=dict[Name, None])
    called: dict[str, None] = field(default_factory=dict[str, None])
    at_most: int = 0

    def take(self, number: int, step: Step) -> Work:
        """Go on by a step, and count it."""
        if any(statement.user_functions for statement in step.statements):
            self.unknown[number] = None
            for query in step.queries:
                self.called.update((name, None) for tree in trees(query) for name in _functions(tree))
        if step.is_ddl:
            (query,) = step.queries
            return sum((self._define(number, step, tree) for tree in trees(query)), transaction(1, 1))
        read = written = 0.0
        counts = step.counts or (step.rows,)
        for query, rows in zip(step.queries, counts, strict=True):
            one = self._insert(query, rows) if rows else self._change(number, query)
            read, written = read + one[0], written + one[1]
        return transaction(read, written)

    def _of(self, name: Name) -> _Table:
        if name not in self.tables:
            self.foreign[name] = None
            of = self.known.get(name, TableEstimate())
            self.tables[name] = _Table(of.rows, (of.rows or 0) * counted([of.row]), of.indexes, of.widths)
        return self.tables[name]

    def _insert(self, query: str, rows: int) -> tuple[float, float]:
        """Count rows that are written down: bytes that are read and written."""
        found = _INSERT.match(query)
        if found is None:
            (tree,) = trees(query)
            name, start = relation_name(tree.root["relation"]), 0
        else:
            named = parse_name(found[1])
            name, start = (named.schema or "public", named.table), found.end()
        may_update = _DO_UPDATE.search(query) is not None
        return self._add(self._of(name), rows, counted([(len(query) - start) / rows]), may_update=may_update)

    @staticmethod
    def _add(table: _Table, rows: float, size: float, *, may_update: bool) -> tuple[float, float]:
        """Add rows; of one that is there and is set, an entry of each index goes as well, as in an UPDATE."""
        entries = table.entries + (len(table.indexes) * MIN_ROW_BYTES if may_update else 0)
        if table.rows is not None:
            table.rows, table.bytes = table.rows + rows, table.bytes + rows * size
        return rows * MIN_ROW_BYTES, rows * (size + entries)

    def _change(self, number: int, query: str) -> tuple[float, float]:
        """Count a change that finds its rows itself: bytes that are read and written."""
        read = written = 0.0
        for tree in trees(query):
            named = [place.node for place in tree.find("RangeVar")]
            named += [tree.root["relation"]] if tree.kind in ("UpdateStmt", "DeleteStmt") else []
            for name in dict.fromkeys(map(relation_name, named)):
                read += self._scan(number, name)
            if tree.kind not in ("InsertStmt", "UpdateStmt", "DeleteStmt"):
                continue
            table = self._of(relation_name(tree.root["relation"]))
            self.at_most += 1
            if tree.kind == "InsertStmt":
                more = self._add(table, MAX_ROWS, MIN_ROW_BYTES, may_update=bool(_DO_UPDATE.search(query)))
            else:
                rows = MAX_ROWS if table.rows is None else min(table.rows, MAX_ROWS)
                # How a row or an entry goes is not published, so it has the least.
                comes = 0 if tree.kind == "DeleteStmt" else table.row + table.entries
                gone = len(table.indexes) + (tree.kind == "DeleteStmt")
                more = rows * MIN_ROW_BYTES, rows * (comes + gone * MIN_ROW_BYTES)
            read, written = read + more[0], written + more[1]
        return read, written

    def _scan(self, number: int, name: Name) -> float:
        table = self._of(name)
        if table.rows is None:
            self.unknown[number] = self.unsized[name] = None
        return table.bytes

    def _define(self, number: int, step: Step, tree: Tree) -> Work:
        """Go on by a definition; count what it does with rows."""
        top = tree.root
        if tree.kind == "RenameStmt" and "relation" in top and "subname" not in top:
            old = relation_name(top["relation"])
            self.tables[old[0], top["newname"]] = self._of(old)
            return Work()
        if "relation" not in top or "relname" not in top["relation"]:
            return Work()
        name = relation_name(top["relation"])
        if tree.kind == "CreateStmt" and not top.get("if_not_exists"):
            self.tables[name] = _Table(indexes=tuple(_unique(top.get("tableElts", ()))))
            return Work()
        if step.statements[0].kind not in JOB_KINDS:
            return Work()
        table = self._of(name)
        self._scan(number, name)
        if tree.kind != "IndexStmt":
            return batches(table.rows or 0, MAX_ROWS, table.row, 0)
        parts = [*top.get("indexParams", ()), *top.get("indexIncludingParams", ())]
        columns = frozenset(part["IndexElem"].get("name", "") for part in parts)
        table.indexes = (*table.indexes, columns)
        return batches(table.rows or 0, MAX_ROWS, table.row, table.entry(columns))


def _functions(tree: Tree) -> Iterator[str]:
    """Iterate over the functions of a statement that are neither PostgreSQL's nor Aurora DSQL's."""
    for place in tree.find("FuncCall"):
        name = strings(place.node.get("funcname"))
        if functions.is_user_defined(name):
            yield ".".join(map(quote_identifier, name))


def _unique(elements: Sequence[Node]) -> Iterator[frozenset[str]]:
    """Iterate over the UNIQUE constraints of a table, which have an index each: their columns."""
    for element in elements:
        column = element.get("ColumnDef", {})
        for _ in constraints(column, "CONSTR_UNIQUE"):
            yield frozenset({str(column.get("colname", ""))})
        constraint = element.get("Constraint", {})
        if constraint.get("contype") == "CONSTR_UNIQUE":
            yield frozenset(strings(constraint.get("keys")))
