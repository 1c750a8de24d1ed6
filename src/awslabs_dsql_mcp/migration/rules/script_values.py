"""Values of a script, in statements and in the rows of COPY, written for the types that columns get."""

from collections.abc import Callable, Sequence
from typing import Final

from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.values.rewrite import rewrite
from awslabs_dsql_mcp.migration.values.source_types import Name, SourceType
from awslabs_dsql_mcp.migration.values.stored import is_converted, require_exact, stored
from awslabs_dsql_mcp.migration.values.syntax import NotConverted
from awslabs_dsql_mcp.sql.copy_data import Field, Marker, Row

_MAX_NAMED: Final = 5  # columns of a note
Convert = Callable[[Field], Field]


def convert_values(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Rewrite the values of a statement; what cannot be rewritten stops the script."""
    conversion.source.take(draft.kind, draft.top)
    result = rewrite(draft.kind, draft.top, conversion.source)
    for problem in result.problems:
        conversion.skip(draft, problem, blocks=True)
    if result.columns:
        draft.changed(_note(result.columns))


def convert_rows(
    conversion: Conversion,
    draft: ConvertedStatement,
    table: Name,
    names: Sequence[str],
    rows: Sequence[tuple[int, Row]],
) -> list[tuple[int, Row]]:
    """Rewrite the values of rows; a row that cannot be rewritten stops the script.

    Args:
        conversion: The script as far as it is read.
        draft: The COPY that brings the rows.
        table: The table that they are for.
        names: Its columns, in the order of the fields.
        rows: The line of each, and its fields.
    """
    typed = [conversion.source.column(table, name) for name in names]
    writers = {at: writer for at, column in enumerate(typed) if column and (writer := _writer(column))}
    if not writers:
        return list(rows)
    first = draft.line
    converted: list[tuple[int, Row]] = []
    for line, row in rows:
        draft.line = line
        fields = (
            _written(conversion, draft, names[at], field, writers[at]) if at in writers else field
            for at, field in enumerate(row)
        )
        converted.append((line, tuple(fields)))
    draft.line = first
    changed = [
        names[at] for at in writers if any(a[1][at] != b[1][at] for a, b in zip(rows, converted, strict=True))
    ]
    if changed:
        draft.notes.append(_note(changed))
    return converted


def _written(
    conversion: Conversion, draft: ConvertedStatement, name: str, field: Field, write: Convert
) -> Field:
    try:
        return write(field)
    except NotConverted as error:
        conversion.skip(draft, f"{name}: {error}", blocks=True)
        return field


def _note(columns: Sequence[str]) -> str:
    named = ", ".join(columns[:_MAX_NAMED]) + (" and others" if len(columns) > _MAX_NAMED else "")
    return f"values of {named} are written for the new type"


def _writer(typed: SourceType) -> Convert | None:
    if is_converted(typed):
        return lambda field: field if isinstance(field, Marker) else stored(field, typed)
    return _exact if typed.name == "numeric" and not typed.modifiers else None


def _exact(field: Field) -> Field:
    if isinstance(field, str):
        require_exact(field)
    return field
