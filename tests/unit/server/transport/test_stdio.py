"""Messages as lines: whatever text is in them, a line goes out."""

import json

import pytest
from mcp.types import ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCResponse

from awslabs_dsql_mcp.server.transport.stdio import encode

HALF = "a\ud83db"


@pytest.mark.parametrize(
    "message",
    [
        JSONRPCResponse(jsonrpc="2.0", id=1, result={"content": [{"type": "text", "text": HALF}]}),
        JSONRPCResponse(jsonrpc="2.0", id=1, result={HALF: {"nested": [HALF, 1, None, True]}}),
        JSONRPCError(jsonrpc="2.0", id=1, error=ErrorData(code=-32602, message=HALF)),
        JSONRPCError(jsonrpc="2.0", id=1, error=ErrorData(code=-32602, message="", data={"uri": HALF})),
    ],
)
def test_text_that_is_no_unicode_is_replaced_and_the_rest_goes_out(message: JSONRPCMessage) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert "a?b" in str(json.loads(line))
    assert json.loads(line)["id"] == 1
