"""Values that a column stores as others, by the type of the column."""

import pytest

from awslabs_dsql_mcp.bulk.loading.value_changes import changes_of
from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo

DAY = (1 << 3) << 16 | 0xFFFF
YEAR = (1 << 2) << 16 | 0xFFFF
DAY_TO_MINUTE = (1 << 3 | 1 << 10 | 1 << 11) << 16 | 0xFFFF


@pytest.mark.parametrize(
    ("kind", "modifier", "text", "changed"),
    [
        ("timestamp", -1, "2024-01-01T23:00:00-08:00", True),
        ("timestamp", -1, "2024-01-01T23:00:00.5Z", True),
        ("timestamp", -1, "20240101T230000-08", True),
        ("timestamp", -1, "2024-01-01 23:00 PST", True),
        ("timestamp", -1, "2024-01-01 23:00 Europe/Berlin", True),
        ("timestamp", -1, "Mon Jan 01 23:00:00 2024", False),
        ("timestamp", -1, "2024-01-01 11:00:00.25 PM", False),
        ("timestamp", -1, "0044-03-15 10:00:00 BC", False),
        ("timestamptz", -1, "2024-01-01T23:00:00-08:00", False),
        ("time", -1, "2024-05-05 10:11:12", True),
        ("time", -1, "10:11:12-08", True),
        ("time", -1, "10:11:12.5", False),
        ("timetz", -1, "2024-05-05 10:11:12+05", True),
        ("timetz", -1, "10:11:12+05", False),
        ("date", -1, "20240101T230000", True),
        ("date", -1, "2024-01-01", False),
        ("date", -1, "January 8, 1999", False),
        ("jsonb", -1, '{"a": {"b": 1, "b": 2}}', True),
        ("jsonb", -1, '{"a": 1, "b": {"a": 1}}', False),
        ("interval", DAY, "1 day 05:00", True),
        ("interval", DAY, "P1DT5H", True),
        ("interval", DAY, "2 weeks 1.5 days", True),
        ("interval", DAY, "1 year 2 mons 3 days", False),
        ("interval", DAY, "P1M", False),
        ("interval", YEAR, "14 months", True),
        ("interval", YEAR, "24 months", False),
        ("interval", YEAR, "3", False),
        ("interval", DAY_TO_MINUTE, "1 day 05:06:07", True),
        ("interval", DAY_TO_MINUTE, "1 day 05:06", False),
        ("interval", -1, "1 day 05:06:07", False),
    ],
)
def test_values_of_which_a_part_is_cut_are_found(
    kind: str, modifier: int, text: str, *, changed: bool
) -> None:
    changes = changes_of(ColumnInfo("v", f"pg_catalog.{kind}", None, is_generated=False, modifier=modifier))
    assert changes is not None
    assert changes(text) is changed
