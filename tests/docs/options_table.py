"""The README's table of options, from OPTIONS; run it to write the README anew."""

from pathlib import Path

from awslabs_dsql_mcp.config.settings import OPTIONS, Option

README = Path(__file__).parents[2] / "README.md"
_BEGIN, _END = "<!-- options -->\n", "<!-- /options -->"


def row(option: Option) -> str:
    """One option as a row of the table."""
    unit = f" {option.unit}" if option.unit else ""
    variables = ", ".join(f"`{variable}`" for variable in option.variables)
    return f"| `{option.flag}{unit}` | {variables} | {option.default} | {option.help} |"


def table() -> str:
    """The whole table."""
    head = ["| flag | variable | default | |", "|---|---|---|---|"]
    return "\n".join([*head, *map(row, OPTIONS), "| `--version` | | | Print the version. |", ""])


def between(readme: str) -> str:
    """What stands in the README where the table belongs."""
    return readme.partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    text = README.read_text()
    README.write_text(text.replace(_BEGIN + between(text) + _END, _BEGIN + table() + _END))
