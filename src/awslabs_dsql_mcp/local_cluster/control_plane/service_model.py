"""AWS's own model of the API, as botocore brings it: routes, inputs, answers, errors.

What the model says of an input is checked here and nowhere else: required members, types, lengths, patterns,
enumerations. The model is that of the installed botocore; an operation that it does not know is unknown.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote

from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.service import Fault
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest

_LABEL: Final = re.compile(r"\{(\w+)\}")
# Of errors to which the model gives none (AWS Backup API reference).
_STATUS: Final = 400
_STATUSES: Final = {"ServiceUnavailableException": 500, "ThrottlingException": 400}
_UNMODELLED_STATUS: Final = 403  # of the errors of a signature
_CONTAINERS: Final = ("structure", "list", "map")
_NUMBERS: Final = ("integer", "long")
_TYPES: Final[Mapping[str, type]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "timestamp": float,
}
Refuse = Callable[[Fault, str, Mapping[str, str]], ServiceError]
"""Returns the error for an input that does not fit: see `service.Service`."""


@dataclass(frozen=True)
class _Route:
    """The way to an operation.

    Attributes:
        operation: botocore's model of it.
        method: HTTP method.
        path: Pattern of its path.
        flag: Name in the query string that tells it from another one; empty if none does.
    """

    operation: Any
    method: str
    path: "re.Pattern[str]"
    flag: str

    def match(self, request: HttpRequest) -> "re.Match[str] | None":
        """Match a request."""
        if self.method != request.method:
            return None
        if self.flag and self.flag not in parse_qs(request.query, keep_blank_values=True):
            return None
        return self.path.fullmatch(request.path)


class ServiceModel:
    """The API of a service as AWS's model describes it.

    Args:
        name: The place of the model among botocore's.
        refuse: Returns the error for an input that does not fit.
    """

    def __init__(self, name: str, refuse: Refuse) -> None:
        self._refuse = refuse
        data = Path(import_module("botocore").__file__ or "").with_name("data")
        loader = import_module("botocore.loaders").Loader([str(data)], include_default_search_paths=False)
        self._model: Any = import_module("botocore.model").ServiceModel(loader.load_data(name))
        routes = [_route(self._model.operation_model(name)) for name in self._model.operation_names]
        self._routes = sorted(routes, key=lambda route: not route.flag)

    def operation(self, request: HttpRequest) -> str:
        """Return the name of a request's operation.

        Raises:
            ServiceError: There is no such operation.
        """
        return str(self._match(request)[0].name)

    def read(self, request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Find the operation of a request, and read its input.

        Returns:
            The operation's name, and its input.

        Raises:
            ServiceError: There is no such operation, or the input is not valid.
        """
        operation, labels = self._match(request)
        shape = operation.input_shape
        return str(operation.name), self._input(shape, labels, request) if shape else {}

    def _match(self, request: HttpRequest) -> tuple[Any, dict[str, str]]:
        """Find botocore's model of a request's operation, and the values in the request's path."""
        for route in self._routes:
            matched = route.match(request)
            if matched:
                labels = {name: unquote(value) for name, value in matched.groupdict().items()}
                return route.operation, labels
        raise self._refuse("unknownOperation", f"There is no operation {request.method} {request.path}.", {})

    def _input(self, shape: Any, labels: Mapping[str, str], request: HttpRequest) -> dict[str, Any]:  # noqa: ANN401  botocore has no types; also below
        try:
            given = _input(shape, labels, request)
            faults = dict(_faults(shape, given, ""))
        except _UnreadableError as unreadable:
            fields = {unreadable.path: unreadable.text} if unreadable.path else {}
            raise self._refuse("cannotParse", unreadable.text, fields) from None
        if faults:
            texts = "; ".join(f"{name}: {text}" for name, text in faults.items())
            raise self._refuse("fieldValidationFailed", f"The input is not valid. {texts}", faults)
        return given

    def write(self, operation: str, answer: Mapping[str, object]) -> dict[str, object]:
        """Return the members of an answer that the model knows."""
        shape = self._model.operation_model(operation).output_shape
        members: Mapping[str, Any] = shape.members if shape else {}
        return {name: value for name, value in answer.items() if name in members and value is not None}

    def status_of(self, error: ServiceError) -> int:
        """Return the HTTP status of an error."""
        if error.code not in self._model.shape_names:
            return _STATUSES.get(error.code, _UNMODELLED_STATUS)
        modelled = self._model.shape_for(error.code).metadata
        return int(modelled.get("error", {}).get("httpStatusCode", _STATUSES.get(error.code, _STATUS)))


class _UnreadableError(Exception):
    """A value that is not of its type.

    Args:
        text: What is wrong.
        path: The path of its member, if it is known.
    """

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.text, self.path = text, path


def _route(operation: Any) -> _Route:  # noqa: ANN401
    path, _, flag = operation.http["requestUri"].partition("?")
    pattern = re.compile(_LABEL.sub(r"(?P<\1>[^/]+)", path))
    return _Route(operation, operation.http["method"], pattern, flag)


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
        raise _UnreadableError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise _UnreadableError("The body is not a JSON object.")
    return cast("dict[str, Any]", body)


def _from_text(shape: Any, text: str) -> object:  # noqa: ANN401
    """Read a value of the query string; what cannot be read stays a text, which is of another type."""
    kind = shape.type_name
    if kind in _NUMBERS and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "timestamp":
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(text.removesuffix("Z"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    return text


def _faults(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield what is wrong with a value: the path of its member, and a text."""
    kind = shape.type_name
    if not _is_of(kind, value):
        raise _UnreadableError(f"{path} is not of type {kind}.", path)
    if kind in _CONTAINERS:
        yield from _faults_inside(shape, value, path)
    elif kind == "string":
        yield from _size(shape, len(value), path, "is {} characters long")
        yield from _text_faults(shape, value, path)
    elif kind in _NUMBERS:
        yield from _size(shape, value, path, "is {}")


def _is_of(kind: str, value: object) -> bool:
    expected: type = _TYPES.get(kind, object)
    if isinstance(value, bool):
        return expected in (bool, object)
    return isinstance(value, expected) or (expected is float and isinstance(value, int))


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
