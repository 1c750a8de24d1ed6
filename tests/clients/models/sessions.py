"""One session of a client: all calls in order, what the server said, and what the client gave on."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from clients.models.agents import Agent, Start
from clients.models.scenarios import SCENARIOS, Scenario
from clients.models.stand_in import StandIn, serving

User = Literal["answers", "declines", "is not asked"]
_MAX_SESSION = 100  # seconds
_MAX_STARTS = 3  # on a busy machine an agent may ask its model before the server has answered it
_SCRIPT = Path(__file__).with_name("typescript_sdk.mjs")


class NotReady(Exception):
    """Each time that it was started, an agent asked its model before the server had answered it."""


@dataclass(frozen=True)
class Answer:
    """The answer to one call.

    Attributes:
        said: The result as the server sent it; `None` if the client answered the call itself.
        given: What the model was given, or the SDK's caller.
    """

    said: Mapping[str, Any] | None
    given: Any


@dataclass
class Bench:
    """What a session needs.

    Attributes:
        home: The client's home, with a folder ``project``.
        server: The server, under the recorder.
        record: The file of the recorder.
        environment: The environment of programs.
        programs: The folder of the clients' programs.
        node: Node.js.
        prepare: Lets the connection to the cluster fail as a scenario says.
        marks: How many answers the server had given as each call began.
    """

    home: Path
    server: StdioServerParameters
    record: Path
    environment: Mapping[str, str]
    programs: Path
    node: Path
    prepare: Callable[[Scenario], None]
    marks: list[int] = field(default_factory=list[int])

    def begin(self, scenario: Scenario) -> None:
        """Get ready for a call, which an agent may ask its model for more than once."""
        self.prepare(scenario)
        del self.marks[SCENARIOS.index(scenario) :]
        self.marks.append(len(self.said()))

    def said(self) -> Sequence[Mapping[str, Any]]:
        """Give the results of tools that the server sent so far."""
        messages = map(json.loads, self.record.read_text().splitlines()) if self.record.exists() else ()
        return [message["result"] for message in messages if "content" in message.get("result", {})]

    def answers(self, given: Sequence[Any]) -> Mapping[str, Answer]:
        """Pair what was given of each scenario with what the server said."""
        said = self.said()
        ends = [*self.marks[1:], len(said)]
        found = [said[start:end] for start, end in zip(self.marks, ends, strict=True)]
        assert all(len(one) <= 1 for one in found), "a call was sent twice"
        pairs = zip(SCENARIOS, found, given, strict=True)
        return {scenario.name: Answer(one[0] if one else None, got) for scenario, one, got in pairs}


Session = Callable[[Bench], Awaitable[Sequence[Any]]]


async def python_sdk(bench: Bench) -> Sequence[Any]:
    """Make the calls with the Python SDK."""
    given: list[Any] = []
    consents: list[str] = []

    async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
        if consents[-1] == "accept":
            return ElicitResult(action="accept", content={"run": True})
        return ElicitResult(action="decline")

    async with Client(bench.server, elicitation_callback=ask) as client:
        for scenario in SCENARIOS:
            bench.begin(scenario)
            consents.append(scenario.consent)
            result = await client.call_tool(scenario.tool, dict(scenario.arguments))
            given.append(
                result.model_dump(mode="json", by_alias=True, include={"content", "structured_content"})
            )
    return given


def typescript_sdk(line: int) -> Session:
    """Make the calls with a line of the TypeScript SDK."""

    async def session(bench: Bench) -> Sequence[Any]:
        server = json.dumps(bench.server.model_dump(include={"command", "args", "env"}))
        process = await asyncio.create_subprocess_exec(
            *(bench.node, "--input-type=module", "--eval", _SCRIPT.read_text(), str(line), server),
            cwd=bench.programs.parents[1],  # where its imports are found
            env=bench.environment,
            stdin=PIPE,
            stdout=PIPE,
            limit=2**24,
        )
        assert process.stdin
        assert process.stdout
        given: list[Any] = []
        try:
            for scenario in SCENARIOS:
                bench.begin(scenario)
                call = {"tool": scenario.tool, "arguments": scenario.arguments, "consent": scenario.consent}
                process.stdin.write(json.dumps(call).encode() + b"\n")
                given.append(json.loads(await asyncio.wait_for(process.stdout.readline(), _MAX_SESSION)))
            process.stdin.close()
            await asyncio.wait_for(process.wait(), _MAX_SESSION)
        finally:
            await _end(process)
        return given

    return session


def agent(configure: Agent) -> Session:
    """Have an agent make the calls that a stand-in for its model asks for."""

    async def session(bench: Bench) -> Sequence[Any]:
        model = StandIn(SCENARIOS, bench.begin)
        with serving(model) as url:
            start = configure(bench.home, bench.server, url)
            printed = b""
            for _ in range(_MAX_STARTS):
                printed = await _run(bench, start)
                if model.offered:
                    break
        if not model.offered:
            raise NotReady
        assert len(model.given) == len(SCENARIOS), printed.decode(errors="replace")[-2000:]
        return model.given

    return session


async def _run(bench: Bench, start: Start) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(bench.programs / start.program, *start.arguments),
        cwd=bench.home / "project",
        env={**bench.environment, **start.environment},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        return (await asyncio.wait_for(process.communicate(), _MAX_SESSION))[0]
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
