"""PostgreSQL's scans, drawn as Aurora DSQL draws them: with the work of the storage below.

A table with a primary key is read through it, since the key's index is the table; one without by a Full Scan;
an index that lacks a column by a look-up in the table. Conditions stand where they are decided. Sources:
Aurora DSQL user guide, "Reading EXPLAIN plans", and plans recorded on clusters in 2026.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from awslabs_dsql_mcp.dsql.objects import CATALOG_SCHEMAS
from awslabs_dsql_mcp.local_cluster.plans import conditions
from awslabs_dsql_mcp.local_cluster.plans.plan_text import Plan, PlanNode
from awslabs_dsql_mcp.local_cluster.plans.relations import Index, Relations

_NAME: Final = r'(?:"(?:[^"]|"")*"|[^\s".]+)'
_ON: Final = re.compile(rf"(.*) on (?:({_NAME})\.)?({_NAME})(?: ({_NAME}))?", re.DOTALL)
_SCAN: Final = re.compile(rf"(?:Seq|Index|Index Only) Scan( Backward)?(?: using ({_NAME}))?", re.DOTALL)
_HEADER: Final = re.compile(r"(?:InitPlan|SubPlan|CTE) ")
_WITHOUT_OUTPUT: Final = ("Append", "Merge Append", "Insert", "Update", "Delete", "Subquery Scan")
"""Nodes that take over all columns of the nodes below them, or name them otherwise."""
_SYSTEM_COLUMNS: Final = ("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax")
_VERBOSE: Final = ("Output: ", "Inner Unique: ", "Function Call: ", "Table Function Call: ")
_OF_POSTGRESQL: Final = ("Heap Fetches: ", "Index Searches: ")
_REMOVED: Final = "Rows Removed by Filter"


class _Scanned(NamedTuple):
    """The relation of a scan.

    Attributes:
        schema: Its schema.
        table: Its name.
        alias: Its name in the query.
        index_name: Index that PostgreSQL reads.
        backward: " Backward", or nothing.
    """

    schema: str
    table: str
    alias: str
    index_name: str | None
    backward: str


@dataclass(frozen=True)
class _Split:
    """A filter, in the parts that are decided at each place."""

    in_index: Sequence[str]
    in_table: Sequence[str]
    in_processor: Sequence[str]


def draw(plan: Plan, relations: Relations, *, verbose: bool) -> Plan:
    """Draw a plan's scans as Aurora DSQL does.

    Args:
        plan: PostgreSQL's plan with VERBOSE; its nodes are changed.
        relations: Indexes of the tables.
        verbose: Leave what only VERBOSE shows.
    """
    return _Drawing(plan, relations, verbose=verbose).drawn()


class _Drawing:
    def __init__(self, plan: Plan, relations: Relations, *, verbose: bool) -> None:
        self._plan, self._relations, self._verbose = plan, relations, verbose
        self._above = {id(child): node for node in plan.nodes for child in node.children}
        named = {on[4] or on[3] for node in self._plan.nodes if (on := _ON.fullmatch(node.name))}
        self._only = named.pop() if len(named) == 1 else None
        names = {(scanned.schema, scanned.table) for _, scanned in self._scans()}
        tables = [relations.tables[name] for name in names if name in relations.tables]
        self._columns = frozenset[str]().union(*(table.columns for table in tables))
        self._uses: dict[str, Counter[str]] = {}
        """Number of nodes that name a column, by table."""
        for alias, column in (use for node in plan.nodes for use in self._used_by(node)):
            self._uses.setdefault(alias, Counter())[column] += 1

    def drawn(self) -> Plan:
        read = {id(node): self._columns_read(node, scanned) for node, scanned in self._scans()}
        for node in self._plan.nodes:
            if node.name == "Nested Loop":
                self._batch(node)
        for node, scanned in list(self._scans()):
            self._draw_scan(node, scanned, read[id(node)])
        for node in self._plan.nodes:
            self._show(node)
        return self._plan

    def _scans(self) -> Iterator[tuple[PlanNode, _Scanned]]:
        for node in self._plan.nodes:
            scanned = _scanned(node)
            if scanned is not None and scanned.schema not in CATALOG_SCHEMAS:
                yield node, scanned

    def _columns_read(self, scan: PlanNode, scanned: _Scanned) -> list[str]:
        """The columns that a scan has to yield: those of its output that another node uses."""
        uses = self._references(scan.detail("Output") or "")
        output = dict.fromkeys(column for alias, column in uses if alias == scanned.alias)
        own = self._used_by(scan)
        used = self._uses.get(scanned.alias, Counter())
        elsewhere = [column for column in used if used[column] > ((scanned.alias, column) in own)]
        if not self._is_top(scan):
            output = [column for column in output if column in elsewhere]
        return [column for column in dict.fromkeys((*output, *elsewhere)) if column not in _SYSTEM_COLUMNS]

    def _used_by(self, node: PlanNode) -> set[tuple[str, str]]:
        return {use for part in node.parts if isinstance(part, str) for use in self._references(part)}

    def _references(self, text: str) -> Iterator[tuple[str, str]]:
        """The columns in a text; a plan of one table alone writes most of them without its name."""
        yield from conditions.references(text)
        if self._only is not None:
            yield from ((self._only, name) for name in conditions.names(text) if name in self._columns)

    def _is_top(self, scan: PlanNode) -> bool:
        if scan is self._plan.nodes[0]:
            return True
        above = self._above[id(scan)]
        place = next(at for at, part in enumerate(above.parts) if part is scan)
        before = above.parts[place - 1] if place else None
        is_subquery = isinstance(before, str) and _HEADER.match(before) is not None
        return is_subquery or above.name.startswith(_WITHOUT_OUTPUT)

    def _batch(self, join: PlanNode) -> None:
        """Draw a nested loop as one that looks many rows up at once."""
        if not self._relations.joins_in_batches or len(join.children) != 2:  # noqa: PLR2004  both sides
            return
        outer, inner = join.children
        scanned, condition = _scanned(inner), inner.detail("Index Cond")
        if (
            scanned is None
            or condition is None
            or "." not in conditions.without_table(condition, scanned.alias)
        ):
            return
        join.name += " (Batched Join)"
        place = next((at for at, part in enumerate(join.parts) if isinstance(part, PlanNode)), 0)
        shown = condition if self._verbose else conditions.without_table(condition, scanned.alias)
        join.parts.insert(place, f"Recheck Cond: {shown}")
        if inner.cost and outer.cost:
            inner.cost = inner.cost._replace(rows=inner.cost.rows * outer.cost.rows)
        if inner.actual and inner.actual.loops:
            time = tuple(each * inner.actual.loops for each in inner.actual.time)
            inner.actual = inner.actual._replace(
                time=time, rows=inner.actual.rows * inner.actual.loops, loops=1
            )

    def _draw_scan(self, scan: PlanNode, scanned: _Scanned, read: list[str]) -> None:
        schema, key = self._origin(scanned)
        index = self._index(scanned, schema) if scanned.index_name else key
        filters = conditions.conjuncts(scan.detail("Filter") or "") if scan.detail("Filter") else []
        if not scanned.index_name and key is not None:
            filters = self._seek(scan, scanned, filters, key)
        filtered = [column for each in filters for column in conditions.columns(each, scanned.alias)]
        covered = self._covered(index, key, [*read, *filtered])
        split = _split(filters, scanned.alias, covered)
        looks_up = index is not None and any(column not in covered for column in (*read, *filtered))
        scan.name = _name(scanned._replace(schema=schema), index, looks_up=looks_up)
        read += [
            column
            for each in split.in_processor
            for column in conditions.columns(each, scanned.alias)
            if column not in read
        ]
        place = next(
            (at for at, part in enumerate(scan.parts) if isinstance(part, PlanNode) or _HEADER.match(part)),
            len(scan.parts),
        )
        subqueries = scan.parts[place:]
        storage = self._storage(scan, scanned, split, index, [] if looks_up else read)
        if looks_up:
            storage += self._lookup(scan, scanned, split, read)
        removed = scan.detail(_REMOVED)
        details = [
            part
            for part in scan.parts[:place]
            if isinstance(part, str) and not part.startswith(("Filter: ", _REMOVED, *_OF_POSTGRESQL))
        ]
        if split.in_processor:
            details.append(f"Filter: {conditions.all_of(split.in_processor)}")
            details += [f"{_REMOVED}: {removed}"] if removed else []
        scan.parts = [*details, *(self._own(line, scanned.alias) for line in storage), *subqueries]

    @staticmethod
    def _seek(scan: PlanNode, scanned: _Scanned, filters: Sequence[str], key: Index) -> list[str]:
        """Draw conditions on the first columns of the primary key as its index's, and return the others."""
        found, sought = {each: conditions.comparison(each, scanned.alias) for each in filters}, list[str]()
        for column in key.columns:
            here = [each for each, compared in found.items() if compared and compared[0] == column]
            sought += [each for each in here if found[each] != (column, "<>")]
            if not any(found[each] == (column, "=") for each in here):
                break
        if sought:
            place = 1 if scan.detail("Output") else 0
            scan.parts.insert(place, f"Index Cond: {conditions.all_of(sought)}")
        left = [each for each in filters if each not in sought]
        if not left:  # the index would not have read the other rows
            scan.parts = [
                part for part in scan.parts if isinstance(part, PlanNode) or not part.startswith(_REMOVED)
            ]
        return left

    def _origin(self, scanned: _Scanned) -> tuple[str, Index | None]:
        """Find a table and its primary key; behind a private copy, those of the table that was copied."""
        schema = self._relations.origin(scanned.schema, scanned.table)
        return schema, self._relations.find_primary_key(schema, scanned.table)

    def _index(self, scanned: _Scanned, schema: str) -> Index | None:
        used = self._relations.find_index(scanned.schema, scanned.table, scanned.index_name or "")
        if used is None or schema == scanned.schema:
            return used
        originals = self._relations.indexes.get((schema, scanned.table), ())
        alike = (each for each in originals if each[1:] == used[1:])
        return next(alike, used)

    @staticmethod
    def _covered(index: Index | None, key: Index | None, columns: Sequence[str]) -> frozenset[str]:
        if index is None or index.is_primary:
            return frozenset(columns)  # all of the table
        return frozenset((*index.columns, *(key.columns if key else ())))

    def _storage(
        self, scan: PlanNode, scanned: _Scanned, split: _Split, index: Index | None, read: Sequence[str]
    ) -> list[str]:
        """Draw the storage's reading of an index or a table; `read` is empty where a look-up follows."""
        name = index.name if index else scanned.table
        removed = int(scan.detail(_REMOVED) or 0)
        dropped = 0 if split.in_processor or split.in_table else removed
        lines = _stage(scan, f"Storage Scan on {name}", removed - dropped, read, split.in_index, dropped)
        condition = scan.detail("Index Cond")
        table = self._relations.tables.get((scanned.schema, scanned.table))
        all_rows = int(table.rows) if table and not condition else 0
        lines.append(f"    -> B-Tree Scan on {name}{_figures(scan, removed, all_rows)}")
        return [*lines, f"        Index Cond: {condition}"] if condition else lines

    def _lookup(self, scan: PlanNode, scanned: _Scanned, split: _Split, read: Sequence[str]) -> list[str]:
        """Draw the look-up in the table of what an index lacks."""
        removed = int(scan.detail(_REMOVED) or 0) if split.in_processor or split.in_table else 0
        dropped = 0 if split.in_processor else removed
        name = scanned.table
        lines = _stage(scan, f"Storage Lookup on {name}", removed - dropped, read, split.in_table, dropped)
        return [*lines, f"    -> B-Tree Lookup on {name}{_figures(scan, removed)}"]

    def _own(self, text: str, alias: str) -> str:
        return text if self._verbose else conditions.without_table(text, alias)

    def _show(self, node: PlanNode) -> None:
        """Name the table behind a private copy, and leave out what only VERBOSE shows."""
        on = _ON.fullmatch(node.name)
        own = (on[4] or on[3]) if on and _scanned(node) else self._only
        if on:
            schema = f"{self._relations.origin(on[2], on[3])}." if on[2] and self._verbose else ""
            node.name = f"{on[1]} on {schema}{on[3]}{f' {on[4]}' if on[4] else ''}"
        if self._verbose:
            return
        parts = [part for part in node.parts if isinstance(part, PlanNode) or not part.startswith(_VERBOSE)]
        node.parts = [
            part if own is None or isinstance(part, PlanNode) else conditions.without_table(part, own)
            for part in parts
        ]


def _scanned(node: PlanNode) -> _Scanned | None:
    on = _ON.fullmatch(node.name)
    scan = _SCAN.fullmatch(on[1]) if on else None
    if on is None or scan is None:
        return None
    return _Scanned(on[2] or "public", on[3], on[4] or on[3], scan[2], scan[1] or "")


def _split(filters: Sequence[str], table: str, covered: frozenset[str]) -> _Split:
    by_storage = [each for each in filters if conditions.is_decided_by_storage(each, table)]
    in_index = [each for each in by_storage if covered.issuperset(conditions.columns(each, table))]
    return _Split(
        in_index,
        [each for each in by_storage if each not in in_index],
        [each for each in filters if each not in by_storage],
    )


def _name(scanned: _Scanned, index: Index | None, *, looks_up: bool) -> str:
    alias = "" if scanned.alias == scanned.table else f" {scanned.alias}"
    relation = f"{scanned.schema}.{scanned.table}{alias}"
    if index is None:
        return f"Full Scan (btree-table) on {relation}"
    only = "" if looks_up else " Only"
    return f"Index{only} Scan{scanned.backward} using {index.name} on {relation}"


def _stage(
    scan: PlanNode, name: str, more: int, read: Sequence[str], filters: Sequence[str], dropped: int
) -> list[str]:
    """Draw a node that takes rows out of the storage.

    Args:
        scan: The scan above it.
        name: What it does, and where.
        more: Rows that it yields and the scan does not.
        read: Columns that it yields.
        filters: Conditions that it decides.
        dropped: Rows that it leaves out for them.
    """
    lines = [f"-> {name}{_figures(scan, more)}"]
    lines += [f"    Projections: {', '.join(read)}"] if read else []
    if filters:
        lines.append(f"    Filters: {conditions.all_of(filters)}")
        lines += [f"    Rows Filtered: {dropped}"] if scan.actual else []
    return lines


def _figures(scan: PlanNode, more: int, expected: int = 0) -> str:
    """Write the figures of a node of the storage.

    Args:
        scan: The scan above it.
        more: Rows that it had and the scan has not.
        expected: Rows that it is expected to have, where they are more.
    """
    cost = ""
    if scan.cost is not None:
        rows = max(scan.cost.rows, expected)
        cost = f"  (cost={scan.cost.range} rows={rows} width={scan.cost.width} loops=1)"
    if scan.actual is None:
        return cost
    return cost + str(scan.actual._replace(time=(), rows=scan.actual.rows + more))
