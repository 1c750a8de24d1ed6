"""Identity of who signs requests: AWS STS with its one operation that needs no permission. Pure.

STS speaks the query protocol: a form comes, XML goes (AWS STS API reference, GetCallerIdentity and "Common
errors"; botocore's model ``sts``, 2011-06-15). It lends no keys here: the account has one pair.
"""

from typing import Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from awslabs_dsql_mcp.local_cluster.control_plane.arns import ACCOUNT_ID
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest

SERVICE: Final = "sts"
"""Its name in signatures."""

CALLER: Final = f"arn:aws:iam::{ACCOUNT_ID}:user/local"
"""ARN of the one user of the account."""

_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
_OPERATION: Final = "GetCallerIdentity"
_FORM: Final = "application/x-www-form-urlencoded"
# Names of what is wrong with a signature, where the query protocol has others than the JSON one.
_CODES: Final = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
}


def is_asked(request: HttpRequest) -> bool:
    """Return true for a request in STS's protocol, which no other service of the account speaks."""
    return request.header("content-type").partition(";")[0].strip().lower() == _FORM


def answer(request: HttpRequest, access_key: str, request_id: str) -> bytes:
    """Tell the caller.

    Args:
        request: A request whose signature was checked.
        access_key: The key that signed it, which is the user's id too.
        request_id: The answer's own id.

    Raises:
        ServiceError: Another operation is asked for.
    """
    form = parse_qs(request.body.decode("utf-8", "replace"))
    operation = form.get("Action", [""])[0]
    if operation != _OPERATION:
        raise ServiceError(
            "InvalidAction",
            f"The local account's STS has {_OPERATION} alone, not {operation or 'no action'}.",
        )
    result = f"<Arn>{CALLER}</Arn><UserId>{escape(access_key)}</UserId><Account>{ACCOUNT_ID}</Account>"
    return _document(
        f"{_OPERATION}Response", f"<{_OPERATION}Result>{result}</{_OPERATION}Result>{_metadata(request_id)}"
    )


def refusal(error: ServiceError, request_id: str) -> bytes:
    """Word an error as STS does."""
    code = _CODES.get(error.code, error.code)
    told = f"<Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(error.message)}</Message>"
    return _document("ErrorResponse", f"<Error>{told}</Error><RequestId>{request_id}</RequestId>")


def _metadata(request_id: str) -> str:
    return f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"


def _document(name: str, inside: str) -> bytes:
    return f'<{name} xmlns="{_NAMESPACE}">{inside}</{name}>'.encode()
