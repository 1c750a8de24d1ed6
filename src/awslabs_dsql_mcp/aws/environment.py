"""Variables of the environment that botocore and Python read, with values that they cannot use.

botocore raises what its parsers raise, mostly without the variable's name, while it looks for credentials.
Source: AWS SDKs and Tools Reference Guide, "Settings reference"; Python's documentation, ``ssl``.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")
_SERVICES: Final = ("dsql", "backup", "sts", "iam", "cloudwatch", "service-quotas", "pricing")


def local_endpoints(environ: Mapping[str, str]) -> dict[str, str | None] | None:
    """Give the URLs of an account on this machine, by service; `None` where AWS is asked, or an emulator.

    ``awslabs-dsql-mcp local --env`` names such an account: its keys are none for AWS's other services, which
    are asked only where a variable leads to one (AWS SDKs and Tools Reference Guide, "Service-specific
    endpoints").

    Args:
        environ: The environment.
    """
    is_ignored = environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
    urls = {name: environ.get(f"AWS_ENDPOINT_URL_{name.upper().replace('-', '_')}") for name in _SERVICES}
    dsql = urls["dsql"] or ""
    if is_ignored or environ.get("AWS_ENDPOINT_URL") or not _is_address(dsql):
        return None
    return urls if urlsplit(dsql).hostname in _THIS_MACHINE else None


def _is_number(value: str) -> bool:
    return value.strip().isdecimal()


def _is_one_of(*known: str) -> Callable[[str], bool]:
    return lambda value: value.lower() in known


def _is_address(value: str) -> bool:
    try:
        found = urlsplit(value)
        return found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:
        return False


def _is_proxy(value: str) -> bool:
    return _is_address(value if "://" in value else f"http://{value}")


def _is_readable(value: str) -> bool:
    return os.access(value, os.R_OK)


def _is_writable(value: str) -> bool:
    file = Path(value)
    return not file.is_dir() and os.access(file if file.exists() else file.parent, os.W_OK)


_NUMBER: Final = "a whole number"
_PROXY: Final = "a proxy's address, such as http://proxy.example:3128"
_ADDRESS: Final = "an address with http:// or https://"
_SUPPORT: Final = (_is_one_of("when_supported", "when_required"), "when_supported or when_required")
_MODES: Final = ("legacy", "auto", "standard", "in-region", "cross-region", "mobile")
_READABLE: Final = "a file or directory that can be read"
_VARIABLES: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "AWS_MAX_ATTEMPTS": (_is_number, _NUMBER),
    "AWS_METADATA_SERVICE_TIMEOUT": (_is_number, _NUMBER),
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": (_is_number, _NUMBER),
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": (_is_number, _NUMBER),
    "AWS_RETRY_MODE": (_is_one_of("legacy", "standard", "adaptive"), "legacy, standard or adaptive"),
    "AWS_STS_REGIONAL_ENDPOINTS": (_is_one_of("legacy", "regional"), "legacy or regional"),
    "AWS_DEFAULTS_MODE": (_is_one_of(*_MODES), f"one of {', '.join(_MODES)}"),
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": (
        _is_one_of("preferred", "disabled", "required"),
        "preferred, disabled or required",
    ),
    "AWS_REQUEST_CHECKSUM_CALCULATION": _SUPPORT,
    "AWS_RESPONSE_CHECKSUM_VALIDATION": _SUPPORT,
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": (_is_one_of("ipv4", "ipv6"), "IPv4 or IPv6"),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": (_is_address, _ADDRESS),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": (_is_address, _ADDRESS),
    "AWS_ENDPOINT_URL": (_is_address, _ADDRESS),
    "AWS_ENDPOINT_URL_STS": (_is_address, _ADDRESS),
    "HTTPS_PROXY": (_is_proxy, _PROXY),
    "https_proxy": (_is_proxy, _PROXY),
    "AWS_CA_BUNDLE": (_is_readable, _READABLE),
    "REQUESTS_CA_BUNDLE": (_is_readable, _READABLE),
    "AWS_WEB_IDENTITY_TOKEN_FILE": (_is_readable, _READABLE),
    "SSLKEYLOGFILE": (_is_writable, "a file that can be written"),
}
"""Each with the test of its value, and what it has to be."""


def unusable_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Find variables that cannot be used, each with what it has to be; never their values.

    Args:
        environ: The environment.
    """
    for name, (is_right, expected) in _VARIABLES.items():
        if (value := environ.get(name)) and not is_right(value):
            yield name, expected
