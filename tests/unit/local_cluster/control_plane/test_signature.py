"""Signatures that botocore makes are taken; whatever was changed since, or is not fresh, is refused."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.control_plane import signature
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials

NOW = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
KEYS = Credentials("LOCAL1", "secret", "us-east-1")
SERVICES = ("dsql", "backup")
FOR_DSQL = signature.Scope("eu-west-1", "dsql")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


def signed(
    method: str = "POST",
    path: str = "/cluster",
    query: str = "",
    body: bytes = b"{}",
    *,
    headers: Mapping[str, str] | None = None,
    at: datetime = NOW,
    scope: tuple[str, str, str] = ("dsql", "eu-west-1", KEYS.secret_key),
) -> HttpRequest:
    """A request that botocore has signed."""
    url = f"http://127.0.0.1:8000{path}" + (f"?{query}" if query else "")
    service, region, secret = scope
    auth: Any = import_module("botocore.auth")  # untyped, as the others
    keys = import_module("botocore.credentials").Credentials(KEYS.access_key, secret)
    request: Any = import_module("botocore.awsrequest").AWSRequest(
        method, url, data=body, headers=dict(headers or {})
    )
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    signer = auth.SigV4Auth(keys, service, region)
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    names = signer.signed_headers(signer.headers_to_sign(request))
    proof = signer.signature(text, request)
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={proof}"
    )
    received = {name.lower(): [value] for name, value in request.headers.items()}
    return HttpRequest(method, path, query, {"host": ["127.0.0.1:8000"], **received}, body)


def code(request: HttpRequest, keys: Credentials = KEYS, now: datetime = NOW) -> str:
    with pytest.raises(ServiceError) as refused:
        signature.check(request, keys, now, SERVICES)
    return refused.value.code


def test_region_and_service_are_those_of_the_signature() -> None:
    assert signature.check(signed(), KEYS, NOW, SERVICES) == FOR_DSQL
    backup = signed(scope=("backup", "us-east-2", KEYS.secret_key))
    assert signature.check(backup, KEYS, NOW, SERVICES) == signature.Scope("us-east-2", "backup")


@given(
    path=st.lists(TEXTS.filter(lambda t: set(t) != {"."}), min_size=1, max_size=3),
    query=st.dictionaries(TEXTS, TEXTS, max_size=3),
    body=st.binary(max_size=50),
    header=st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"]), max_size=20),
)
def test_whatever_botocore_signs_is_taken(
    path: list[str], query: dict[str, str], body: bytes, header: str
) -> None:
    request = signed(
        path="/" + "/".join(quote(part, safe="") for part in path),
        query="&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query.items()),
        body=body,
        headers={"X-Amz-Meta": header, "Content-Type": "application/json"},
    )
    assert signature.check(request, KEYS, NOW, SERVICES) == FOR_DSQL


@pytest.mark.parametrize(
    "changed",
    [
        replace(signed(), method="PUT"),
        replace(signed(), path="/clusters"),
        replace(signed(), query="a=b"),
        replace(signed(), body=b"{ }"),
        replace(signed(), headers={**signed().headers, "host": ["127.0.0.1:1"]}),
        signed(scope=("dsql", "eu-west-1", "another")),
    ],
)
def test_what_was_changed_is_refused(changed: HttpRequest) -> None:
    assert code(changed) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (replace(signed(), headers={}), "MissingAuthenticationTokenException"),
        (replace(signed(), headers={"authorization": ["Basic eDp5"]}), "IncompleteSignatureException"),
        (signed(scope=("rds", "eu-west-1", "secret")), "InvalidSignatureException"),
        (signed(headers={"X-Amz-Security-Token": "old"}), "UnrecognizedClientException"),
    ],
)
def test_what_is_no_signature_of_ours_is_refused(request_: HttpRequest, expected: str) -> None:
    assert code(request_) == expected


def test_another_key_is_not_known() -> None:
    assert code(signed(), Credentials("LOCAL2", "secret", "us-east-1")) == "UnrecognizedClientException"


def test_a_signature_without_its_time_among_the_headers_is_refused() -> None:
    request = signed()
    (text,) = request.headers["authorization"]
    headers = {**request.headers, "authorization": [text.replace("host;x-amz-date", "host")]}
    assert code(replace(request, headers=headers)) == "IncompleteSignatureException"


@pytest.mark.parametrize(("minutes", "is_taken"), [(-4, True), (-6, False), (4, True), (6, False)])
def test_a_signature_is_good_for_five_minutes(minutes: int, *, is_taken: bool) -> None:
    request = signed(at=NOW + timedelta(minutes=minutes))
    if is_taken:
        assert signature.check(request, KEYS, NOW, SERVICES) == FOR_DSQL
    else:
        assert code(request) == "InvalidSignatureException"
