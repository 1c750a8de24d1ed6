"""Scripts made up by hypothesis: small, and mostly such as PostgreSQL runs."""

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

from support.migration import script_bodies as bodies
from support.migration import script_functions as functions
from support.migration import script_objects as objects
from support.migration import script_partitions as partitions
from support.migration import script_rows as rows
from support.migration import script_statements as statements
from support.migration import script_tables as tables

_FIRST: Final = (
    tables.table,
    tables.own_type,
    statements.setting,
    objects.sequence,
    functions.early_function,
    statements.meta,
    partitions.partitioned_table,
)
_LATER: Final = (
    *[rows.insert] * 3,
    *[tables.alter_table] * 3,
    *[rows.copy, statements.setting] * 2,
    tables.table,
    tables.own_type,
    objects.index,
    objects.view,
    objects.sequence,
    objects.function,
    functions.early_function,
    *[bodies.function_of_a_form] * 2,
    partitions.partitioned_table,
    functions.query_of_columns,
    functions.name_of_a_sequence,
    objects.comment,
    objects.grant,
    statements.meta,
    statements.variable,
    statements.drop,
    statements.block,
)


@st.composite
def scripts(draw: Callable[..., str]) -> list[str]:
    """Statements of a script, each ready to be joined to the next by a newline."""
    script = tables.Script(draw)
    for _ in range(int(script.one(("0", "1", "2")))):
        _FIRST[int(script.one([str(at) for at in range(len(_FIRST))]))](script)
    if not script.tables:
        tables.table(script)
    for _ in range(int(script.one([str(count) for count in range(1, 8)]))):
        _LATER[int(script.one([str(at) for at in range(len(_LATER))]))](script)
    block = script.maybe("BEGIN", "BEGIN")
    texts = [text[1:] if text.startswith("\0") else f"{text};" for text in script.statements]
    return [f"{block};", *texts, "COMMIT;"] if block else texts
