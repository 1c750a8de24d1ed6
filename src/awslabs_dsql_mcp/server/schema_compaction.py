"""JSON schemas in few words: each conversation pays for the list of tools.

What is left out tells a model nothing: titles that pydantic makes of the names; that an argument with the
default ``null`` may be ``null`` (leaving it out says the same, and it is still taken); that other properties
may be there, as JSON Schema has it anyway.
"""

from collections.abc import Mapping
from typing import Any, cast

Schema = Mapping[str, Any]


def compact(schema: Schema) -> dict[str, Any]:
    """Give a schema that holds for the same values, ``null`` for what may be left out aside.

    Args:
        schema: As pydantic writes it.
    """
    told = {key: _brief_part(key, value) for key, value in _without_null(schema).items()}
    if told.get("additionalProperties") is True:
        del told["additionalProperties"]
    if isinstance(told.get("title"), str):
        del told["title"]
    return told


def _brief_part(key: str, value: object) -> Any:  # noqa: ANN401 - a part of a schema
    if key in {"properties", "$defs"}:
        return {name: compact(part) for name, part in cast("Mapping[str, Schema]", value).items()}
    if key == "items" and isinstance(value, Mapping):
        return compact(cast("Schema", value))
    if key == "anyOf":
        return [compact(part) for part in cast("list[Schema]", value)]
    return value


def _without_null(schema: Schema) -> Schema:
    if "anyOf" not in schema or schema.get("default", ...) is not None:
        return schema
    kept = [part for part in schema["anyOf"] if part != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**rest, **kept[0]} if len(kept) == 1 else {**rest, "anyOf": kept}
