"""Signatures of requests: AWS Signature Version 4 in its header form, checked. Pure.

Source: IAM user guide, "Create a signed AWS API request"; texts of refusals: AWS General Reference, "Common
errors", and answers of AWS's services in the public record.
The path is encoded twice, as everywhere but in S3.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"
_SKEW: Final = timedelta(minutes=5)
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<key>[^/\s,]+)/(?P<day>\d{{8}})/(?P<region>[^/\s,]*)/(?P<service>[^/\s,]*)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]+)\s*"
)


@dataclass(frozen=True)
class HttpRequest:
    """A request as it was received.

    Attributes:
        method: Its method.
        path: Its path, as it was encoded.
        query: Its query string, as it was encoded.
        headers: Values by the header's name in lower case, in the order of their coming.
        body: Its body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, Sequence[str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the values of a header, joined; empty without it."""
        return ",".join(" ".join(value.split()) for value in self.headers.get(name, ()))


@dataclass(frozen=True)
class Scope:
    """What a request is signed for.

    Attributes:
        region: The Region.
        service: The service.
    """

    region: str
    service: str


def check(request: HttpRequest, keys: Credentials, now: datetime, services: Collection[str]) -> Scope:
    """Check the signature of a request.

    Args:
        request: The request.
        keys: The keys that must have signed it; their Region does not matter.
        now: The time, with its zone.
        services: Names of the services that it may be for.

    Returns:
        What it is signed for.

    Raises:
        ServiceError: The signature is missing or not valid.
    """
    authorization = request.header("authorization")
    if not authorization:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    scope = _AUTHORIZATION.fullmatch(authorization)
    signed = scope["headers"].split(";") if scope else []
    if scope is None or not {"host", "x-amz-date"} <= set(signed):
        raise ServiceError(
            "IncompleteSignatureException", "The header Authorization is no signature of version 4."
        )
    if scope["key"] != keys.access_key or request.header("x-amz-security-token"):
        raise ServiceError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    _check_time(request.header("x-amz-date"), scope["day"], now)
    if scope["service"] not in services:
        named = " or ".join(f"'{service}'" for service in services)
        raise _wrong(f"Credential should be scoped to correct service: {named}.")
    place = f"{scope['day']}/{scope['region']}/{scope['service']}/aws4_request"
    expected = _signature(request, signed, place, keys.secret_key)
    if not hmac.compare_digest(expected, scope["signature"]):
        raise _wrong(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
    return Scope(scope["region"], scope["service"])


def _check_time(stamp: str, day: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(stamp, _TIMESTAMP).replace(tzinfo=timezone.utc)
    except ValueError:
        raise _wrong("Date must be in ISO-8601 'basic format'.") from None
    if day != stamp[:8]:
        raise _wrong("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.")
    for limit, is_late, text in (
        (now - _SKEW, signed_at < now - _SKEW, "Signature expired: {} is now earlier than {} ({} - 5 min.)"),
        (
            now + _SKEW,
            signed_at > now + _SKEW,
            "Signature not yet current: {} is still later than {} ({} + 5 min.)",
        ),
    ):
        if is_late:
            raise _wrong(text.format(stamp, limit.strftime(_TIMESTAMP), now.strftime(_TIMESTAMP)))


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", message)


def _signature(request: HttpRequest, signed: Sequence[str], scope: str, secret: str) -> str:
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/~"),
            "&".join(
                sorted(part if "=" in part else part + "=" for part in request.query.split("&") if part)
            ),
            *(f"{name}:{request.header(name)}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join((_ALGORITHM, request.header("x-amz-date"), scope, digest))
    return hmac.digest(key, text.encode(), "sha256").hex()
