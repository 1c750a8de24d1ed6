"""The table of options in ``docs/``, from OPTIONS; `.ci/generate` writes it anew."""

from pathlib import Path

from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.option_parser import Option

PAGE = Path(__file__).parents[2] / "docs" / "options.md"
_BEGIN, _END = "<!-- options -->\n", "<!-- /options -->"


def row(option: Option) -> str:
    """Format an option as a row of the table."""
    unit = f" {option.unit}" if option.unit else ""
    variables = ", ".join(f"`{variable}`" for variable in option.variables)
    return f"| `{option.flag}{unit}` | {variables} | {option.default} | {option.help} |"


def table() -> str:
    """Format the table."""
    head = ["| flag | variable | default | |", "|---|---|---|---|"]
    return "\n".join([*head, *map(row, OPTIONS), "| `--version` | | | Print the version. |", ""])


def between(page: str) -> str:
    """Extract the table from the page."""
    return page.partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text.replace(_BEGIN + between(text) + _END, _BEGIN + table() + _END))
