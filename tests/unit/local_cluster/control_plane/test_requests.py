"""Whatever a signed request says, it is answered or refused: no input is a fault of ours."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.control_plane import operations, service
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.service_model import ServiceModel
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest

FIRST = Cluster("a" * 26, "us-east-1", 0.0, "a" * 26, set_up_at=0.0)
PENDING = Cluster("b" * 26, "us-east-1", 0.0, "b" * 26, witness="us-west-2")
ACCOUNT = Account(FIRST.identifier, {c.identifier: c for c in (FIRST, PENDING)})
CALL = service.Call("us-east-1", Moment(100.0, 0), lambda: "c" * 26)
SERVICE = operations.SERVICE
MODEL = ServiceModel(SERVICE.model, SERVICE.refuse_input)

ARN = "arn:aws:dsql:us-east-2:000000000000:cluster/" + "d" * 26
WORDS = st.sampled_from(
    [FIRST.identifier, PENDING.identifier, FIRST.arn, ARN, "us-east-1", "us-west-2", "", "x", "policy"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["witnessRegion", "clusters", "metricGroup", "k"]), inner, max_size=2
        )
    ),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    [
        "tags",
        "clientToken",
        "multiRegionProperties",
        "metricGroups",
        "deletionProtectionEnabled",
        "kmsEncryptionKey",
        "policy",
    ]
)
ROOTS = st.sampled_from(["cluster", "clusters", "tags", "stream"])
QUERY = st.sampled_from(["max-results", "next-token", "client-token", "tagKeys"])


@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.tuples(ROOTS, st.lists(WORDS | st.text(max_size=3), max_size=2)),
    query=st.lists(st.tuples(QUERY, WORDS | st.text(max_size=5) | st.integers().map(str)), max_size=3),
    body=st.none() | st.binary(max_size=10) | st.dictionaries(MEMBERS, VALUES, max_size=3),
)
@example("GET", ("cluster", []), [("next-token", "MWU5OTk5")], None)  # 1e9999
@example("GET", ("cluster", []), [("next-token", "WzEwMDAsW11d" + "W1tb" * 100)], None)
def test_a_request_is_answered_or_refused(
    method: str,
    path: tuple[str, list[str]],
    query: list[tuple[str, str]],
    body: bytes | dict[str, object] | None,
) -> None:
    root, rest = path
    parts = [root, *(quote(part, safe="", errors="replace") for part in rest)]
    pairs = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in query)
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    request = HttpRequest(method, "/" + "/".join(parts), pairs, {}, content)
    with suppress(ServiceError):
        operation, given_ = MODEL.read(request)
        _, answer = service.run(SERVICE, operation, ACCOUNT, CALL, given_)
        json.dumps(MODEL.write(operation, answer))


@pytest.mark.parametrize("token", ["[" * 5000, f"[{'9' * 400}, 1]", "[1]", "{}", "[[], 1]"])
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:

    given_ = {"nextToken": urlsafe_b64encode(token.encode()).decode()}
    with pytest.raises(ServiceError, match="not one that ListClusters has given"):
        service.run(SERVICE, "ListClusters", ACCOUNT, CALL, given_)
