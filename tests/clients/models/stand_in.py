"""A stand-in for a model: it asks for the calls of a session, one a turn, and keeps what it is given."""

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from clients.models.apis import APIS, Api, Call, Json
from clients.models.scenarios import Scenario


class StandIn:
    """The model.

    Args:
        scenarios: The calls that it asks for.
        begin: Called with each scenario before it is asked for.

    Attributes:
        given: What the model was given of each call so far.
        offered: Names of the tools that it was offered.
    """

    def __init__(self, scenarios: Sequence[Scenario], begin: Callable[[Scenario], None]) -> None:
        self._scenarios = scenarios
        self._begin = begin
        self.given: Sequence[Any] = ()
        self.offered: frozenset[str] = frozenset()

    def answer(self, api: Api, request: Json) -> Sequence[tuple[str, Json]]:
        """Answer a request; one that offers none of our tools, such as for a title, with a word."""
        offered = list(api.offered(request))
        if not any(name.endswith("readonly_query") for _, name in offered):
            return api.answer(None)
        self.offered = frozenset(name for _, name in offered)
        self.given = api.results(request)
        number = len(self.given)
        if number == len(self._scenarios):
            return api.answer(None)
        scenario = self._scenarios[number]
        namespace, name = next(tool for tool in offered if tool[1].endswith(scenario.tool))
        self._begin(scenario)
        return api.answer(Call(number, name, namespace, scenario.arguments))


@contextmanager
def serving(model: StandIn) -> Generator[str]:
    """Serve a model's APIs on loopback; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            api = next((api for api in APIS if api.path in self.path), None)
            if api is None or "count" in self.path:
                return self._send("application/json", "{}")
            events = model.answer(api, request)
            if "stream" not in self.path and not request.get("stream"):
                return self._send("application/json", json.dumps(events[-1][1]))
            lines = [
                (f"event: {kind}\n" if kind else "") + f"data: {json.dumps(e)}\n\n" for kind, e in events
            ]
            return self._send("text/event-stream", "".join(lines))

        def do_GET(self) -> None:
            self._send("application/json", '{"data": []}')

        def _send(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
