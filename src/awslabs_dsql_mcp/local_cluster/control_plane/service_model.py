"""AWS's own model of the API, as botocore brings it: routes, inputs, answers, errors.

What the model says of an input is checked here and nowhere else: required members, types, lengths, patterns,
enumerations. The model is that of the installed botocore; an operation that it does not know is unknown.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote

from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError, invalid, not_valid
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest

_MODEL: Final = "dsql/2018-05-10/service-2"
_LABEL: Final = re.compile(r"\{(\w+)\}")
_UNMODELLED_STATUS: Final = 403  # of the errors of a signature
_CONTAINERS: Final = ("structure", "list", "map")
_TYPES: Final[Mapping[str, type]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}


@dataclass(frozen=True)
class _Route:
    """The way to an operation.

    Attributes:
        operation: botocore's model of it.
        method: HTTP method.
        path: Pattern of its path.
    """

    operation: Any
    method: str
    path: "re.Pattern[str]"


class ServiceModel:
    """The API of Aurora DSQL as AWS's model describes it."""

    def __init__(self) -> None:
        data = Path(import_module("botocore").__file__ or "").with_name("data")
        loader = import_module("botocore.loaders").Loader([str(data)], include_default_search_paths=False)
        self._model: Any = import_module("botocore.model").ServiceModel(loader.load_data(_MODEL))
        self._routes = [_route(self._model.operation_model(name)) for name in self._model.operation_names]

    def read(self, request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Find the operation of a request, and read its input.

        Returns:
            The operation's name, and its input.

        Raises:
            ServiceError: There is no such operation, or the input is not valid.
        """
        for route in self._routes:
            matched = route.path.fullmatch(request.path) if route.method == request.method else None
            if matched:
                labels = {name: unquote(value) for name, value in matched.groupdict().items()}
                given = _input(route.operation.input_shape, labels, request)
                _check(route.operation.input_shape, given)
                return str(route.operation.name), given
        raise invalid(f"There is no operation {request.method} {request.path}.", reason="unknownOperation")

    def write(self, operation: str, answer: Mapping[str, object]) -> dict[str, object]:
        """Return the members of an answer that the model knows."""
        shape = self._model.operation_model(operation).output_shape
        members: Mapping[str, Any] = shape.members if shape else {}
        return {name: value for name, value in answer.items() if name in members}

    def status_of(self, error: ServiceError) -> int:
        """Return the HTTP status of an error."""
        if error.code not in self._model.shape_names:
            return _UNMODELLED_STATUS
        return int(self._model.shape_for(error.code).metadata["error"]["httpStatusCode"])


def _route(operation: Any) -> _Route:  # noqa: ANN401  botocore has no types; also below
    path = _LABEL.sub(r"(?P<\1>[^/]+)", operation.http["requestUri"])
    return _Route(operation, operation.http["method"], re.compile(path))


def _input(shape: Any, labels: Mapping[str, str], request: HttpRequest) -> dict[str, Any]:  # noqa: ANN401
    """Gather an input from path, query string and body."""
    query = parse_qs(request.query, keep_blank_values=True)
    body = _body(request.body)
    given: dict[str, Any] = {}
    for name, member in shape.members.items():
        location, key = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "uri":
            given[name] = labels[key]
        elif location == "querystring":
            if key in query:
                given[name] = query[key] if member.type_name == "list" else _from_text(member, query[key][0])
        elif body.get(key) is not None:
            given[name] = body[key]
    return given


def _body(content: bytes) -> dict[str, Any]:
    try:
        body: Any = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        raise invalid("The body is not JSON.", reason="cannotParse") from None
    if not isinstance(body, dict):
        raise invalid("The body is not a JSON object.", reason="cannotParse")
    return cast("dict[str, Any]", body)


def _from_text(shape: Any, text: str) -> object:  # noqa: ANN401
    if shape.type_name == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return text


def _check(shape: Any, given: dict[str, Any]) -> None:  # noqa: ANN401
    faults = dict(_faults(shape, given, ""))
    if faults:
        texts = "; ".join(f"{name}: {text}" for name, text in faults.items())
        raise not_valid(f"The input is not valid. {texts}", faults)


def _faults(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield what is wrong with a value: the path of its member, and a text."""
    kind = shape.type_name
    if not _is_of(kind, value):
        raise invalid(f"{path} is not of type {kind}.", path, reason="cannotParse")
    if kind in _CONTAINERS:
        yield from _faults_inside(shape, value, path)
    elif kind == "string":
        yield from _size(shape, len(value), path, "is {} characters long")
        yield from _text_faults(shape, value, path)
    elif kind == "integer":
        yield from _size(shape, value, path, "is {}")


def _is_of(kind: str, value: object) -> bool:
    expected: type = _TYPES.get(kind, object)
    return isinstance(value, expected) and not (expected is int and isinstance(value, bool))


def _faults_inside(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if shape.type_name == "list":
        yield from _size(shape, len(value), path, "has {} members")
        for number, member in enumerate(value):
            yield from _faults(shape.member, member, f"{path}[{number}]")
    elif shape.type_name == "map":
        yield from _size(shape, len(value), path, "has {} entries")
        for key, member in value.items():
            yield from _faults(shape.key, key, f"{path} key")
            yield from _faults(shape.value, member, _join(path, key))
    else:
        given = [name for name in shape.members if value.get(name) is not None]
        yield from (
            (_join(path, name), "is required") for name in shape.required_members if name not in given
        )
        for name in given:
            yield from _faults(shape.members[name], value[name], _join(path, name))


def _size(shape: Any, size: int, path: str, text: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield path, f"{text.format(size)}, at least {least}"
    if most is not None and size > most:
        yield path, f"{text.format(size)}, at most {most}"


def _text_faults(shape: Any, text: str, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    pattern, values = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not re.fullmatch(pattern, text):
        yield path, f"does not match {pattern}"
    if values and text not in values:
        yield path, f"is none of {', '.join(values)}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
