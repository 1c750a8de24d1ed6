"""``config-examples/`` and the README's links, from the table of clients; run it to write them anew."""

from pathlib import Path

from awslabs_dsql_mcp.installer.examples import files, links_of_readme

README = Path(__file__).parents[2] / "README.md"
EXAMPLES = README.parent / "config-examples"
_BEGIN, _END = "<!-- links -->\n", "<!-- /links -->"


def between(readme: str) -> str:
    """What stands in the README where the links belong."""
    return readme.partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    EXAMPLES.mkdir(exist_ok=True)
    for name, text in files().items():
        (EXAMPLES / name).write_text(text)
    readme = README.read_text()
    README.write_text(readme.replace(_BEGIN + between(readme) + _END, _BEGIN + links_of_readme() + _END))
