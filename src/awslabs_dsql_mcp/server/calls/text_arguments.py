"""Lists and objects among a tool's arguments that a client sent as texts."""

import asyncio
from typing import Any, cast

from awslabs_dsql_mcp import json_text
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.json_reader import LARGE, JsonReader, TooMuch


async def from_text(name: str, given: object, schema: dict[str, Any]) -> object:
    """Read a list or object that came as a text, as weaker clients send it, with all digits of its numbers.

    The SDK would do so behind this, and round numbers, and hold the event loop over long ones.

    Raises:
        RequestInvalid: It is long and too much, or no JSON where a text is no value.
    """
    if not isinstance(given, str):
        return given
    if len(given) > LARGE:
        try:
            return await asyncio.to_thread(JsonReader(given.encode()).read)
        except TooMuch as error:
            raise RequestInvalid(f"Argument {name} {error}.", hint="Send less at once.") from None
        except ValueError:
            if {"type": "string"} in schema.get("anyOf", ()):
                return given
            raise RequestInvalid(
                f"Argument {name} is a text of {len(given):,} characters, and no JSON.",
                hint="See the tool's input schema.",
            ) from None
    try:
        value: object = json_text.loads(given)
    except (ValueError, RecursionError):
        return given
    return cast("object", value) if isinstance(value, list | dict) else given
