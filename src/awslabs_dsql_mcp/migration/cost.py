"""What the steps of a migration read and write, as far as the script and the catalog's estimates tell.

Rows that the script brings count with the size of their text. A change that finds its rows itself is one
transaction: it counts with the 3,000 rows that it may change at most, or those that its table has. What reads
a table of which nobody knows how large it is, or calls functions, is named instead.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.catalog.estimates import TableEstimate
from awslabs_dsql_mcp.catalog.jobs import JOB_KINDS
from awslabs_dsql_mcp.dsql.dpu import Work, batches, counted, transaction
from awslabs_dsql_mcp.dsql.limits import MAX_ROWS
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES
from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.migration.rules.columns import constraints
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.identifiers import parse_name
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree
from awslabs_dsql_mcp.text import pluralize

_PART: Final = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_INSERT: Final = re.compile(rf"\s*INSERT\s+INTO\s+({_PART}(?:\.{_PART})?)[^']*?\bVALUES\b", re.IGNORECASE)
_MAX_NAMED: Final = 3


@dataclass
class _Table:
    """A table at some place of the script.

    Attributes:
        rows: Its rows; ``None`` if nobody knows.
        bytes: Their size, each as it is counted.
        indexes: Its indexes besides the primary key's.
    """

    rows: float | None = 0.0
    bytes: float = 0.0
    indexes: int = 0

    @property
    def row(self) -> float:
        """Average size of a row, as it is counted."""
        return self.bytes / self.rows if self.rows else float(MIN_ROW_BYTES)


@dataclass(frozen=True)
class PlanCost:
    """What the steps from one on cost.

    Attributes:
        work: What is counted.
        at_most: Number of changes that count with the most rows they may have.
        unknown: Numbers of the steps of which a part is not counted.
    """

    work: Work
    at_most: int = 0
    unknown: tuple[int, ...] = ()

    @property
    def uncounted(self) -> str:
        """What is not counted, as a clause; empty for nothing."""
        if not self.unknown:
            return ""
        shown = ", ".join(map(str, self.unknown[:_MAX_NAMED]))
        more = f" and {len(self.unknown) - _MAX_NAMED} more" if len(self.unknown) > _MAX_NAMED else ""
        steps = "steps" if len(self.unknown) > 1 else "step"
        return f"tables and functions of unknown size in {steps} {shown}{more}"

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
            walk.at_most = 0
        cost = walk.take(number, step)
        work += cost if number >= first else Work()
    return PlanCost(work, walk.at_most, tuple(walk.unknown)) if first <= len(plan.steps) else PlanCost(Work())


@dataclass
class _Walk:
    """The tables of a script, statement by statement."""

    known: Mapping[Name, TableEstimate]
    tables: dict[Name, _Table] = field(default_factory=dict[Name, _Table])
    foreign: dict[Name, None] = field(default_factory=dict[Name, None])
    unknown: dict[int, None] = field(default_factory=dict[int, None])
    at_most: int = 0

    def take(self, number: int, step: Step) -> Work:
        """Go on by a step, and count it."""
        if any(statement.user_functions for statement in step.statements):
            self.unknown[number] = None
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
            size = (of.rows or 0) * counted([sum(of.widths.values())])
            self.tables[name] = _Table(of.rows, size, of.indexes)
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
        return self._add(self._of(name), rows, counted([(len(query) - start) / rows]))

    @staticmethod
    def _add(table: _Table, rows: float, size: float) -> tuple[float, float]:
        if table.rows is not None:
            table.rows, table.bytes = table.rows + rows, table.bytes + rows * size
        return rows * MIN_ROW_BYTES, rows * (size + table.indexes * MIN_ROW_BYTES)

    def _change(self, number: int, query: str) -> tuple[float, float]:
        """Count a change that finds its rows itself: bytes that are read and written."""
        read = written = 0.0
        for tree in trees(query):
            named = [place.node for place in tree.find("RangeVar")]
            named += [tree.root["relation"]] if tree.kind in ("UpdateStmt", "DeleteStmt") else []
            for name in dict.fromkeys(map(relation_name, named)):
                read += self._scan(number, self._of(name))
            if tree.kind not in ("InsertStmt", "UpdateStmt", "DeleteStmt"):
                continue
            table = self._of(relation_name(tree.root["relation"]))
            self.at_most += 1
            if tree.kind == "InsertStmt":
                more = self._add(table, MAX_ROWS, MIN_ROW_BYTES)
            else:
                rows = MAX_ROWS if table.rows is None else min(table.rows, MAX_ROWS)
                more = rows * MIN_ROW_BYTES, rows * (table.row + 2 * table.indexes * MIN_ROW_BYTES)
            read, written = read + more[0], written + more[1]
        return read, written

    def _scan(self, number: int, table: _Table) -> float:
        if table.rows is None:
            self.unknown[number] = None
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
            self.tables[name] = _Table(indexes=sum(1 for _ in _unique(top.get("tableElts", ()))))
            return Work()
        if step.statements[0].kind not in JOB_KINDS:
            return Work()
        table = self._of(name)
        table.indexes += tree.kind == "IndexStmt"
        self._scan(number, table)
        entries = MIN_ROW_BYTES if tree.kind == "IndexStmt" else 0
        return batches(table.rows or 0, MAX_ROWS, table.row, entries)


def _unique(elements: Sequence[Node]) -> Iterator[Node]:
    """Iterate over the UNIQUE constraints of a table, which have an index each."""
    for element in elements:
        yield from constraints(element.get("ColumnDef", {}), "CONSTR_UNIQUE")
        if element.get("Constraint", {}).get("contype") == "CONSTR_UNIQUE":
            yield element["Constraint"]
