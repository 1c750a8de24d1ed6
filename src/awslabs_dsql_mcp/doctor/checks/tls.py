"""The check of TLS: it is agreed on as libpq does it, and each way to fail has its name.

libpq asks for TLS with an SSLRequest, which the server answers with one byte (PostgreSQL documentation,
"SSL Session Encryption"), or, with ``sslnegotiation=direct``, begins with TLS at once and demands that
ALPN names ``postgresql``.
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
_BEGINNING = 12  # bytes of another protocol's greeting that are shown
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# X.509 verification results (OpenSSL documentation, "X509_STORE_CTX_get_error").
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64


@dataclass(frozen=True)
class _Agreed:
    """What a handshake gave: TLS's version, the certificate, and how it began."""

    version: str
    certificate: dict[str, Any]
    direct: bool


class _NotTls(Exception):
    """The other side did not agree to speak TLS.

    Args:
        answer: The first bytes that it sent; empty when it hung up.
    """

    def __init__(self, answer: bytes) -> None:
        super().__init__(repr(answer))
        self.answer = answer


async def tls(patient: CheckContext) -> CheckOutcome:
    """Agree on TLS with the first address that answers."""
    limit, root = patient.settings.connect_timeout, patient.cluster.root_cert
    try:
        context = _context(root)
    except OSError:  # ssl.SSLError among them
        return failed(
            f"The file of trusted roots {root} holds no certificate that can be read.",
            code="tls_roots_unreadable",
            remedy="Give --ssl-root-cert (or PGSSLROOTCERT) a PEM file, or leave it out for certifi's.",
        )
    try:
        return _good(await asyncio.wait_for(_agree(patient, context), limit))
    except ssl.SSLCertVerificationError as error:
        return await _untrusted(patient, context, error)
    except _NotTls as other:
        return _not_tls(other.answer, patient)
    except asyncio.TimeoutError:
        return failed(
            f"The port takes connections, but says nothing: no TLS within {limit:g} s.",
            code="connect_timeout",
            remedy="Check what stands between: a proxy, a load balancer, a firewall that inspects; and "
            "that the port is the cluster's.",
        )
    except OSError as error:
        return failed(
            f"TLS could not be agreed on: {_reason(error)}.",
            code="tls_failed",
            remedy="Check that endpoint and port are an Aurora DSQL cluster's and that nothing in between "
            "intercepts TLS.",
        )


def _context(root: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if root == "system" else root)
    context.set_alpn_protocols([_ALPN])
    return context


def _begins_direct(patient: CheckContext) -> bool:
    return patient.cluster.direct_tls and supports_direct_tls()


async def _agree(patient: CheckContext, context: ssl.SSLContext) -> _Agreed:
    """Shake hands as the server will; if that fails for want of TLS, ask in the other way for the reason.

    Raises:
        _NotTls: It speaks none.
        OSError: The handshake failed, or the certificate is not trusted (`ssl.SSLCertVerificationError`).
    """
    if not _begins_direct(patient):
        return await _shake(patient, context, direct=False)
    try:
        return await _shake(patient, context, direct=True)
    except ssl.SSLCertVerificationError:
        raise
    except OSError as refused:
        await _shake(patient, context, direct=False)
        raise ConnectionError("it takes TLS only when asked for it (SSLRequest), not directly") from refused


async def _shake(patient: CheckContext, context: ssl.SSLContext, *, direct: bool) -> _Agreed:
    reader, writer = await asyncio.open_connection(patient.addresses[0], patient.port)
    try:
        if not direct:
            writer.write(_SSL_REQUEST)
            answer = await reader.read(_BEGINNING)  # one byte, from PostgreSQL
            if answer != b"S":
                raise _NotTls(answer)
        transport = await asyncio.get_running_loop().start_tls(
            writer.transport,
            asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            context,
            server_hostname=patient.cluster.host,
        )
        if transport is None:
            raise ConnectionError("the connection was closed")
        return _agreed(transport, direct=direct)
    finally:
        writer.transport.abort()


def _agreed(transport: asyncio.Transport, *, direct: bool) -> _Agreed:
    session: ssl.SSLObject = transport.get_extra_info("ssl_object")
    alpn, certificate = session.selected_alpn_protocol(), session.getpeercert() or {}
    transport.abort()
    if direct and alpn != _ALPN:
        raise ConnectionError("it does not name postgresql in ALPN")
    return _Agreed(session.version() or "TLS", certificate, direct)


def _good(agreed: _Agreed) -> CheckOutcome:
    issuer = _attribute(agreed.certificate, "issuer")
    until = str(agreed.certificate.get("notAfter", "?"))
    how = "direct" if agreed.direct else "asked for by SSLRequest"
    return CheckOutcome(
        f"{agreed.version}, {how}; the certificate for {_names(agreed.certificate)}, issued by {issuer}, "
        f"is trusted and valid until {_date(until)}."
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
    patient: CheckContext, context: ssl.SSLContext, error: ssl.SSLCertVerificationError
) -> CheckOutcome:
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        names = await _names_shown(patient, context)
        return failed(
            f"The certificate is for {names}, not for {patient.cluster.host}.",
            code="tls_name_mismatch",
            remedy="Give --cluster_endpoint as a name in the certificate; PGHOSTADDR may hold the address.",
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        today = patient.world.now().date()
        return failed(
            f"The certificate is not valid today ({today}): {error.verify_message}.",
            code="tls_not_valid_now",
            remedy="Set this machine's clock if that date is wrong; else the server's certificate must be "
            "renewed.",
        )
    return failed(
        f"The certificate is not trusted: {error.verify_message}.",
        code="tls_untrusted",
        remedy="Leave --ssl-root-cert out, or give the right roots (Aurora DSQL: Amazon Root CA 1); if a "
        "proxy sits between, its CA must be among them.",
    )


async def _names_shown(patient: CheckContext, context: ssl.SSLContext) -> str:
    context.check_hostname = False
    with suppress(OSError, _NotTls, asyncio.TimeoutError):
        shaking = _shake(patient, context, direct=_begins_direct(patient))
        agreed = await asyncio.wait_for(shaking, patient.settings.connect_timeout)
        return _names(agreed.certificate)
    return "another name"


def _not_tls(answer: bytes, patient: CheckContext) -> CheckOutcome:
    where = f"{patient.addresses[0]} port {patient.port}"
    if answer == b"N":
        return failed(
            f"A PostgreSQL server at {where} takes no TLS: it is no Aurora DSQL cluster.",
            code="tls_failed",
            remedy="Check --cluster_endpoint, PGHOSTADDR and PGPORT: they lead to another server.",
        )
    if not answer:
        return failed(
            f"The connection to {where} is closed as soon as TLS is asked for.",
            code="connection_closed",
            remedy="Check --cluster_endpoint and PGPORT, and what stands between: a proxy, a load balancer.",
        )
    kind = "PostgreSQL's protocol" if answer[:1] == b"E" else "something else than PostgreSQL"
    return failed(
        f"At {where} answers {kind}, without TLS (it begins with {_shown(answer)}).",
        code="not_postgresql",
        remedy="Check --cluster_endpoint, PGHOSTADDR and PGPORT (Aurora DSQL's is 5432).",
    )


def _shown(answer: bytes) -> str:
    return repr(re.sub(r"[^ -~]", ".", answer.decode("latin-1")))


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error.strerror or error)
