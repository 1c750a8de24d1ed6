"""What the agent reads when a statement is refused, word for word: refusals.txt is the table."""

from pathlib import Path

import pytest

from awslabs_dsql_mcp.guard.guard import check

TABLE = Path(__file__).with_name("refusals.txt").read_text(encoding="utf-8")


def rows() -> list[tuple[str, str, str]]:
    """Mode, statement and the text of its refusal."""
    blocks = [block.partition("\n") for block in TABLE.split("=== ")[1:]]
    return [(mode, *body.rstrip("\n").split("\n---\n")) for mode, _, body in blocks]  # pyright: ignore[reportReturnType] - split in two


@pytest.mark.parametrize(("mode", "sql", "text"), rows())
def test_the_refusal_reads(mode: str, sql: str, text: str) -> None:
    assert str(check(sql, writes=mode == "write")) == text


def test_the_table_is_long_enough() -> None:
    assert len(rows()) >= 60


@pytest.mark.parametrize("row", rows())
def test_a_refusal_is_short_and_says_what_to_do(row: tuple[str, str, str]) -> None:
    first, second = row[2].split("\n")
    assert first.startswith("Refused (")
    assert second.startswith("Next: ")
    assert len(row[2]) < 420
    assert second.rstrip().endswith(".")
