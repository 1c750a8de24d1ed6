"""The type in Parquet of each column."""

import pytest

from awslabs_dsql_mcp.database.model import Field
from awslabs_dsql_mcp.export.parquet_writer import parquet_type


def numeric(precision: int, scale: int) -> Field:
    """Make a column of type numeric."""
    return Field("n", 1700, (precision << 16 | (scale & 0x7FF)) + 4)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (numeric(1, 0), "decimal128(1, 0)"),
        (numeric(38, 38), "decimal128(38, 38)"),
        (numeric(39, 0), "string"),
        (numeric(3, -2), "string"),
        (numeric(3, 5), "string"),
        (Field("n", 1700, -1), "string"),
        (Field("n", 20, -1), "int64"),
        (Field("n", 1043, 14), "string"),
        (Field("n", 1184, -1), "timestamp[us, tz=UTC]"),
        (Field("n", 99_999, -1), "string"),
    ],
)
def test_a_type_carries_over_where_all_its_values_do(field: Field, kind: str) -> None:
    assert parquet_type(field) == kind
