"""Errors of AWS's APIs in words: what was asked, what AWS said, who can mend it.

Sources: botocore's service models; AWS General Reference, "Common Error Types"; IAM user guide,
"Troubleshoot access denied error messages".
"""

import os
import re
from dataclasses import dataclass
from typing import Any, Final, cast

from awslabs_dsql_mcp.aws.credential_errors import credential_error, unusable_environment
from awslabs_dsql_mcp.aws.credential_reasons import reason_of
from awslabs_dsql_mcp.errors import (
    Busy,
    ConnectionFailed,
    DsqlError,
    NotConfigured,
    PermissionDenied,
    RequestInvalid,
)
from awslabs_dsql_mcp.text import as_line

# Prefixes of IAM's actions, where they differ from botocore's name of the service.
_PREFIXES: Final = {"service-quotas": "servicequotas"}
_DENIED: Final = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
_MOST: Final = 300  # characters of what AWS says


@dataclass(frozen=True)
class ApiCall:
    """An operation in a Region.

    Attributes:
        service: botocore's name of the service.
        operation: The operation.
        region: The Region.
    """

    service: str
    operation: str
    region: str

    @property
    def action(self) -> str:
        """Name of IAM's action."""
        return f"{_PREFIXES.get(self.service, self.service)}:{self.operation}"

    def __str__(self) -> str:
        """Name it."""
        return f"{self.action} in {self.region}"


@dataclass(frozen=True)
class _Rule:
    """An error for some of AWS's codes; ``{call}``, ``{action}``, ``{region}``, ``{said}`` are filled in."""

    codes: frozenset[str]
    kind: type[DsqlError]
    code: str
    message: str
    hint: str


_RULES: Final = (
    _Rule(
        frozenset(("AccessDeniedException", "AccessDenied", "AuthorizationError", "UnauthorizedOperation")),
        PermissionDenied,
        "aws_access_denied",
        "AWS does not permit {action} in {region} to this server's identity.",
        "The operator can add {action} to its policy; the database tools do not need it.",
    ),
    _Rule(
        frozenset(("ResourceNotFoundException", "NotFoundException")),
        RequestInvalid,
        "aws_not_found",
        "AWS knows nothing of that name in {region}: {said}",
        "Check the id and the Region: a cluster is known in its own Region alone.",
    ),
    _Rule(
        frozenset(("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")),
        Busy,
        "aws_throttled",
        "AWS throttles {call}, also after repetitions.",
        "Call again in some seconds, and less often.",
    ),
    _Rule(
        frozenset(("ExpiredToken", "ExpiredTokenException")),
        ConnectionFailed,
        "credentials_expired",
        "The AWS credentials have expired.",
        "Renew them (such as `aws sso login`) and try again.",
    ),
    _Rule(
        frozenset(("RequestTimeTooSkewed", "RequestExpired")),
        ConnectionFailed,
        "clock",
        "AWS refuses the time of the request: the clock of this machine is wrong.",
        "Set the clock (NTP) and try again.",
    ),
    _Rule(
        frozenset(("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired")),
        ConnectionFailed,
        "credentials_refused",
        "AWS does not know the access key in {region}.",
        "Renew the credentials; a Region that has to be opted into knows no keys before that.",
    ),
    _Rule(
        frozenset(("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature")),
        ConnectionFailed,
        "credentials_refused",
        "AWS refuses the signature of the request: the secret key does not belong to the access key.",
        "Correct the credentials that this server uses.",
    ),
    _Rule(
        frozenset(("ServiceQuotaExceededException",)),
        RequestInvalid,
        "aws_quota",
        "A quota of AWS is used up: {said}",
        "Delete what is not needed, or ask for more in Service Quotas (service `dsql`).",
    ),
    _Rule(
        frozenset(("ConflictException",)),
        RequestInvalid,
        "aws_conflict",
        "AWS refuses {call} in the present state: {said}",
        "Look at the state, and try again when it has changed.",
    ),
)
_INVALID: Final = re.compile(r"Validation|Invalid|Missing|IllegalArgument|Malformed")


def api_error(error: Exception, called: ApiCall, profile: str | None = None) -> DsqlError:
    """Translate what a call of an API raised.

    Args:
        error: The exception.
        called: The call.
        profile: AWS profile, for advice; ``None`` if it is not known.

    Returns:
        `PermissionDenied`, `RequestInvalid`, `Busy` or `ConnectionFailed`; `NotConfigured` where the
        configuration of credentials is wrong.
    """
    from botocore import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
        exceptions as aws,
    )
    from botocore.parsers import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as above
        ResponseParserError,
    )

    # STS or SSO may have refused what would have signed the call.
    if isinstance(error, aws.ClientError) and vars(error).get("operation_name") in (None, called.operation):
        return _client_error(vars(error)["response"], called)
    if isinstance(error, aws.ParamValidationError):
        return RequestInvalid(
            f"{called} cannot be asked so: {as_line(str(error), _MOST)}", code="aws_invalid"
        )
    where = _own_endpoint(called.service)
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError)):
        return _unusable_environment() or ConnectionFailed(
            f"AWS could not be reached for {called} ({reason_of(error)}).",
            code="aws_unreachable",
            hint=_way(called, where, is_proxy=isinstance(error, aws.ProxyConnectionError)),
        )
    if where and isinstance(error, ValueError):
        return NotConfigured(
            f"{where} of this server is no URL.",
            code="environment",
            hint="The operator can correct or unset it.",
        )
    if isinstance(error, ResponseParserError):
        return not_aws(called)
    return credential_error(error, profile)


def _unusable_environment() -> NotConfigured | None:
    return unusable_environment(os.environ)  # noqa: TID251 - botocore reads it itself


def _way(called: ApiCall, where: str, *, is_proxy: bool) -> str:
    """Say what lies between this machine and AWS, and may be wrong."""
    if is_proxy:
        return "Correct HTTPS_PROXY of this server, or start the proxy."
    if where:
        return f"{where} of this server names where it is asked: check that."
    meant = _meant_region(called.region)
    return f"{meant}Check the name of the Region, and the network and HTTPS_PROXY of this server."


def _meant_region(name: str) -> str:
    """Ask for the Region that was meant by a name of none; botocore may not know the newest."""
    from difflib import get_close_matches  # noqa: PLC0415 - where a call has failed

    from botocore.session import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
        Session,
    )

    known = [
        region
        for partition in ("aws", "aws-cn", "aws-us-gov")
        for region in cast("list[str]", Session().get_available_regions("ec2", partition))  # pyright: ignore[reportUnknownMemberType] - no types
    ]
    close = [] if name in known else get_close_matches(name, known, 2)
    return f"Did you mean {' or '.join(close)}? " if close else ""


def not_aws(called: ApiCall) -> ConnectionFailed:
    """Say that something else answered."""
    return ConnectionFailed(
        f"What answered {called} is not AWS's API.",
        code="aws_unreachable",
        hint="Check HTTPS_PROXY and AWS_ENDPOINT_URL of this server.",
    )


def _own_endpoint(service: str) -> str:
    """Name the variable that sets the endpoint of a service (AWS SDKs, "Service-specific endpoints")."""
    names = (f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", "AWS_ENDPOINT_URL")
    environ = os.environ  # noqa: TID251 - botocore reads it itself
    return next((name for name in names if environ.get(name)), "")


def _client_error(response: dict[str, Any], called: ApiCall) -> DsqlError:
    told = response.get("Error", {})
    code, said = str(told.get("Code", "")), as_line(str(told.get("Message", "")), _MOST)
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in ("InvalidSignatureException", "SignatureDoesNotMatch") and re.search(r"expired|not yet", said):
        code = "RequestTimeTooSkewed"
    rule = next((rule for rule in _RULES if code in rule.codes), None)
    if rule is not None:
        denied = _DENIED.search(said)
        words = {"call": str(called), "region": called.region, "said": said or code}
        words["action"] = denied[1] if denied else called.action
        return rule.kind(rule.message.format(**words), code=rule.code, hint=rule.hint.format(**words))
    if _INVALID.search(code):
        return RequestInvalid(
            f"AWS refuses {called}: {_fields(response) or said or code}",
            code="aws_invalid",
            hint="Correct the arguments.",
        )
    if status >= 500:  # noqa: PLR2004 - HTTP
        return Busy(
            f"AWS could not carry out {called} ({code or status}), also after repetitions.",
            code="aws_failed",
            hint="Call again in some seconds; the AWS Health Dashboard tells of disturbances.",
        )
    return ConnectionFailed(f"AWS refused {called} ({code or status}): {said}", code="aws_refused")


def _fields(response: dict[str, Any]) -> str:
    """List what a ValidationException says of each field."""
    found = [
        f"{field.get('name', '')}: {field.get('message', '')}"
        for field in cast("list[dict[str, Any]]", response.get("fieldList") or ())
    ]
    return as_line("; ".join(found), _MOST)
