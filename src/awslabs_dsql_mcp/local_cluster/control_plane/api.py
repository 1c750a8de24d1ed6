"""The API: a request in, a response out, by way of the signature, AWS's model and the operation."""

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from awslabs_dsql_mcp.dsql.regions import REGIONS
from awslabs_dsql_mcp.local_cluster.control_plane import account_file, operations, signature
from awslabs_dsql_mcp.local_cluster.control_plane.account import Moment
from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError, invalid
from awslabs_dsql_mcp.local_cluster.control_plane.service_model import ServiceModel
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials

_log = logging.getLogger(__name__)


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
    """

    def __init__(
        self,
        keys: Credentials,
        accounts: Callable[[], AccountFile],
        moment: Callable[[], Moment],
    ) -> None:
        self._keys, self._accounts, self._moment = keys, accounts, moment
        self._model = ServiceModel()

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; whatever goes wrong is an error of the API."""
        try:
            return _response(200, self._answer(request), {})
        except ServiceError as error:
            return self._refuse(error)
        except Exception:  # noqa: BLE001  a fault of ours, which must not end the connection without an answer
            _log.exception("%s %s failed", request.method, request.path)
            return self._refuse(
                ServiceError("InternalServerException", "The log of the cluster has the cause.")
            )

    def _answer(self, request: HttpRequest) -> Mapping[str, object]:
        at = self._moment()
        region = signature.check(request, self._keys, datetime.fromtimestamp(at.now, timezone.utc))
        if region not in REGIONS:
            raise invalid(f"The local cluster knows no Region {region} of Aurora DSQL.")
        operation, given = self._model.read(request)
        call = operations.Call(region, at, account_file.new_identifier)
        answer = self._accounts().change(lambda account: operations.run(operation, account, call, given))
        return self._model.write(operation, answer)

    def _refuse(self, error: ServiceError) -> HttpResponse:
        body = {"message": error.message, **error.members}
        return _response(self._model.status_of(error), body, {"x-amzn-ErrorType": error.code})


def _response(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> HttpResponse:
    common = {"content-type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
    return HttpResponse(status, {**common, **headers}, json.dumps(body).encode())
