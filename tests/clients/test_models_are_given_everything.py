"""The eyes of models: clients give on all that the server said. No login, no model, no network.

Each client makes the same calls in one session, against a server on the local cluster; an agent's model is
a stand-in on loopback that asks for them. A proxy before the cluster makes the conflict and the lost COMMIT,
and a recorder between client and server keeps what the server said. An error must come whole; an answer may
come as its structured content, which says the same.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from mcp import Client, StdioServerParameters

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from clients.models.agents import claude_code, codex, gemini_cli, opencode
from clients.models.scenarios import SCENARIOS, SETUP, Scenario
from clients.models.sessions import Answer, Bench, NotReady, Session, User, agent, python_sdk, typescript_sdk
from conftest import ServerOn, server
from support.direct_connection import run
from support.wire.certificate import make_certificate, server_context
from support.wire.link import Streams
from support.wire.proxy import Proxy

_RECORDER = Path(__file__).parent / "models/recorder.py"
_NOWHERE = "http://127.0.0.1:9"  # the port of discard, where nothing listens
_MAX_ESCAPED = 4  # JSON in JSON in …
pytestmark = [
    pytest.mark.timeout(500),  # the first test brings the clients
    pytest.mark.skipif(sys.platform == "win32", reason="npm's programs there are scripts of a shell"),
]


@dataclass(frozen=True)
class Tried:
    """A client.

    Attributes:
        session: Has it make the calls.
        user: What becomes of a question to its user.
        answers_itself: Scenarios whose call it does not send, with a word that its own answer has.
        cuts: Scenarios whose answer it cuts, with the reason.
    """

    session: Session
    user: User = "answers"
    answers_itself: Mapping[str, str] = field(default_factory=dict[str, str])
    cuts: Mapping[str, str] = field(default_factory=dict[str, str])


CLIENTS: Mapping[str, Tried] = {
    "Python SDK": Tried(python_sdk),
    "TypeScript SDK 1": Tried(typescript_sdk(1)),
    "TypeScript SDK 2": Tried(typescript_sdk(2)),
    "Claude Code": Tried(agent(claude_code)),
    "Codex": Tried(
        agent(codex),
        user="declines",  # codex exec has nobody to ask
        cuts={"a long answer": "Codex cuts above some 12 kB, unless its tool_output_token_limit is raised"},
    ),
    "OpenCode": Tried(agent(opencode), user="is not asked"),
    "Gemini CLI": Tried(agent(gemini_cli), user="is not asked", answers_itself={"wrong schema": "params"}),
}


@pytest.fixture(scope="module")
async def proxy(cluster: LocalCluster, certificate: Path) -> AsyncIterator[Proxy]:
    """A proxy before the tests' cluster."""
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    context.set_alpn_protocols(["postgresql"])

    async def dial() -> Streams:
        return await asyncio.open_connection(cluster.host, cluster.port, ssl=context)

    opened = Proxy(dial, server_context(certificate))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("proxy") / "proxy.pem"
    make_certificate(file)
    return file


@pytest.fixture(scope="module")
def recorded(
    proxy: Proxy, cluster: LocalCluster, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> StdioServerParameters:
    """A server that may write, through the proxy, under the recorder; ``FILE`` stands for its file."""
    started = server(
        *("--cluster_endpoint", cluster.host, "--region", cluster.region, "--allow-writes"),
        *("--ssl-root-cert", str(certificate), "--knowledge-server", _NOWHERE, "--knowledge-timeout", "1"),
        *("--retry-attempts", "2", "--export-dir", str(tmp_path_factory.mktemp("exports"))),
    )
    environment = {
        "PGPORT": str(proxy.port),
        "PGSSLNEGOTIATION": "direct",
        "AWS_ACCESS_KEY_ID": cluster.access_key,
        "AWS_SECRET_ACCESS_KEY": cluster.secret_key,
    }
    command = [str(_RECORDER), "FILE", started.command, *started.args]
    return StdioServerParameters(command=sys.executable, args=command, env=environment)


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """The name of a client."""
    return request.param


@pytest.fixture(scope="module")
async def answers(  # noqa: PLR0913, PLR0917 - fixtures
    client: str,
    cluster: LocalCluster,
    proxy: Proxy,
    recorded: StdioServerParameters,
    programs: Path,
    node: Path,
    tmp_path_factory: pytest.TempPathFactory,
    home_environment: Mapping[str, str],
) -> Mapping[str, Answer]:
    """The answers of a client's session, by scenario."""
    home = tmp_path_factory.mktemp("home")
    (home / "project").mkdir()
    record = home / "said.jsonl"
    arguments = [str(record) if part == "FILE" else part for part in recorded.args]
    closed = {"HOME": str(home), "HTTPS_PROXY": _NOWHERE, "HTTP_PROXY": _NOWHERE, "NO_PROXY": "127.0.0.1"}

    def prepare(scenario: Scenario) -> None:
        proxy.clear()
        for fault in scenario.faults():
            proxy.add(fault)

    bench = Bench(
        home,
        recorded.model_copy(update={"args": arguments}),
        record,
        {**home_environment, **closed},
        programs,
        node,
        prepare,
    )
    await run(cluster, *SETUP)
    try:
        given = await CLIENTS[client].session(bench)
    except NotReady:  # that it connects at all is tests/clients/test_client_configs.py
        pytest.skip(f"{client} does not wait for a server on a machine as busy as this")
    return bench.answers(given)


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Iterator[Scenario]:
    """A scenario."""
    return request.param


def test_the_model_is_given_all_that_the_server_said(
    client: str, scenario: Scenario, answers: Mapping[str, Answer], request: pytest.FixtureRequest
) -> None:
    tried, answer = CLIENTS[client], answers[scenario.name]
    if word := tried.answers_itself.get(scenario.name):
        assert answer.said is None
        assert word in json.dumps(answer.given)
        return
    assert answer.said is not None
    text = "\n".join(part["text"] for part in answer.said["content"] if part["type"] == "text")
    says, is_error = expected(scenario, tried.user)
    assert says in text
    assert answer.said.get("isError", False) is is_error
    assert not (is_error and "structuredContent" in answer.said)
    if reason := tried.cuts.get(scenario.name):
        request.applymarker(pytest.mark.xfail(reason=reason))
    values = None if is_error else answer.said.get("structuredContent")
    assert has_text(answer.given, text) or has_values(answer.given, values)


async def test_every_tool_is_called(on_cluster: ServerOn, tmp_path: Path) -> None:
    async with Client(on_cluster("--allow-writes", "--export-dir", str(tmp_path))) as client:
        offered = {tool.name for tool in (await client.list_tools()).tools}
    answered = {scenario.tool for scenario in SCENARIOS if not scenario.is_error}
    # Its success needs an account: tests/integration/test_cluster_status.py.
    assert answered | {"cluster_status"} == offered == {scenario.tool for scenario in SCENARIOS}


def expected(scenario: Scenario, user: User) -> tuple[str, bool]:
    """Give a text that the server says, and whether it is an error: a question is answered, or not asked."""
    if "question" not in scenario.name:
        return scenario.says, scenario.is_error
    agreed = user == "is not asked" or (user == "answers" and scenario.consent == "accept")
    return ("committed", False) if agreed else ("did not approve", True)


def has_text(given: object, text: str) -> bool:
    """Find a text as a whole, as it is or as JSON within JSON."""
    everything = json.dumps(given, ensure_ascii=False)
    for _ in range(_MAX_ESCAPED):
        text = json.dumps(text, ensure_ascii=False)[1:-1]
        if text in everything:
            return True
    return False


def has_values(given: object, values: object) -> bool:
    """Find structured content, where JSON begins in what was given or in a part of it."""
    if isinstance(given, list):
        parts = cast("list[dict[str, object]]", given)
        return any(has_values(part.get("text"), values) for part in parts)
    if values is None or not isinstance(given, str) or "{" not in given:
        return False
    try:
        found, _ = json.JSONDecoder().raw_decode(given[given.index("{") :])
    except json.JSONDecodeError:  # cut
        return False
    return found == values
