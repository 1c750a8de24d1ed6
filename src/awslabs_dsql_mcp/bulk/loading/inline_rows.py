"""Rows that came with a call."""

from collections.abc import Iterator, Sequence

from awslabs_dsql_mcp.bulk.jobs.resume_token import fingerprint
from awslabs_dsql_mcp.bulk.loading.column_choice import ColumnChoice, Columns
from awslabs_dsql_mcp.bulk.loading.rows import NumberedRow, ObjectRows, object_choice


class InlineRows:
    """Rows that came with the call: a `RowSource`.

    Args:
        listed: The rows.
        columns: The columns that the caller names.
        known: Names of the table's columns.

    Raises:
        RequestInvalid: There are no rows, or no names for their columns.
    """

    def __init__(self, listed: Sequence[object], columns: Columns, known: Sequence[str]) -> None:
        self._listed = listed
        self.choice: ColumnChoice = object_choice(lambda: iter(listed), columns, known)
        self._objects = ObjectRows(self.choice, known, is_part=columns is not None)
        self.name = fingerprint(listed)

    def rows(self) -> Iterator[NumberedRow]:
        """Give the rows."""
        return ((0, self._objects.row(row)) for row in self._listed)

    def notes(self) -> Sequence[str]:
        """List what was left out."""
        return self._objects.notes()

    def close(self) -> None:
        """Let go of nothing."""
