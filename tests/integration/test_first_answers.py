"""The first answers of a server that has started before, beside those of one that has not: byte for byte."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.server.startup.first_answers import FirstAnswers
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE
from support.line_client import LEGACY, MODERN

ENDPOINT = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"
ABOUT: dict[str, object] = {
    "protocolVersion": LEGACY,
    "capabilities": {},
    "clientInfo": {"name": "lines", "version": "1"},
}
FACTS: dict[str, object] = {
    "protocolVersion": MODERN,
    "clientInfo": ABOUT["clientInfo"],
    "clientCapabilities": dict[str, object](),
}
META = {f"io.modelcontextprotocol/{key}": value for key, value in FACTS.items()}
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list", "ping")
LINT = {"name": "dsql_lint", "arguments": {"sql": "SELECT 1"}}


def message(method: str, number: int | None = None, **params: object) -> bytes:
    fields: dict[str, object] = {"jsonrpc": "2.0", "method": method}
    if number is not None:
        fields["id"] = number
    if params:
        fields["params"] = params
    return json.dumps(fields).encode()


OPENING = [message("initialize", 0, **ABOUT), message("notifications/initialized")]


async def talk(lines: Sequence[bytes], answers: int, cache: Path, *options: str) -> list[bytes]:
    """Send lines to a server, wait for its answers, and end its input; give all that it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "awslabs_dsql_mcp", "--cluster_endpoint", ENDPOINT, *options),
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    said = [await process.stdout.readline() for _ in range(answers)]
    process.stdin.close()
    said.append(await process.stdout.read())
    assert await process.wait() == 0
    return said


def asked(lines: Sequence[bytes]) -> int:
    return sum(b'"id"' in line or not line.startswith(b"{") for line in lines)


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the answers of a first start."""
    folder = tmp_path_factory.mktemp("made")
    await talk([*OPENING, message("tools/list", 5), message("ping", 6)], 3, folder)
    return folder


async def compare(lines: Sequence[bytes], tmp: Path, *options: str) -> None:
    """Ask a server that never ran, and the same one twice more: before and behind its first answers."""
    count = asked(lines)
    never = await talk(lines, count, tmp, *options)
    again = await talk(lines, count, tmp, *options)
    assert sorted(again) == sorted(never)
    assert never[-1] == b""


@pytest.mark.parametrize(
    "options", [(), ("--allow-writes", "--export-dir", ".", "--log-level", "DEBUG")], ids=["reads", "all"]
)
async def test_a_second_start_says_the_same(tmp_path: Path, options: tuple[str, ...]) -> None:
    lists = [message(method, number) for number, method in enumerate(LISTS, 1)]
    await compare(
        [*OPENING, *lists, message("tools/call", 90, **LINT), message("tools/list", 91)], tmp_path, *options
    )


async def test_a_session_without_handshake_says_the_same(tmp_path: Path) -> None:
    methods = ("server/discover", *LISTS[:4])
    lists = [message(method, number, _meta=META) for number, method in enumerate(methods, 1)]
    await compare([*lists, message("tools/call", 90, _meta=META, **LINT)], tmp_path)


async def test_clients_with_and_without_views_share_a_cache_and_no_answers(tmp_path: Path) -> None:
    shows = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}
    lists = [message(method, number) for number, method in enumerate(LISTS, 1)]
    opening = [message("initialize", 0, **{**ABOUT, "capabilities": shows}), OPENING[1]]
    told = META | {"io.modelcontextprotocol/clientCapabilities": shows}
    modern = [message(method, number, _meta=told) for number, method in enumerate(LISTS[:4], 1)]
    sessions = [[*OPENING, *lists], [*opening, *lists], modern]
    never = [await talk(session, asked(session), tmp_path / str(n)) for n, session in enumerate(sessions)]
    again: list[list[bytes]] = []
    for _ in range(2):
        again = [await talk(session, asked(session), tmp_path / "shared") for session in sessions]
        assert [sorted(said) for said in again] == [sorted(said) for said in never]
    assert [b"ui://" in b"".join(said) for said in again] == [False, True, True]


@pytest.mark.parametrize(
    "lines",
    [
        [message("tools/list", 5), b"no JSON", *OPENING, *OPENING, message("tools/list", 6)],
        [*OPENING, b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', message("tools/list", 5, cursor="x")],
        [
            *(*OPENING, message("notifications/cancelled", requestId=0)),
            *(message("tools/list", 5), message("tools/list", 5), message("no/such", 6)),
        ],
    ],
    ids=["before", "text", "behind"],
)
async def test_what_is_unusual_is_answered_alike(made: Path, tmp_path: Path, lines: list[bytes]) -> None:
    count = asked(lines)
    assert sorted(await talk(lines, count, made)) == sorted(await talk(lines, count, tmp_path))


POOL = [
    *(message(method, number) for number, method in enumerate(LISTS, 10)),
    message("tools/call", 20, **LINT),
]


@settings(max_examples=max(1, settings().max_examples // 100))
@given(st.lists(st.sampled_from(POOL), max_size=6), st.permutations(POOL))
def test_whatever_the_order_a_second_start_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, first: list[bytes], second: list[bytes]
) -> None:
    async def both() -> None:
        folder, fresh = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("fresh")
        lines = [*OPENING, *first]
        await talk(lines, asked(lines), folder)
        lines = [*OPENING, *second]
        told = [await talk(lines, asked(lines), place) for place in (folder, fresh)]
        assert sorted(told[0]) == sorted(told[1])

    asyncio.run(both())


class Lines:
    """Lines, and the end."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = list(lines)

    def readline(self) -> bytes:
        return self.lines.pop(0) if self.lines else b""

    def unread(self, lines: Sequence[bytes]) -> None:
        self.lines[:0] = lines


class Kept:
    """The answers that starts before have kept."""

    def __init__(self, folder: Path) -> None:
        files = (folder / "awslabs-dsql-mcp" / "first-answers").glob("*.json")
        self.rows: dict[str, str] = json.loads(next(files).read_bytes())["answers"]

    def get(self, key: str) -> str | None:
        return self.rows.get(key)

    def keep(self, key: str, result: str) -> None:
        raise AssertionError(key, result)

    def discard(self) -> None:
        raise AssertionError


_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 1.0, 0.5, 1e300, 2**53, -(2**63), 10**40, "", "x", "a b", "é", "\x00"),
    *("2.0", "null", "y" * 1001, [], {}, [1], {"a": 1}, [None], [[]]),
)
_PARAMS = ("cursor", "_meta", "x", "", "name", "capabilities", "clientInfo", "protocolVersion")
_METAS = ("progressToken", "progressToken", "progressToken", "x", "", *META, "traceparent")
_MEMBERS = ("x", "result", "error", "Id", "", "cursor")
_SEPARATORS = ((",", ":"), (", ", ": "), (" ,\t", "\r:"))


def odd_request(choice: random.Random, base: dict[str, object]) -> bytes:
    """A request of what clients ask first, with up to two members that no client would give."""
    params: dict[str, Any] = {"_meta": dict(base)} if base or choice.random() < 0.5 else {}
    found: dict[str, Any] = {"jsonrpc": "2.0", "method": choice.choice(LISTS[:4]), "params": params}
    for _ in range(choice.randrange(3)):
        odd = choice.choice(_ODD)
        match choice.choice(("params", "_meta", "_meta", "_meta", "jsonrpc", "whole", "more", "method")):
            case "_meta":
                meta: Any = params.get("_meta")
                params["_meta"] = {**(meta if isinstance(meta, dict) else {}), choice.choice(_METAS): odd}
            case "params":
                params[choice.choice(_PARAMS)] = odd
            case "whole":
                found["params"] = odd
            case "more":
                found[choice.choice(_MEMBERS)] = odd
            case member:
                found[member] = odd
    if not params and choice.random() < 0.5:
        del found["params"]
    members = list(found.items())
    choice.shuffle(members)
    text = json.dumps(
        dict(members), ensure_ascii=choice.random() < 0.5, separators=choice.choice(_SEPARATORS)
    )
    if choice.random() < 0.1:  # a member twice
        name, value = choice.choice(members)
        text = f"{text[:-1]},{json.dumps(name)}:{json.dumps(choice.choice((value, None, 'x')))}}}"
    return text.encode()


async def check_what_is_said_of(
    odd: Sequence[bytes], opening: Sequence[bytes], kept: Kept, fresh: Path
) -> int:
    """Compare what is kept with what the SDK says, byte for byte; give how often something was kept."""
    ids = [json.dumps(f"odd{number}" if number % 2 else 1000 + number) for number in range(len(odd))]
    lines = [line[:-1] + f',"id":{id_}'.encode() + b"}" for line, id_ in zip(odd, ids, strict=True)]
    told = await talk(
        [*opening, message("no/such", 1, _meta=META), *lines], len(opening and [0]) + 1 + len(lines), fresh
    )
    answered = 0
    for line in lines:
        said: list[bytes] = []
        FirstAnswers(kept).give(Lines([*opening, line]), said.append)
        given_ = said[len(opening and [0]) :]
        answered += len(given_)
        assert set(given_) <= set(told), line
    return answered


@settings(max_examples=max(1, settings().max_examples // 100))
@given(st.integers(0, 2**32))
def test_of_an_odd_request_nothing_is_said_that_the_sdk_does_not_say(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    choice = random.Random(seed)  # noqa: S311 - a seed finds it again
    legacy = [odd_request(choice, {}) for _ in range(200)]
    modern = [odd_request(choice, META) for _ in range(200)]

    async def both() -> None:
        folder, fresh = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("fresh")
        for more, opening in (({}, OPENING), ({"_meta": META}, [])):
            plain = [message(method, number, **more) for number, method in enumerate(LISTS[:4], 10)]
            empty = [message(method, number, _meta={}) for number, method in enumerate(LISTS[:4], 20)]
            lines = [*opening, *plain, *(empty if opening else [])]
            await talk(lines, asked(lines), folder)
        kept = Kept(folder)
        assert await check_what_is_said_of(legacy, OPENING, kept, fresh) > 0
        assert await check_what_is_said_of(modern, [], kept, fresh) > 0

    asyncio.run(both())


async def test_an_input_that_ends_in_a_line_ends_the_server(made: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "awslabs_dsql_mcp", "--cluster_endpoint", ENDPOINT),
        env={**os.environ, "XDG_CACHE_HOME": str(made)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(OPENING[0] + b"\n" + OPENING[0][:40])
    assert process.returncode == 0
    assert [json.loads(line).get("error", {}).get("code") for line in said.splitlines()] == [None, -32700]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux tells of a process")
async def test_a_session_that_calls_nothing_is_light(made: Path) -> None:
    lines = [*OPENING, message("tools/list", 5)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "awslabs_dsql_mcp", "--cluster_endpoint", ENDPOINT),
        env={**os.environ, "XDG_CACHE_HOME": str(made)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    for _ in range(2):
        await process.stdout.readline()
    status = await asyncio.to_thread(Path(f"/proc/{process.pid}/status").read_text, encoding="utf-8")
    (resident,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    process.terminate()
    assert await process.wait() == 128 + 15
    assert resident < 40_000  # kB
