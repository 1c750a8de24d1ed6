"""Lines as JSON-RPC messages, and the errors that answer what is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, JSONRPCMessage, JSONRPCRequest

from awslabs_dsql_mcp.json_reader import MAX_DEPTH
from awslabs_dsql_mcp.server.transport.jsonrpc import UNREADABLE, MessageRejected, read_message
from awslabs_dsql_mcp.server.transport.limits import KEPT, MAX_LINE, MAX_NAME
from awslabs_dsql_mcp.server.transport.line_reader import CutLine
from awslabs_dsql_mcp.server.transport.line_scan import find_id


def rejection(line: bytes) -> tuple[int | str | None, int, str]:
    with pytest.raises(MessageRejected) as rejected:
        read_message(line)
    answer = rejected.value.answer(line)
    return answer.id, answer.error.code, answer.error.message


def request(**fields: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping", **fields}).encode()


NOT_JSON = {
    b"": None,
    b" ": None,
    b"hello": None,
    b'{"jsonrpc":"2.0","id":7,"meth': 7,
    b'{"jsonrpc":"2.0","id":"a b","method":"x"': "a b",
    b'{"jsonrpc":"2.0","id":7,"method":"x"} {}': 7,
    b"\xef\xbb\xbf" + request(): 7,
    b'{"jsonrpc":"2.0","id":7,"params":{"sql":"M\xfcller"},"method":"x"}': 7,
    b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"n":NaN}}': 7,
    b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"n":[-Infinity]}}': 7,
    b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"s":"\x01"}}': 7,
}
NOT_A_MESSAGE = {
    b"null": None,
    b"5": None,
    b'"x"': None,
    b"true": None,
    b"[]": None,
    b"[" + request() + b"]": None,
    b"{}": None,
    b'{"id":7,"method":"x"}': 7,
    request(jsonrpc="1.0"): 7,
    request(jsonrpc=2.0): 7,
    request(jsonrpc=None): 7,
    request(id=None): None,
    request(id=1.5): None,
    request(id=True): None,
    request(id={}): None,
    request(id=[7]): None,
    request(method=5): 7,
    request(method=None): 7,
    request(method=["x"]): 7,
    b'{"jsonrpc":"2.0","id":"z"}': "z",
    request(params=[1]): 7,
    request(params="x"): 7,
    request(params=5): 7,
    request(id="7\ud83d"): None,  # an answer cannot repeat it, and another id would be nobody's
    # The id of a response is that of the server's own request: it is no id of the client's.
    b'{"jsonrpc":"2.0","id":7,"result":5}': None,
    b'{"jsonrpc":"2.0","id":7,"error":"x"}': None,
    request(params={"a": json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)}): 7,
}


@pytest.mark.parametrize(("line", "id_"), NOT_JSON.items())
def test_what_cannot_be_parsed_is_a_parse_error(line: bytes, id_: object) -> None:
    found, code, message = rejection(line)
    assert (found, code) == (id_, PARSE_ERROR)
    assert len(message) < 120


@pytest.mark.parametrize(("line", "id_"), NOT_A_MESSAGE.items())
def test_what_is_no_message_is_an_invalid_request(line: bytes, id_: object) -> None:
    found, code, message = rejection(line)
    assert (found, code) == (id_, INVALID_REQUEST)
    assert len(message) < 120


def test_a_line_beyond_the_limit_is_refused_with_its_id() -> None:
    line = b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"s":"' + b"x" * MAX_LINE
    id_, code, message = rejection(line)
    assert (id_, code) == (7, INVALID_REQUEST)
    assert message.startswith("The line is longer than 16 MiB. Send less at once")


def test_a_line_that_was_cut_is_refused_with_the_id_of_its_end() -> None:
    for ending in (b'"},"id":7}', b'"}, "id" : 7 , "jsonrpc":"2.0"} ', b'"},"id":7,"method":"x"}'):
        line = b'{"method":"x","params":{"s":"' + b"x" * 100_000 + ending
        assert find_id(CutLine(line[:KEPT] + line[-KEPT:])) == 7
    for none in (b'","id":7}}', b'"},"id":7}]', b'"},"id":7,"params":{"a":1}}', b'"},"id":1e5}'):
        assert find_id(CutLine(b"[" * KEPT + none.rjust(KEPT, b"x"))) is None


def test_what_answers_repeat_has_a_length() -> None:
    long = "x" * (MAX_NAME + 1)
    assert rejection(request(id=long)) == (
        None,
        INVALID_REQUEST,
        "id has to be a text of at most 1,000 characters, or an integer.",
    )
    for params in (
        {"_meta": {"progressToken": long}},
        {"name": long},
        {"uri": long},
        {"arguments": {long: 1}},
    ):
        id_, code, message = rejection(request(params=params))
        assert (id_, code) == (7, INVALID_PARAMS)
        assert message.endswith(" has more than 1,000 characters.")
    assert rejection(request(method=long))[2] == "method has more than 1,000 characters."
    assert read_message(request(id=long[1:], params={"_meta": {"progressToken": long[1:]}, "name": long[1:]}))


@pytest.mark.parametrize("meta", ["x", 5, [1], True])
def test_meta_has_to_be_an_object(meta: object) -> None:
    assert rejection(request(params={"_meta": meta})) == (
        7,
        INVALID_PARAMS,
        "params._meta has to be an object.",
    )


@pytest.mark.parametrize(
    "params",
    [
        {"sql": "select 1"},
        {"sql": "\U0001f600"},
        {"sql": "\\ud800"},
        {"id": None},
        {"_meta": None},
        {"n": int("9" * 4000)},
        {"a": json.loads("[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2))},
    ],
)
def test_a_request_is_read_as_it_is(params: dict[str, Any]) -> None:
    assert read_message(request(params=params)) == JSONRPCRequest(
        jsonrpc="2.0", id=7, method="ping", params=params
    )


def test_a_lone_surrogate_is_noted_in_the_request() -> None:
    line = b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"sql":"\\ud800","_meta":{"a":1}}}'
    message = read_message(line)
    assert isinstance(message, JSONRPCRequest)
    assert message.params == {"sql": "?", "_meta": {"a": 1, UNREADABLE: "a lone surrogate"}}


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_line_is_a_message_or_has_an_answer(line: bytes) -> None:
    try:
        answer: JSONRPCMessage = read_message(line)
    except MessageRejected as rejected:
        answer = rejected.answer(line)
    assert json.loads(answer.model_dump_json())["jsonrpc"] == "2.0"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("id"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    id_=st.integers(-(10**17), 10**17) | st.text(max_size=8),
    inner=JSON,
    ascii_=st.booleans(),
    cut=st.integers(0, 30),
)
def test_an_id_is_found_in_a_message_that_is_cut_off(
    id_: int | str, inner: object, *, ascii_: bool, cut: int
) -> None:
    text = json.dumps(
        {"params": inner, "jsonrpc": "2.0", "id": id_, "method": "tools/call"}, ensure_ascii=ascii_
    )
    line = text.encode("utf-8", "replace")
    assert find_id(line[: len(line) - min(cut, len(', "method": "tools/call"}'))]) == id_
