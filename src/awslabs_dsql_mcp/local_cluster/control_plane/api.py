"""The APIs: a request in, a response out, by way of the signature, AWS's model and the operation.

All services have one address: the signature says which of them a request is for.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.dsql.regions import REGIONS
from awslabs_dsql_mcp.local_cluster.control_plane import (
    account_file,
    identity,
    operations,
    service,
    signature,
)
from awslabs_dsql_mcp.local_cluster.control_plane.account import Moment
from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile
from awslabs_dsql_mcp.local_cluster.control_plane.backup import operations as backup_operations
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.service import Service
from awslabs_dsql_mcp.local_cluster.control_plane.service_model import ServiceModel
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials

_log = logging.getLogger(__name__)


SERVICES: Final[Mapping[str, Service]] = {
    each.name: each for each in (operations.SERVICE, backup_operations.SERVICE)
}
"""The services, by their names in signatures."""


@dataclass(frozen=True)
class HttpResponse:
    """A response.

    Attributes:
        status: Its status.
        headers: Its headers.
        body: Its body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Api:
    """The API of one account; threads may share it.

    Args:
        keys: The keys that sign requests.
        accounts: Returns the account; it may fail, which is told to each request.
        moment: Returns the time at which a request is answered.
        is_to_fail: Returns true if the next call was asked to fail in a way.
    """

    def __init__(
        self,
        keys: Credentials,
        accounts: Callable[[], AccountFile],
        moment: Callable[[], Moment],
        is_to_fail: Callable[[str], bool],
    ) -> None:
        self._keys, self._accounts, self._moment = keys, accounts, moment
        self._is_to_fail = is_to_fail
        self._models: dict[str, ServiceModel] = {}

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; whatever goes wrong is an error of the API."""
        if identity.is_asked(request):
            return self._identify(request)
        try:
            scope = signature.check(request, self._keys, self._now(), SERVICES)
        except ServiceError as error:
            return self._refuse(operations.SERVICE, error)
        asked = SERVICES[scope.service]
        try:
            return _response(200, self._answer(asked, scope.region, request), {})
        except ServiceError as error:
            return self._refuse(asked, error)
        except Exception:  # noqa: BLE001  a fault of ours, which must not end the connection without an answer
            _log.exception("%s %s failed", request.method, request.path)
            return self._refuse(asked, ServiceError(asked.fault, "The log of the cluster has the cause."))

    def _identify(self, request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        try:
            signature.check(request, self._keys, self._now(), (identity.SERVICE,))
            status, body = 200, identity.answer(request, self._keys.access_key, request_id)
        except ServiceError as error:
            status = 400 if error.code == "InvalidAction" else 403
            body = identity.refusal(error, request_id)
        return HttpResponse(status, {"content-type": "text/xml", "x-amzn-RequestId": request_id}, body)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), timezone.utc)

    def _answer(self, asked: Service, region: str, request: HttpRequest) -> Mapping[str, object]:
        if self._is_to_fail("throttle"):
            raise ServiceError("ThrottlingException", "Rate exceeded")
        at = self._moment()
        if region not in REGIONS:
            text = f"The local cluster knows no Region {region} of Aurora DSQL."
            raise asked.refuse_input("other", text, {})
        model = self._model(asked)
        if model.operation(request) not in asked.operations:
            raise asked.refuse_operation(model.operation(request))
        operation, given = model.read(request)
        call = service.Call(region, at, account_file.new_identifier, self._is_to_fail)
        answer = self._accounts().change(lambda account: service.run(asked, operation, account, call, given))
        return model.write(operation, answer)

    def _model(self, asked: Service) -> ServiceModel:
        """Return the model of a service, read when it is first asked for."""
        if asked.name not in self._models:
            self._models[asked.name] = ServiceModel(asked.model, asked.refuse_input)
        return self._models[asked.name]

    def _refuse(self, asked: Service, error: ServiceError) -> HttpResponse:
        body = {asked.message: error.message, **error.members}
        status = self._model(asked).status_of(error)
        return _response(status, body, {"x-amzn-ErrorType": error.code})


def _response(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> HttpResponse:
    common = {"content-type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
    return HttpResponse(status, {**common, **headers}, json.dumps(body).encode())
