"""Bytes that Aurora DSQL counts of rows on their way into a table: the rows and their index entries."""

from collections.abc import Iterable, Sequence

from awslabs_dsql_mcp.bulk.loading.cells import RowText
from awslabs_dsql_mcp.bulk.loading.insert_plan import InsertPlan
from awslabs_dsql_mcp.dsql.dpu import Work, counted, transaction
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES
from awslabs_dsql_mcp.dsql.row_sizes import FIXED, value_size


class LoadSizes:
    """Measures rows.

    The primary key is the table; every other index has an entry of its columns and the key's. A DEFAULT
    counts where its type has one size. A row that may be there counts as one that is: an UPDATE writes more.

    Args:
        plan: Which columns the rows fill.
    """

    def __init__(self, plan: InsertPlan) -> None:
        table = plan.table
        moved = sum(not plan.updates.isdisjoint(index) for index in table.secondary)
        self._gone = moved * counted([0])  # of a row that is there, entries whose columns are set go
        self._kinds = [column.built_in_type for column in plan.columns]
        filled = [column.name for column in plan.columns]
        left = {c.name: FIXED.get(c.built_in_type, 0) for c in table.columns if c.has_default}
        self._base = sum(size for name, size in left.items() if name not in filled)
        key = table.key.columns if table.key else ()
        entries = [set(index).union(key) for index in table.secondary]
        self._entries = [
            (
                [at for at, name in enumerate(filled) if name in entry],
                sum(size for name, size in left.items() if name in entry and name not in filled),
            )
            for entry in entries
        ]

    def work(self, rows: Sequence[RowText]) -> Work:
        """Count rows that are one transaction."""
        if not rows:
            return Work()
        cells = zip(*rows, strict=True)
        columns = [self._sizes(kind, column) for kind, column in zip(self._kinds, cells, strict=True)]
        written = _written(columns, self._base)
        for at, base in self._entries:
            chosen = [columns[position] for position in at] or [[0] * len(rows)]
            written += _written(chosen, base)
        written += len(rows) * self._gone
        return transaction(len(rows) * MIN_ROW_BYTES, written)  # each write reads the key

    @staticmethod
    def _sizes(kind: str, cells: Iterable[str | None]) -> list[int]:
        fixed = FIXED.get(kind)
        if fixed is not None:
            return [0 if cell is None else fixed for cell in cells]
        return [0 if cell is None else value_size(kind, cell) for cell in cells]


def _written(columns: Sequence[Sequence[int]], base: int) -> float:
    return counted(base + sum(sizes) for sizes in zip(*columns, strict=True))
