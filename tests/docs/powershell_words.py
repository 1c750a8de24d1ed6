"""The words of PowerShell's command lines by its grammar: run by uv with tree-sitter, on lines of input."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

tree_sitter: Any = import_module("tree_sitter")
grammar: Any = import_module("tree_sitter_powershell")


def words(node: Any) -> Iterator[str]:  # noqa: ANN401 - without types
    """Give the words below a node; of a string what stands in it."""
    text = node.text.decode()
    if node.type in ("command_name", "generic_token", "command_parameter"):
        yield text
    elif node.type == "verbatim_string_characters" or (
        node.type == "expandable_string_literal" and not node.children
    ):
        yield text[1:-1]
    else:
        for child in node.children:
            yield from words(child)


parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
for line in sys.stdin:
    root = parser.parse(line.encode()).root_node
    print(json.dumps(None if root.has_error else list(words(root))))
