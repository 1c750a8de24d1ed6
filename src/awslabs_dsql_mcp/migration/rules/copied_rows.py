"""COPY … FROM stdin of a script: its rows, read before the first step runs."""

from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.lost_effects import lost_effect
from awslabs_dsql_mcp.migration.rules.script_values import convert_rows
from awslabs_dsql_mcp.migration.rules.tables.columns import constraints
from awslabs_dsql_mcp.migration.script.mentions import relation_name
from awslabs_dsql_mcp.sql.copy_data import CopyError, CopyFormat, read_rows
from awslabs_dsql_mcp.sql.parse_tree import strings
from awslabs_dsql_mcp.sql.scripts import ScriptItem


def read_copy(conversion: Conversion, draft: ConvertedStatement, item: ScriptItem) -> None:
    """Give a COPY its rows and the names of its columns, or leave it out as what stops the script.

    Args:
        conversion: The script as far as it is read.
        draft: The COPY.
        item: Its place in the script, with its data.
    """
    given = strings(draft.top.get("attlist")) or _stored_columns(conversion, draft)
    names = given or []
    draft.top["attlist"] = [{"String": {"sval": name}} for name in names]
    if not item.framed:
        why = r"its rows must begin in the line after it, and end with a line \."
        conversion.skip(draft, why, blocks=True)
        return
    try:
        read = list(read_rows(item.data or "", CopyFormat.of(draft.top), names))
    except CopyError as error:
        if error.line is not None:
            draft.line = item.data_line + error.line
        conversion.skip(draft, str(error), blocks=True)
        return
    if read and given == []:
        why = "its table has no columns to fill: write INSERT INTO … DEFAULT VALUES for each row"
        conversion.skip(draft, why, blocks=True)
        return
    if read and (why := lost_effect(conversion, draft)) is not None:
        conversion.skip(draft, why, blocks=True)
        return
    lines = [(item.data_line + line, row) for line, row in read]
    table = relation_name(draft.top["relation"])
    draft.rows = tuple(row for _, row in convert_rows(conversion, draft, table, names, lines))
    draft.row_lines = tuple(line for line, _ in lines)
    draft.filled = conversion.tables.get(table)
    conversion.statements.append(draft)


def _stored_columns(conversion: Conversion, draft: ConvertedStatement) -> list[str] | None:
    """List the columns that a COPY without names fills: all of the table's but the generated ones.

    Returns:
        ``None`` if they are unknown.
    """
    table = conversion.tables.get(relation_name(draft.top["relation"]))
    if table is None or any("TableLikeClause" in item for item in table.top.get("tableElts", ())):
        return None
    defined = ((name, table.column(name)) for name in table.names)
    return [name for name, column in defined if not constraints(column or {}, "CONSTR_GENERATED")]
