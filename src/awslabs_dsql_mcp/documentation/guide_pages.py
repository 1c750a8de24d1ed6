"""The pages of the guide, read from the package."""

from importlib.resources import files

from awslabs_dsql_mcp.documentation.guide import Guide
from awslabs_dsql_mcp.documentation.page import parse_page


def load_guide() -> Guide:
    """Read all pages, by name."""
    folder = files("awslabs_dsql_mcp") / "documentation" / "pages"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".md"))
    return Guide(
        tuple(
            parse_page(name.removesuffix(".md"), (folder / name).read_text(encoding="utf-8"))
            for name in names
        )
    )
