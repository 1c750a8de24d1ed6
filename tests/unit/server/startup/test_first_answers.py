"""First answers: what is kept is given for the same question in the same state, and for nothing else."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.server.startup.first_answers import METHODS, Conversation, FirstAnswers

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "c", "version": "1"},
}
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'


class Table:
    """Answers in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.rows.get(key)

    def keep(self, key: str, result: str) -> None:
        self.rows[key] = result

    def discard(self) -> None:
        self.rows.clear()


class Input:
    """Lines, and the end."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = list(lines)

    def readline(self) -> bytes:
        return self.lines.pop(0) if self.lines else b""

    def unread(self, lines: Iterable[bytes]) -> None:
        self.lines[:0] = lines


def request(number: object, method: str, params: object = None) -> bytes:
    more = {} if params is None else {"params": params}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, **more}).encode()


def opening(first: int = 0) -> list[bytes]:
    return [request(first, "initialize", INITIALIZE), INITIALIZED, request(first + 1, "tools/list")]


def answer(line: bytes) -> bytes | None:
    """What a server says to a line; the same each time."""
    message = json.loads(line)
    if "id" not in message:
        return None
    result = json.dumps({"of": message["method"]}, separators=(",", ":"))
    return f'{{"jsonrpc":"2.0","id":{json.dumps(message["id"])},"result":{result}}}\n'.encode()


def serve(lines: Iterable[bytes], first: FirstAnswers) -> list[bytes]:
    """Play the server that is loaded: hear and answer each line, unless its answer was said."""
    said: list[bytes] = []
    for line in lines:
        first.hear(line)
        told = answer(line)
        if told is not None and not first.was_said(json.loads(line)["id"], told):
            said.append(told)
        first.keep_new()
    return said


def run(lines: list[bytes], table: Table) -> tuple[list[bytes], list[bytes]]:
    """Answers before the server was loaded, and those behind."""
    first, given_, source = FirstAnswers(table), list[bytes](), Input(lines)
    first.give(source, given_.append)
    return given_, serve(source.lines, first)


def test_the_second_start_answers_what_the_first_was_asked() -> None:
    table, lines = Table(), [*opening(), request(7, "tools/call", {"name": "x"})]
    assert run(lines, table) == ([], [answer(line) for line in lines if answer(line)])
    early, late = run(lines, table)
    assert early == [answer(lines[0]), answer(lines[2])]
    assert late == [answer(lines[3])]


def test_ids_are_the_clients_own() -> None:
    table = Table()
    run(opening(), table)
    early, _ = run(opening(70), table)
    assert [json.loads(line)["id"] for line in early] == [70, 71]


def test_a_progress_token_is_no_part_of_the_question() -> None:
    table = Table()
    lines = [*opening()[:2], request(1, "tools/list", {"_meta": {"progressToken": 1}})]
    run(lines, table)
    lines[2] = request(5, "tools/list", {"_meta": {"progressToken": "five"}})
    assert run(lines, table) == ([answer(lines[0]), answer(lines[2])], [])


def test_another_client_or_state_is_another_question() -> None:
    table = Table()
    run(opening(), table)
    other = request(0, "initialize", INITIALIZE | {"protocolVersion": "2024-11-05"})
    for lines in ([other], [request(1, "tools/list")], [opening()[0], opening()[2]], [*opening()[:2], other]):
        early, _ = run(lines, table)
        assert len(early) == len([line for line in lines[:-1] if answer(line)])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf" + request(1, "ping"),
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"n":1.0}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","more":1}',
        b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
        request(None, "ping"),
        b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
        request(1.5, "ping"),
        request("x" * 101, "ping"),
        request(1 << 60, "ping"),
        *(
            request(1, "ping", {"_meta": {"progressToken": token}})
            for token in ({"a": 1}, [1], None, True, 1.5, "", "x" * 1001, 1 << 60)
        ),
        *(
            b'{"jsonrpc": "2.0", "id": 1, "method": %b}' % odd
            for odd in (b"[]", b"{}", b"null", b"5", b"true")
        ),
        request(1, "tools/call", {"name": "x"}),
        request(1, "ping", {"x": [[0]] * 300}),
        request(1, "ping", {"x": "y" * 40_000}),
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
    ],
)
def test_what_is_unusual_is_left_to_the_server(line: bytes) -> None:
    conversation = Conversation()
    assert conversation.take(line) is None
    assert not conversation.is_known
    assert conversation.take(request(2, "ping")) is None


def test_an_answer_that_changed_is_forgotten_and_not_sent_twice() -> None:
    table = Table()
    run(opening(), table)
    for key in table.rows:
        table.rows[key] = '{"old":1}'
    early, late = run([*opening(), request(9, "tools/call")], table)
    assert (len(early), len(late)) == (2, 1)
    assert not [text for text in table.rows.values() if "old" in text]


def test_errors_are_not_kept() -> None:
    table = Table()
    first = FirstAnswers(table)
    first.hear(request(1, "ping"))
    assert not first.was_said(1, b'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}\n')
    first.keep_new()
    assert table.rows == {}


def test_an_answer_is_kept_when_it_is_out_and_not_while_it_waits() -> None:
    table = Table()
    first = FirstAnswers(table)
    first.hear(request(1, "ping"))
    assert not first.was_said(1, answer(request(1, "ping")) or b"")
    assert (table.rows, first.has_new) == ({}, True)
    first.keep_new()
    assert (len(table.rows), first.has_new) == (1, False)


def test_an_id_that_is_used_again_keeps_nothing_wrong() -> None:
    table = Table()
    first = FirstAnswers(table)
    broken = request(1, "tools/list", {"_meta": "x"})
    first.hear(broken)  # is answered with no id
    first.hear(request(1, "ping"))
    assert not first.was_said(1, answer(request(1, "ping")) or b"")
    first = FirstAnswers(table)
    first.hear(request(1, "tools/list"))  # is cancelled, and not answered
    first.hear(request(1, "tools/call", {"name": "x"}))
    assert not first.was_said(1, answer(request(1, "tools/call")) or b"")
    assert table.rows == {}


def test_a_request_with_an_id_that_was_used_is_answered() -> None:
    table = Table()
    run([*opening(), request(2, "ping")], table)
    for second in (request(1, "tools/list"), request(1, "ping"), request(1, "tools/call")):
        early, late = run([*opening(), second], table)
        assert (early, late[-1:]) == ([answer(opening()[0]), answer(opening()[2])], [answer(second)])


def test_a_rejected_line_with_an_id_that_was_used_is_answered_before_the_first_is_read_again() -> None:
    table = Table()
    run(opening(), table)
    first, source = FirstAnswers(table), Input([*opening(), request(0, "tools/list", {"_meta": "x"})])
    first.give(source, list[bytes]().append)
    for line in source.lines:
        first.hear(line)
    assert not first.was_said(0, b'{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}\n')
    assert first.was_said(0, answer(opening()[0]) or b"")
    assert first.was_said(1, answer(opening()[2]) or b"")
    assert len(table.rows) == 2


def test_pings_need_no_server_however_many() -> None:
    table = Table()
    run([*opening(), request(5, "ping")], table)
    early, late = run([*opening(), *(request(n, "ping") for n in range(10, 1000))], table)
    assert (len(early), late) == (992, [])


_LINES = st.lists(
    st.sampled_from(
        [
            *opening(),
            *(request(number, method) for number, method in enumerate(sorted(METHODS), 3)),
            request(3, "tools/call", {"name": "x"}),
            request("text", "ping"),
            b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}',
        ]
    ),
    max_size=12,
)


@given(st.lists(_LINES, min_size=1, max_size=3), _LINES)
def test_no_history_changes_what_a_client_is_told(before: list[list[bytes]], lines: list[bytes]) -> None:
    table = Table()
    for earlier in before:
        run(earlier, table)
    early, late = run(lines, table)
    assert early + late == [told for line in lines if (told := answer(line))]
