"""The endpoint's certificate, signed by an authority that exists for this data folder alone."""

import time
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.local.folder import DataFolder

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")
_VALID = timedelta(days=825)  # the longest that Apple's verifiers accept
_RENEW_AFTER = timedelta(days=365)


def ensure(folder: DataFolder) -> None:
    """Make the authority and the certificate unless there are some less than a year old.

    Both are made anew together and the authority's private key is never stored: nobody can sign
    another certificate that a user who trusts ``ca.pem`` would accept.
    """
    if _is_fresh(folder.ca_file) and folder.certificate.exists() and folder.private_key.exists():
        return
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  0.1 s, only when one is made
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  the same

    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    pem = serialization.Encoding.PEM
    folder.write(
        folder.private_key,
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    folder.write(folder.certificate, _certificate(key, authority, authority_key).public_bytes(pem))
    folder.write(folder.ca_file, authority.public_bytes(pem))


def _is_fresh(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _RENEW_AFTER.total_seconds()
    except FileNotFoundError:
        return False


def _authority(key: "EllipticCurvePrivateKey") -> "x509.Certificate":
    from cryptography import x509  # noqa: PLC0415  see ensure
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  see ensure

    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    name = _name("awslabs-dsql-mcp local authority")
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    key: "EllipticCurvePrivateKey", authority: "x509.Certificate", authority_key: "EllipticCurvePrivateKey"
) -> "x509.Certificate":
    from cryptography import x509  # noqa: PLC0415  see ensure
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  see ensure
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415  see ensure

    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    names = [x509.DNSName(name) for name in NAMES]
    addresses = [x509.IPAddress(ip_address(address)) for address in ADDRESSES]
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        _builder(_name(NAMES[0]), authority.subject, key)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(server, critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: "x509.Name", issuer: "x509.Name", key: "EllipticCurvePrivateKey"
) -> "x509.CertificateBuilder":
    from cryptography import x509  # noqa: PLC0415  see ensure

    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
    )


def _name(common: str) -> "x509.Name":
    from cryptography import x509  # noqa: PLC0415  see ensure
    from cryptography.x509.oid import NameOID  # noqa: PLC0415  see ensure

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
