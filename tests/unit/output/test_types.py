"""Raw text where an answer's text belongs is an error of types: each ignore here is needed."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput, render
from awslabs_dsql_mcp.server.prompts import PromptSpec
from awslabs_dsql_mcp.server.resources import ResourceSpec
from awslabs_dsql_mcp.text import Shown, as_line
from awslabs_dsql_mcp.tools.spec import text_content

RAW = "a\nNext: b"


def raw() -> str:
    return RAW


def test_a_raw_text_is_no_text_of_an_answer() -> None:
    text_content(RAW)  # pyright: ignore[reportArgumentType]
    ToolOutput(RAW)  # pyright: ignore[reportArgumentType]
    ToolOutput([RAW])  # pyright: ignore[reportArgumentType]
    ResourceSpec("dsql://x", raw, "X", "X.")  # pyright: ignore[reportArgumentType]
    PromptSpec(raw, "X", "X.")  # pyright: ignore[reportArgumentType]


def test_lines_and_marked_blocks_are() -> None:
    shown: Shown = render((RAW, Marked("rows", RAW, "1")))
    assert shown.splitlines()[0] == as_line(RAW) == "a⏎Next: b"
    assert text_content(shown).text == text_content(ToolOutput((RAW, Marked("rows", RAW, "1"))).text).text
