"""Clients of the local cluster's API, each answer of which is held against AWS's model as botocore brings it.

The check is written anew here, apart from the one that the local cluster reads inputs by.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster

Client = Any  # boto3 makes its clients, and botocore its models, at run time
Answer = Any
Shape = Any
Clients = Callable[[str], Client]
"""Makes the client of a Region."""


def client(cluster: LocalCluster, region: str = "us-east-1", *, service: str = "dsql", **keys: str) -> Client:
    """A client of boto3 whose every answer is checked."""
    boto3, config = import_module("boto3"), import_module("botocore.config")  # untyped
    made: Client = boto3.client(
        service,
        region_name=region,
        endpoint_url=cluster.api_url,
        aws_access_key_id=keys.get("access_key", cluster.access_key),
        aws_secret_access_key=keys.get("secret_key", cluster.secret_key),
        aws_session_token=keys.get("session_token"),
        config=config.Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    made.meta.events.register(f"after-call.{service}", _check_answer)
    return made


def _check_answer(http_response: Answer, parsed: Answer, model: Shape, **_: object) -> None:
    content = json.loads(http_response.content)
    if http_response.status_code >= 300:
        code = parsed["Error"]["Code"]
        shapes = {shape.name: shape for shape in model.error_shapes}
        if http_response.headers["x-amzn-ErrorType"] in _COMMON:
            return
        if "does not offer" not in parsed["Error"]["Message"]:
            assert code in shapes, f"{model.name} has no {code}"
        shape = model.service_model.shape_for(code)
        assert http_response.status_code == shape.metadata.get("error", {}).get("httpStatusCode", 400)
    else:
        shape = model.output_shape
        assert http_response.status_code == model.http.get("responseCode", 200)
    faults = list(_faults(shape, content, model.name)) if shape else []
    assert not faults, faults


_TYPES: Mapping[str, object] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "long": int,
    "timestamp": (int, float),
}
_COMMON = {
    "ThrottlingException",
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
}


def _faults(shape: Shape, value: Answer, path: str) -> Iterator[str]:
    """Yield how a value differs from its shape."""
    expected: Any = _TYPES[shape.type_name]
    if not isinstance(value, expected):
        yield f"{path}: {value!r} is no {shape.type_name}"
    elif shape.type_name == "structure":
        yield from (f"{path}: {name} is missing" for name in shape.required_members if name not in value)
        yield from (f"{path}: {name} is unknown" for name in value if name not in shape.members)
        for name in value.keys() & shape.members.keys():
            yield from _faults(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from _faults(shape.key, key, f"{path} key")
            yield from _faults(shape.value, member, f"{path}.{key}")
    elif shape.type_name == "list":
        for member in value:
            yield from _faults(shape.member, member, f"{path}[]")
    elif shape.type_name == "string" and not _fits(shape, value):
        yield f"{path}: {value!r} does not fit {shape.metadata}"


def _fits(shape: Shape, text: str) -> bool:
    pattern, values = shape.metadata.get("pattern", ".*"), shape.metadata.get("enum", [text])
    return re.fullmatch(pattern, text, re.DOTALL) is not None and text in values


@dataclass(frozen=True)
class Refused:
    """An error that the API answered with."""

    code: str
    message: str
    members: Answer

    @property
    def reason(self) -> str | None:
        """The reason, of a ValidationException."""
        return self.members.get("reason")

    @property
    def fields(self) -> list[str]:
        """The names of the members that are not valid."""
        return [field["name"] for field in self.members.get("fieldList", [])]


def refusal(call: Callable[[], object]) -> Refused:
    """The error of a call that is refused."""
    error: Any = import_module("botocore.exceptions").ClientError
    with pytest.raises(error) as refused:
        call()
    response: Answer = refused.value.response
    return Refused(response["Error"]["Code"], response["Error"]["Message"], response)
