"""AWS as a stand-in: botocore asks and parses as always, and what would go over the network is answered here.

Answers are written as botocore's model of the service has them: a member that the model does not know is an
error of the test.
"""

import io
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

from botocore.awsrequest import (  # pyright: ignore[reportMissingTypeStubs]
    AWSPreparedRequest,
    AWSResponse,
)
from botocore.serialize import (  # pyright: ignore[reportMissingTypeStubs]
    CBORSerializer,
    JSONSerializer,
)
from botocore.session import Session  # pyright: ignore[reportMissingTypeStubs]

Answer = Any
"""The members of an output, what makes them of the input's, a `Refusal`, an exception, or a list of such."""


Model = Any
"""botocore's model of a service, which has no types."""


class Refusal:
    """An error that AWS answers with.

    Args:
        code: Its code.
        message: Its message.
        status: Its HTTP status.
        more: Other members.
    """

    def __init__(self, code: str, message: str = "", status: int = 400, **more: object) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.more = more


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


class StandIn:
    """A session of botocore whose requests are answered by a table.

    Args:
        answers: Answers by operation; a list is used up, its last is kept.

    Attributes:
        session: The session.
        asked: Operation, Region and parameters of each request.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        for operation, answer in answers.items():
            self.say(operation, answer)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.session: Any = Session()  # botocore has no types
        self.session.set_credentials("AKIATESTTESTTESTTEST", "secret")
        self.session.register("provide-client-params", self._note)
        self.session.register("before-send", self._answer)
        self._asking = threading.local()  # parameters and request of a call are of one thread

    def say(self, operation: str, answer: Answer, region: str = "") -> None:
        """Answer an operation so from now on, in all Regions or in one."""
        self._answers[operation, region] = (
            cast("list[Answer]", answer) if isinstance(answer, list) else [answer]
        )

    def operations(self) -> list[str]:
        """List the operations that were asked."""
        return [operation for operation, _, _ in self.asked]

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self._asking.params = params

    def _answer(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        sent: Any = request  # botocore has no types
        region = str(sent.headers["Authorization"], "ascii").split("/")[2]
        params = self._asking.params
        self.asked.append((operation, region, params))
        left = self._answers.get((operation, region)) or self._answers.get((operation, ""))
        if left is None:
            raise AssertionError(f"{operation} in {region} is not expected")
        answer: Answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        service = event_name.split(".")[1]
        model = self.session.get_service_model(_MODELS.get(service, service))
        if isinstance(answer, Refusal):
            return self._refused(sent.url, model, answer)
        value = cast("dict[str, Any]", answer(params) if callable(answer) else answer)
        return _response(sent.url, 200, *_encoded(model, operation, value))

    def _refused(self, url: str, model: Model, refusal: Refusal) -> AWSResponse:
        body = {"__type": refusal.code, "message": refusal.message, **refusal.more}
        headers = {"x-amzn-errortype": refusal.code}
        if model.resolved_protocol == "smithy-rpc-v2-cbor":
            headers["smithy-protocol"] = "rpc-v2-cbor"
            return _response(url, refusal.status, headers, _cbor({k: str(v) for k, v in body.items()}))
        return _response(url, refusal.status, headers, json.dumps(body).encode())


_MODELS = {"monitoring": "cloudwatch"}


def _encoded(model: Model, operation: str, value: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Write an answer as the service's protocol has it, by the operation's own shape."""
    shape = model.operation_model(operation).output_shape
    if model.resolved_protocol == "smithy-rpc-v2-cbor":
        written = bytearray()
        cbor: Any = CBORSerializer()
        cbor._serialize_data_item(written, value, shape)  # noqa: SLF001 - for inputs it is public
        return {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}, bytes(written)
    into: dict[str, Any] = {}
    plain: Any = JSONSerializer()
    plain._serialize(into, value, shape)  # noqa: SLF001 - as above
    return {"content-type": "application/json"}, json.dumps(into).encode()


def _cbor(texts: dict[str, str]) -> bytes:
    """Write a map of texts (RFC 8949, section 3)."""
    written = bytearray([0xA0 + len(texts)])
    for text in (word for pair in texts.items() for word in pair):
        encoded = text.encode()
        written += bytes([0x79]) + len(encoded).to_bytes(2, "big") + encoded
    return bytes(written)


def _response(url: str, status: int, headers: dict[str, str], body: bytes) -> AWSResponse:
    return AWSResponse(url, status, headers, _Raw(body))
