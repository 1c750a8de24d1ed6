"""IAM tokens, which Aurora DSQL takes as passwords: issued and checked with one pair of keys.

A token is a presigned URL without its scheme (AWS Signature Version 4, query string form):
``HOST/?Action=DbConnect&X-Amz-Algorithm=…&X-Amz-Credential=KEY/DAY/REGION/dsql/aws4_request&…``.
Source: Aurora DSQL user guide, "Generating an authentication token"; the AWS general reference on
Signature Version 4: the parameters may come in any order, and AWS's SDK for JavaScript sorts them with the
signature among them. The signature itself is botocore's work. Nothing here reads a clock.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from importlib import import_module
from urllib.parse import parse_qsl, urlencode, urlsplit

from awslabs_dsql_mcp.dsql import limits

ADMIN = "admin"
_CLOCK_SKEW = timedelta(minutes=5)
_ALGORITHM = "AWS4-HMAC-SHA256"
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SIGNATURE = "X-Amz-Signature="


@dataclass(frozen=True)
class Credentials:
    """The access keys and the region of a local cluster."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str


class TokenRefused(Exception):
    """A token that is not valid.

    Args:
        hint: Text of the HINT field, if Aurora DSQL sends one.
    """

    def __init__(self, hint: str | None = None) -> None:
        super().__init__(hint or "access denied")
        self.hint = hint


@dataclass(frozen=True)
class _Claims:
    """Contents of a token, to be trusted only once its signature is checked."""

    host: str
    action: str
    access_key: str
    region: str
    signed_at: datetime
    lifetime: int
    unsigned: str
    signature: str


def action_for(user: str) -> str:
    """Return the IAM action that a database role needs: ``DbConnectAdmin`` for ``admin`` alone."""
    return "DbConnectAdmin" if user == ADMIN else "DbConnect"


def issue(
    host: str,
    user: str,
    credentials: Credentials,
    now: datetime,
    lifetime: int = limits.DEFAULT_TOKEN_SECONDS,
) -> str:
    """Make a token for `user` at `host`, valid for `lifetime` seconds from `now`."""
    day, signed_at = now.strftime("%Y%m%d"), now.strftime(_TIMESTAMP)
    query = {
        "Action": action_for(user),
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{day}/{credentials.region}/dsql/aws4_request",
        "X-Amz-Date": signed_at,
        "X-Amz-Expires": lifetime,
        "X-Amz-SignedHeaders": "host",
    }
    unsigned = f"{host}/?{urlencode(query)}"
    return f"{unsigned}&{_SIGNATURE}" + _sign(unsigned, signed_at, credentials)


def check(token: str, hosts: Collection[str], user: str, credentials: Credentials, now: datetime) -> None:
    """Check a token.

    Args:
        token: The password that the client sent.
        hosts: The names, in lower case, of what the client asked for in TLS (SNI).
        user: The database role of the startup packet.
        credentials: The keys that must have signed the token.
        now: The time, with its zone.

    Raises:
        TokenRefused: The token is not valid; the hint is that of Aurora DSQL.
    """
    try:
        claims = _read(token)
    except (KeyError, ValueError):
        raise TokenRefused from None
    _check_origin(claims, hosts, credentials)
    _check_time(claims, now)
    if claims.action != action_for(user):
        raise TokenRefused(f"Wrong user to action mapping. user: {user}, action: {claims.action}")


def _read(token: str) -> _Claims:
    """Parse a token.

    Raises:
        KeyError: A field is missing.
        ValueError: A field is not valid in Signature Version 4 for Aurora DSQL.
    """
    path, _, parameters = token.partition("?")
    (signature,) = (part for part in parameters.split("&") if part.startswith(_SIGNATURE))
    unsigned = path + "?" + "&".join(part for part in parameters.split("&") if part != signature)
    url = urlsplit("https://" + unsigned)
    pairs = parse_qsl(url.query, keep_blank_values=True, strict_parsing=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise ValueError("a parameter comes twice")
    access_key, day, region, service, terminator = query["X-Amz-Credential"].split("/")
    signed_at = datetime.strptime(query["X-Amz-Date"], _TIMESTAMP).replace(tzinfo=timezone.utc)
    given = (url.path, query["X-Amz-Algorithm"], query["X-Amz-SignedHeaders"], service, terminator, day)
    if given != ("/", _ALGORITHM, "host", "dsql", "aws4_request", signed_at.strftime("%Y%m%d")):
        raise ValueError("not a token for Aurora DSQL")
    lifetime = int(query["X-Amz-Expires"])
    if lifetime <= 0:
        raise ValueError("lifetime out of range")
    proof = signature.removeprefix(_SIGNATURE)
    return _Claims(url.netloc, query["Action"], access_key, region, signed_at, lifetime, unsigned, proof)


def _check_origin(claims: _Claims, hosts: Collection[str], credentials: Credentials) -> None:
    named = (claims.access_key, claims.region)
    if claims.host.lower() not in hosts or named != (credentials.access_key, credentials.region):
        raise TokenRefused
    expected = _sign(claims.unsigned, claims.signed_at.strftime(_TIMESTAMP), credentials)
    if not hmac.compare_digest(expected.encode(), claims.signature.encode()):
        raise TokenRefused


def _check_time(claims: _Claims, now: datetime) -> None:
    if claims.lifetime > limits.MAX_TOKEN_SECONDS:
        raise TokenRefused("X-Amz-Expires must be less than a week (in seconds)")
    signed_at, stamp = claims.signed_at.strftime(_TIMESTAMP), now.strftime(_TIMESTAMP)
    lifetime = timedelta(seconds=claims.lifetime)
    if claims.signed_at < now - lifetime:
        earliest = (now - lifetime).strftime(_TIMESTAMP)
        raise TokenRefused(
            f"Signature expired: {signed_at} is now earlier than {earliest} ({stamp} - {claims.lifetime} s.)"
        )
    if claims.signed_at > now + _CLOCK_SKEW:
        latest = (now + _CLOCK_SKEW).strftime(_TIMESTAMP)
        raise TokenRefused(
            f"Signature not yet current: {signed_at} is still later than {latest} ({stamp} + 5 min.)"
        )


def _sign(unsigned: str, signed_at: str, credentials: Credentials) -> str:
    """Compute the signature, in hexadecimal, of a token that has none yet."""
    auth = import_module("botocore.auth")  # a third of a second, so after PostgreSQL is up; untyped
    keys = import_module("botocore.credentials").Credentials(credentials.access_key, credentials.secret_key)
    signer = auth.SigV4QueryAuth(keys, "dsql", credentials.region)
    request = import_module("botocore.awsrequest").AWSRequest("GET", "https://" + unsigned)
    request.context["timestamp"] = signed_at
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))
