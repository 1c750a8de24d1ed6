"""HTTPS to the documentation server, with bounds on what is sent, on what comes back and on time.

One kept ``httpx`` client, which verifies certificates, sends no credentials and keeps no cookies, follows a
redirect only within its own origin, reads at most ``MAX_BYTES`` of a reply, and tries once more after what
often passes by itself: a broken connection and the statuses 429, 502, 503 and 504
(RFC 9110, sections 10.2.3 and 15.6; RFC 6585, section 4).
"""

from __future__ import annotations

import json
import ssl
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, cast

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
from httpx_sse import EventSource

from awslabs_dsql_mcp.errors import KnowledgeUnavailable
from awslabs_dsql_mcp.json_reader import LARGE, JsonReader, TooMuch, check_utf8

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    Message = Mapping[str, object]

MAX_BYTES = 5_000_000
JITTER_SECONDS = 0.5
_EVENTS_AT_ONCE = 2_048
TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_KINDS = frozenset({"application/json", "text/event-stream", "text/html", "text/plain", "application/xml"})


@dataclass(frozen=True)
class Received:
    """A reply: its status, its headers, and the JSON-RPC message in it, if there was one."""

    status: int
    headers: Mapping[str, str]
    message: Message | None


class TransientError(KnowledgeUnavailable):
    """A failure that may be gone a moment later.

    Args:
        message: What happened.
        wait: Seconds that the server asked to wait; ``None`` if it did not say.
    """

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class HttpTransport:
    """POSTs JSON-RPC messages to one URL.

    Args:
        url: Where the documentation server listens; ``core.knowledge.check_server`` has accepted it.
        timeout: Seconds: for silence on an open connection, and a third of it for connecting, so that
            a lost connection attempt leaves time for the second one. The caller keeps the total.
        ca_file: Certificates to trust instead of certifi's (or those that ``SSL_CERT_FILE`` names).
        random: Gives numbers in [0, 1): the jitter before the second try.

    Raises:
        KnowledgeUnavailable: The environment's certificates or proxies cannot be used.
    """

    def __init__(
        self, url: str, *, timeout: float, ca_file: Path | None, random: Callable[[], float]
    ) -> None:
        self._url = httpx.URL(url)
        self._timeout = timeout
        self._random = random
        try:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(cafile=str(ca_file)) if ca_file else True,
                timeout=httpx.Timeout(timeout, connect=timeout / 3),
                # Without compression the bytes counted are the bytes held.
                headers={"accept-encoding": "identity"},
                cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
                # A proxy from the environment is for the world outside, not for this machine.
                trust_env=self._url.scheme == "https",
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            raise KnowledgeUnavailable(_unusable(error)) from error

    async def post(self, message: Message, headers: Mapping[str, str]) -> Received:
        """Send one message and read its reply.

        Returns:
            The reply: any 2xx, or a 4xx (which another variant of the protocol may avoid).

        Raises:
            KnowledgeUnavailable: No usable reply: network, TLS, status, size, or not JSON-RPC.
        """
        try:
            return await self._follow(message, headers)
        except TransientError as failure:
            delay = (failure.wait or 0.0) + self._random() * JITTER_SECONDS
            if anyio.current_time() + delay >= anyio.current_effective_deadline():
                raise
            await anyio.sleep(delay)
        return await self._follow(message, headers)

    async def delete(self, headers: Mapping[str, str]) -> None:
        """Tell the server that a session is over; what it answers does not matter."""
        try:
            await self._client.delete(self._url, headers=dict(headers))
        except httpx.HTTPError:
            return

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _follow(self, message: Message, headers: Mapping[str, str]) -> Received:
        reply = await self._exchange(self._url, message, headers)
        if httpx.codes.is_redirect(reply.status):
            reply = await self._exchange(self._redirected(reply), message, headers)
        if httpx.codes.is_redirect(reply.status):
            raise KnowledgeUnavailable("it redirects more than once")
        return reply

    def _redirected(self, reply: Received) -> httpx.URL:
        try:
            target = self._url.join(reply.headers.get("location", ""))
            host = target.host  # is decoded here, and may be no name (RFC 5891, section 5.4)
        except (httpx.InvalidURL, ValueError):
            raise KnowledgeUnavailable(f"it redirects ({reply.status}) to something that is no URL") from None
        # Only 307 and 308 keep the method and the body (RFC 9110, section 15.4).
        keeps = reply.status in (httpx.codes.TEMPORARY_REDIRECT, httpx.codes.PERMANENT_REDIRECT)
        if not keeps or target.userinfo or _origin(target) != _origin(self._url):
            raise KnowledgeUnavailable(f"it redirects ({reply.status}) to {host[:80]}; not followed")
        return target

    async def _exchange(self, url: httpx.URL, message: Message, headers: Mapping[str, str]) -> Received:
        fixed = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        body = json.dumps(message).encode()
        try:
            async with self._client.stream(
                "POST", url, content=body, headers={**fixed, **headers}
            ) as response:
                _check_status(response)
                found = await _message(response, message.get("id"))
                return Received(response.status_code, response.headers, found)
        except httpx.TransportError as error:
            raise _translated(error, self._timeout) from error
        except (httpx.InvalidURL, UnicodeError):  # httpx reads the address of a redirect, followed or not
            raise KnowledgeUnavailable("it redirects to something that is no URL") from None


def _unusable(error: Exception) -> str:
    """Say what of the environment is in the way, without its value: a proxy's URL may have a password."""
    if isinstance(error, OSError):  # ssl.SSLError is one
        return "certificates of this machine cannot be read; see SSL_CERT_FILE, SSL_CERT_DIR, SSLKEYLOGFILE"
    return "a proxy of this machine's environment cannot be used; see HTTPS_PROXY, ALL_PROXY, NO_PROXY"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in TRANSIENT_STATUSES:
        raise TransientError(f"it answered {status}", wait=_retry_after(response.headers))
    if httpx.codes.is_server_error(status):
        raise KnowledgeUnavailable(f"it answered {status}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait (RFC 9110, section 10.2.3): a number, or a date that the Date header puts in place."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, until.total_seconds())


async def _message(response: httpx.Response, wanted: object) -> Message | None:
    """The JSON-RPC message in a body, JSON or event stream; ``None`` where none is owed."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise KnowledgeUnavailable("it sent a compressed reply, unasked")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return await _streamed(response, wanted)
    body = bytearray()  # a body in chunks of a byte would be a list of millions
    async for chunk in _bounded(response):
        body += chunk
    if response.is_success and wanted is not None:
        return await _decoded(bytes(body), kind)
    try:
        return await _decoded(bytes(body), kind)
    except KnowledgeUnavailable:
        return None


async def _bounded(response: httpx.Response) -> AsyncIterator[bytes]:
    held = 0
    async for chunk in response.aiter_raw():
        held += len(chunk)
        if held > MAX_BYTES:
            raise KnowledgeUnavailable(f"it sent more than {MAX_BYTES // 1_000_000} MB; cut off")
        yield chunk
        await anyio.lowlevel.checkpoint()  # chunks that have been received are read without a pause


async def _in_parts(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Give chunks in parts, since each byte of an event stream may be an event."""
    async for chunk in chunks:
        for start in range(0, len(chunk), _EVENTS_AT_ONCE):
            yield chunk[start : start + _EVENTS_AT_ONCE]
            await anyio.lowlevel.checkpoint()


async def _streamed(response: httpx.Response, wanted: object) -> Message:
    """The first event that answers our request; others (progress, pings) are passed over."""
    async with aclosing(event_data(_in_parts(_bounded(response)))) as events:
        async for data in events:
            message = await _decoded(data.encode("utf-8", "surrogatepass"), "text/event-stream")
            if message.get("id") == wanted and ("result" in message or "error" in message):
                return message
    raise TransientError("its event stream ended without an answer")


async def _decoded(body: bytes, kind: str) -> Message:
    """Read a message, off the event loop where it is large.

    Raises:
        KnowledgeUnavailable: It is none.
    """
    try:
        value: object = json.loads(body) if len(body) < LARGE else await anyio.to_thread.run_sync(_read, body)
    except TooMuch as error:
        raise KnowledgeUnavailable(f"it sent a message that {error}") from None
    except (ValueError, RecursionError):
        known = kind if kind in _KINDS else "something"
        raise KnowledgeUnavailable(f"it sent {known} that is not JSON") from None
    if not isinstance(value, dict):
        raise KnowledgeUnavailable("it sent JSON that is not a JSON-RPC reply")
    return cast("Message", value)


def _read(body: bytes) -> object:
    check_utf8(body)
    return JsonReader(body).read()


async def event_data(body: AsyncIterable[bytes]) -> AsyncGenerator[str]:
    """The data of each server-sent event of a body, as it comes (WHATWG HTML, section 9.2.6)."""
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    async with aclosing(EventSource(response).aiter_sse()) as events:
        async for event in events:
            if event.data:
                yield event.data


def _translated(error: httpx.TransportError, timeout: float) -> KnowledgeUnavailable:
    if isinstance(error, httpx.ConnectTimeout):
        return TransientError("no connection in time")
    if isinstance(error, httpx.TimeoutException):
        # Not tried again: the time that a second try would need is spent.
        return KnowledgeUnavailable(f"no answer within {timeout:g} s", code="knowledge_timeout")
    distrust = next((e for e in _causes(error) if isinstance(e, ssl.SSLCertVerificationError)), None)
    if distrust is not None:
        return KnowledgeUnavailable(f"its certificate is not trusted: {distrust.verify_message}")
    if isinstance(error, httpx.ConnectError):
        return TransientError("no connection could be made")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.ProxyError | httpx.LocalProtocolError):
        return KnowledgeUnavailable("it cannot be reached the way this machine is configured")
    return TransientError("the connection broke")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
