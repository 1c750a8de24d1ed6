"""What is left of a tool's schemas."""

from typing import Any

import pytest

from awslabs_dsql_mcp.server.schema_compaction import compact, compact_answer


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"type": "boolean", "default": False, "title": "Fix"}, {"type": "boolean"}),
        ({"type": "boolean", "default": True}, {"type": "boolean", "default": True}),
        ({"type": "string", "default": ""}, {"type": "string"}),
        ({"type": "integer", "default": 0}, {"type": "integer", "default": 0}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, {"type": "string"}),
        # Some makers' APIs take no list without a schema of its items.
        ({"type": "array", "items": {}}, {"type": "array", "items": {}}),
    ],
)
def test_an_argument(written: dict[str, Any], told: dict[str, Any]) -> None:
    assert compact({"type": "object", "properties": {"it": written}})["properties"]["it"] == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"type": "string", "description": "Text.", "title": "It"}, {"type": "string"}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": ["integer", "null"]}),
        ({"$ref": "#/$defs/Part"}, {"type": "object"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"type": "object"}),
        (
            {"type": "array", "items": {"$ref": "#/$defs/Part"}},
            {"type": "array", "items": {"type": "object"}},
        ),
        (
            {"type": "array", "items": {"type": "array", "items": {}}},
            {"type": "array", "items": {"type": "array"}},
        ),
    ],
)
def test_a_member_of_an_answer(written: dict[str, Any], told: dict[str, Any]) -> None:
    parts = {"Part": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}
    schema = {"type": "object", "properties": {"it": written}, "required": ["it"], "$defs": parts}
    assert compact_answer(schema) == {"type": "object", "properties": {"it": told}, "required": ["it"]}
