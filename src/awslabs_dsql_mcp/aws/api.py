"""Calls of AWS's APIs (Aurora DSQL, Backup, CloudWatch, Service Quotas, Pricing) with one identity.

botocore blocks, so each call has a thread that nobody has to wait for; it is imported, and a client is made,
at the first call. Whatever goes wrong leaves as an error of ours (see `api_errors`).
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, Protocol

from awslabs_dsql_mcp.aws.api_errors import ApiCall, api_error, not_aws
from awslabs_dsql_mcp.aws.credentials import Identity, create_session
from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, NotConfigured

Answer = Mapping[str, Any]
"""The members of an operation's output, as botocore parses them."""

_AT_ONCE: Final = 8
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 4, 8, 3
_CALL_SECONDS: Final = 20.0
_MOST_PAGES: Final = 20
_NAMES: Final[Mapping[str, str]] = {
    "dsql": "API: it was started by an older version. Stop all that use it, and start it anew",
    "cloudwatch": "CloudWatch",
    "service-quotas": "Service Quotas",
}


class Api(Protocol):
    """What reads from AWS."""

    async def call(self, service: str, operation: str, region: str, **members: object) -> Answer:
        """Call an operation.

        Args:
            service: botocore's name of the service, such as ``dsql``.
            operation: Name of the operation in the service's model, such as ``GetCluster``.
            region: Region whose endpoint is asked.
            members: Members of its input.

        Returns:
            The members of its output.

        Raises:
            DsqlError: What `api_errors.api_error` makes of what went wrong.
        """
        ...


class AwsApi:
    """AWS's APIs as one identity sees them.

    Args:
        identity: Who asks.
        endpoints: URLs of a local account's services, by botocore's name; it has no others. `None` for AWS.
        session: botocore's session; one of the identity by default.
    """

    def __init__(
        self,
        identity: Identity,
        endpoints: Mapping[str, str | None] | None = None,
        session: Any = None,  # noqa: ANN401 - botocore has no types
    ) -> None:
        self._identity = identity
        self._endpoints = endpoints
        self._session = session
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()  # botocore's sessions are not for several threads at once
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def call(self, service: str, operation: str, region: str, **members: object) -> Answer:
        """Call an operation: see `Api`."""
        called = ApiCall(service, operation, region)
        if self._endpoints is not None and not self._endpoints.get(service):
            raise NotConfigured(f"A local cluster has no {_NAMES.get(service, service)}.", code="local")

        def call() -> Answer:
            try:
                return self._answer(called, members)
            except DsqlError:
                raise
            except Exception as error:  # botocore, urllib3 and sources of credentials raise what they like
                raise api_error(error, called, self._identity.profile) from error

        async with self._turns:
            try:
                return await asyncio.wait_for(run_in_daemon_thread(call), _CALL_SECONDS)
            except asyncio.TimeoutError:
                raise ConnectionFailed(
                    f"AWS did not answer {called} within {_CALL_SECONDS:g} s.",
                    code="aws_timeout",
                    hint="Call again; if it persists, check the network of this server, and that a "
                    "credential_process of its profile ends.",
                ) from None

    def _answer(self, called: ApiCall, members: Mapping[str, object]) -> Answer:
        """Ask; an answer that lacks what the model requires is refused: whatever sent it is not AWS."""
        from botocore import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
            xform_name,  # pyright: ignore[reportUnknownVariableType]
        )

        client = self._client(called.service, called.region)
        answer: Answer = getattr(client, xform_name(called.operation))(**members)
        shape = client.meta.service_model.operation_model(called.operation).output_shape
        if shape is not None and not answer.keys() >= set(shape.required_members):
            raise not_aws(called)
        return answer

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - botocore has no types
        from botocore.config import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
            Config,
        )

        with self._making:
            if (service, region) not in self._clients:
                if self._session is None:
                    self._session = create_session(self._identity)
                self._clients[service, region] = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=(self._endpoints or {}).get(service),
                    config=Config(
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=_READ_SECONDS,
                        proxies=None
                        if self._endpoints is None
                        else {},  # a local account is no proxy's affair
                        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                    ),
                )
            return self._clients[service, region]


async def pages(
    api: Api, service: str, operation: str, region: str, members: Answer, following: str = "NextToken"
) -> AsyncGenerator[Answer]:
    """Call an operation until there are no more pages; at most twenty.

    Args:
        api: Who calls.
        service: As in `Api.call`.
        operation: As in `Api.call`.
        region: As in `Api.call`.
        members: Members of the input.
        following: Member of input and output that leads to the next page.
    """
    next_page: dict[str, object] = {}
    for _ in range(_MOST_PAGES):
        answer = await api.call(service, operation, region, **members, **next_page)
        yield answer
        if not answer.get(following):
            return
        next_page = {following: answer[following]}
