"""JSON schemas in few words: each conversation pays for the list of tools.

What is left out tells a model nothing: titles that pydantic makes of the names; that an argument with the
default ``null`` may be ``null`` (leaving it out says the same, and it is still taken); that a flag is off and
a text empty by default; that other properties may be there, as JSON Schema has it anyway. Of an answer,
which programs read by the names of its members, these and their types are told, and which of them are always
there; not what is inside of an object.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

Schema = Mapping[str, Any]

_OBJECT: Final = {"type": "object"}


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
    default = told.get("default")
    if default is False or default == "":
        del told["default"]
    return told


def compact_answer(schema: Schema) -> dict[str, Any]:
    """Give a schema that holds for the same answers and for more: the members, without what is in them.

    Args:
        schema: The schema of an object, as pydantic writes it.
    """
    members = {name: _type_of(part) for name, part in schema["properties"].items()}
    return {**_OBJECT, "properties": members, "required": schema["required"]}


def _type_of(part: Schema) -> dict[str, Any]:
    if "$ref" in part:
        return dict(_OBJECT)
    if "anyOf" in part:
        return {"type": [each["type"] for each in part["anyOf"]]}
    items = _type_of(part["items"]) if part.get("items") else {}
    return {"type": part["type"], "items": items} if items else {"type": part["type"]}


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
