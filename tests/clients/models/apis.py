"""The APIs of models, as far as a stand-in speaks them: requests are read, answers are made; without I/O."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A tool call that a model asks for.

    Attributes:
        number: Its place in the session, from 0 on.
        tool: The tool, by the name that the client offered it under.
        namespace: The namespace that the client offered it in, if any.
        arguments: Its arguments.
    """

    number: int
    tool: str
    namespace: str | None
    arguments: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The identifier that its result is given with."""
        return f"call_{self.number}"


class Api(Protocol):
    """One API."""

    path: str
    """A part of the path of its requests."""

    def offered(self, request: Json) -> Iterable[tuple[str | None, str]]:
        """Give the namespace and the name of each tool that the client offers."""
        ...

    def results(self, request: Json) -> Sequence[Any]:
        """Give the results of the calls so far, as the model is given them."""
        ...

    def answer(self, call: Call | None) -> Sequence[tuple[str, Json]]:
        """Make the events of an answer: a call, or the word ``done``."""
        ...


class Messages:
    """Anthropic's Messages API."""

    path = "/messages"

    def offered(self, request: Json) -> Iterable[tuple[str | None, str]]:
        return [(None, tool["name"]) for tool in request.get("tools", [])]

    def results(self, request: Json) -> Sequence[Any]:
        blocks = (m["content"] for m in request["messages"] if isinstance(m["content"], list))
        return [block["content"] for many in blocks for block in many if block["type"] == "tool_result"]

    def answer(self, call: Call | None) -> Sequence[tuple[str, Json]]:
        usage = {"input_tokens": 1, "output_tokens": 1}
        if call:
            block: Json = {"type": "tool_use", "id": call.id, "name": call.tool, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(call.arguments)}
        else:
            block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}
        message: Json = {"id": "msg", "type": "message", "role": "assistant", "model": "m", "content": []}
        stop = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
        return _typed(
            ("message_start", {"message": message | {"usage": usage}}),
            ("content_block_start", {"index": 0, "content_block": block}),
            ("content_block_delta", {"index": 0, "delta": delta}),
            ("content_block_stop", {"index": 0}),
            ("message_delta", {"delta": stop, "usage": usage}),
            ("message_stop", {}),
        )


class Responses:
    """OpenAI's Responses API."""

    path = "/responses"

    def offered(self, request: Json) -> Iterable[tuple[str | None, str]]:
        for tool in request.get("tools", []):
            if tool["type"] == "namespace":
                yield from ((tool["name"], inner["name"]) for inner in tool["tools"])
            elif "name" in tool:
                yield None, tool["name"]

    def results(self, request: Json) -> Sequence[Any]:
        return [item["output"] for item in request["input"] if item.get("type") == "function_call_output"]

    def answer(self, call: Call | None) -> Sequence[tuple[str, Json]]:
        if call:
            item: Json = {"type": "function_call", "id": f"f{call.id}", "call_id": call.id, "name": call.tool}
            item["arguments"] = json.dumps(call.arguments)
            if call.namespace:
                item["namespace"] = call.namespace
        else:
            text: Json = {"type": "output_text", "text": "done", "annotations": []}
            item = {"type": "message", "id": "m", "role": "assistant", "content": [text]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        return _typed(
            ("response.created", {"response": {"id": "r"}}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": {"id": "r", "usage": usage}}),
        )


class ChatCompletions:
    """OpenAI's Chat Completions API."""

    path = "/chat/completions"

    def offered(self, request: Json) -> Iterable[tuple[str | None, str]]:
        return [(None, tool["function"]["name"]) for tool in request.get("tools", [])]

    def results(self, request: Json) -> Sequence[Any]:
        return [message["content"] for message in request["messages"] if message["role"] == "tool"]

    def answer(self, call: Call | None) -> Sequence[tuple[str, Json]]:
        delta: Json = {"role": "assistant", "content": "done"}
        if call:
            function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
            asked = {"index": 0, "id": call.id, "type": "function", "function": function}
            delta = {"role": "assistant", "tool_calls": [asked]}
        end = "tool_calls" if call else "stop"
        chunk: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        choices: tuple[Json, ...] = (
            {"delta": delta, "finish_reason": None},
            {"delta": {}, "finish_reason": end},
        )
        return [("", chunk | {"choices": [choice | {"index": 0}]}) for choice in choices]


class GenerateContent:
    """Google's Gemini API."""

    path = "enerateContent"

    def offered(self, request: Json) -> Iterable[tuple[str | None, str]]:
        declared = (tool.get("functionDeclarations", []) for tool in request.get("tools", []))
        return [(None, function["name"]) for many in declared for function in many]

    def results(self, request: Json) -> Sequence[Any]:
        parts = (part for content in request.get("contents", []) for part in content.get("parts", []))
        return [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]

    def answer(self, call: Call | None) -> Sequence[tuple[str, Json]]:
        part: Json = (
            {"functionCall": {"name": call.tool, "args": call.arguments}} if call else {"text": "done"}
        )
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        return [("", {"candidates": [candidate], "usageMetadata": usage})]


APIS: tuple[Api, ...] = (Messages(), Responses(), ChatCompletions(), GenerateContent())


def _typed(*events: tuple[str, Json]) -> Sequence[tuple[str, Json]]:
    return [(kind, {"type": kind, **event}) for kind, event in events]
