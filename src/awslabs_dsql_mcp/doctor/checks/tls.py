"""Check of the TLS handshake, done as libpq does it.

libpq requests TLS with an SSLRequest, which the server answers with one byte (PostgreSQL documentation, "SSL
Session Encryption"). With ``sslnegotiation=direct`` it begins with TLS and requires ``postgresql`` in ALPN.
"""

import asyncio
import re
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from awslabs_dsql_mcp.database.connection import supports_direct_tls
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed

_ALPN = "postgresql"
_MAX_SHOWN = 12  # bytes of another protocol's greeting
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# X.509 verification results (OpenSSL documentation, "X509_STORE_CTX_get_error").
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64


@dataclass(frozen=True)
class _Handshake:
    """Result of a handshake: TLS version, certificate, and the kind of negotiation."""

    version: str
    certificate: dict[str, Any]
    direct: bool


class _NotTls(Exception):
    """The server did not accept TLS.

    Args:
        answer: The first bytes that it sent; empty if it closed the connection.
    """

    def __init__(self, answer: bytes) -> None:
        super().__init__(repr(answer))
        self.answer = answer


async def tls(context: CheckContext) -> CheckOutcome:
    """Do a TLS handshake with the first address that accepts connections."""
    limit, root = context.settings.connect_timeout, context.cluster.root_cert
    try:
        ssl_context = _ssl_context(root)
    except OSError:  # ssl.SSLError among them
        return failed(
            f"The file of trusted roots {root} has no readable certificate.",
            code="tls_roots_unreadable",
            remedy="Give --ssl-root-cert (or PGSSLROOTCERT) a PEM file, or leave it out for certifi's.",
        )
    try:
        return _trusted(await asyncio.wait_for(_handshake(context, ssl_context), limit))
    except ssl.SSLCertVerificationError as error:
        return await _untrusted(context, ssl_context, error)
    except _NotTls as other:
        return _not_tls(other.answer, context)
    except asyncio.TimeoutError:
        return failed(
            f"The port accepts connections but does not answer: no TLS within {limit:g} s.",
            code="connect_timeout",
            remedy="Check for a proxy, a load balancer or an inspecting firewall in between, and that the "
            "port is the cluster's.",
        )
    except OSError as error:
        return failed(
            f"The TLS handshake failed: {_reason(error)}.",
            code="tls_failed",
            remedy="Check that endpoint and port are an Aurora DSQL cluster's and that no proxy "
            "intercepts TLS.",
        )


def _ssl_context(root: str) -> ssl.SSLContext:
    ssl_context = ssl.create_default_context(cafile=None if root == "system" else root)
    ssl_context.set_alpn_protocols([_ALPN])
    return ssl_context


def _begins_direct(context: CheckContext) -> bool:
    return context.cluster.direct_tls and supports_direct_tls()


async def _handshake(context: CheckContext, ssl_context: ssl.SSLContext) -> _Handshake:
    """Do the handshake as the server would; if direct TLS fails, try SSLRequest to find the reason.

    Raises:
        _NotTls: The server does not accept TLS.
        OSError: The handshake failed, or the certificate is not trusted (`ssl.SSLCertVerificationError`).
    """
    if not _begins_direct(context):
        return await _connect(context, ssl_context, direct=False)
    try:
        return await _connect(context, ssl_context, direct=True)
    except ssl.SSLCertVerificationError:
        raise
    except OSError as refused:
        await _connect(context, ssl_context, direct=False)
        raise ConnectionError("it accepts TLS only after an SSLRequest, not directly") from refused


async def _connect(context: CheckContext, ssl_context: ssl.SSLContext, *, direct: bool) -> _Handshake:
    reader, writer = await asyncio.open_connection(context.addresses[0], context.port)
    try:
        if not direct:
            writer.write(_SSL_REQUEST)
            answer = await reader.read(_MAX_SHOWN)  # one byte, from PostgreSQL
            if answer != b"S":
                raise _NotTls(answer)
        transport = await asyncio.get_running_loop().start_tls(
            writer.transport,
            asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            ssl_context,
            server_hostname=context.cluster.host,
        )
        if transport is None:
            raise ConnectionError("the connection was closed")
        return _describe(transport, direct=direct)
    finally:
        writer.transport.abort()


def _describe(transport: asyncio.Transport, *, direct: bool) -> _Handshake:
    session: ssl.SSLObject = transport.get_extra_info("ssl_object")
    alpn, certificate = session.selected_alpn_protocol(), session.getpeercert() or {}
    transport.abort()
    if direct and alpn != _ALPN:
        raise ConnectionError("it does not name postgresql in ALPN")
    return _Handshake(session.version() or "TLS", certificate, direct)


def _trusted(handshake: _Handshake) -> CheckOutcome:
    issuer = _attribute(handshake.certificate, "issuer")
    until = str(handshake.certificate.get("notAfter", "?"))
    negotiation = "direct" if handshake.direct else "requested by SSLRequest"
    return CheckOutcome(
        f"{handshake.version}, {negotiation}; the certificate for {_names(handshake.certificate)}, issued by "
        f"{issuer}, is trusted and valid until {_date(until)}."
    )


def _names(certificate: dict[str, Any]) -> str:
    names = [str(value) for _, value in certificate.get("subjectAltName", ())]
    return ", ".join(names[:2]) + (" …" if len(names) > 2 else "") or "no name"  # noqa: PLR2004 - two are shown


def _attribute(certificate: dict[str, Any], field: str) -> str:
    known = {str(key): str(value) for part in certificate.get(field, ()) for key, value in part}
    return known.get("commonName") or known.get("organizationName") or "an unnamed authority"


def _date(text: str) -> str:
    month, day, _, year, *_ = [*text.split(), "?", "?", "?", "?"]
    return f"{day} {month} {year}"


async def _untrusted(
    context: CheckContext, ssl_context: ssl.SSLContext, error: ssl.SSLCertVerificationError
) -> CheckOutcome:
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        names = await _names_shown(context, ssl_context)
        return failed(
            f"The certificate is for {names}, not for {context.cluster.host}.",
            code="tls_name_mismatch",
            remedy="Give --cluster_endpoint as a name in the certificate; PGHOSTADDR may be the address.",
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        today = context.environment.now().date()
        return failed(
            f"The certificate is not valid today ({today}): {error.verify_message}.",
            code="tls_not_valid_now",
            remedy="Set this machine's clock if that date is wrong; else the server's certificate must be "
            "renewed.",
        )
    return failed(
        f"The certificate is not trusted: {error.verify_message}.",
        code="tls_untrusted",
        remedy="Leave --ssl-root-cert out, or give the right roots (Aurora DSQL: Amazon Root CA 1); with a "
        "proxy in between, its CA must be among them.",
    )


async def _names_shown(context: CheckContext, ssl_context: ssl.SSLContext) -> str:
    ssl_context.check_hostname = False
    with suppress(OSError, _NotTls, asyncio.TimeoutError):
        connecting = _connect(context, ssl_context, direct=_begins_direct(context))
        handshake = await asyncio.wait_for(connecting, context.settings.connect_timeout)
        return _names(handshake.certificate)
    return "another name"


def _not_tls(answer: bytes, context: CheckContext) -> CheckOutcome:
    where = f"{context.addresses[0]} port {context.port}"
    if answer == b"N":
        return failed(
            f"The PostgreSQL server at {where} does not accept TLS: it is not an Aurora DSQL cluster.",
            code="tls_failed",
            remedy="Check --cluster_endpoint, PGHOSTADDR and PGPORT: they lead to another server.",
        )
    if not answer:
        return failed(
            f"The connection to {where} is closed as soon as TLS is requested.",
            code="connection_closed",
            remedy="Check --cluster_endpoint and PGPORT, and any proxy or load balancer in between.",
        )
    kind = "PostgreSQL's protocol" if answer[:1] == b"E" else "another protocol than PostgreSQL's"
    return failed(
        f"{where} answers with {kind}, without TLS (it begins with {_shown(answer)}).",
        code="not_postgresql",
        remedy="Check --cluster_endpoint, PGHOSTADDR and PGPORT (Aurora DSQL's is 5432).",
    )


def _shown(answer: bytes) -> str:
    return repr(re.sub(r"[^ -~]", ".", answer.decode("latin-1")))


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error.strerror or error)
