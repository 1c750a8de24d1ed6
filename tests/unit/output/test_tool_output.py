"""Marks around what others wrote."""

from awslabs_dsql_mcp.output.tool_output import Marked, render


def test_the_end_of_marked_text_is_another_one_each_time() -> None:
    ends = {render([Marked("rows", "x")]).splitlines()[0] for _ in range(1_000)}
    assert len(ends) == 1_000
