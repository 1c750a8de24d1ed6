"""Functions that read an option's value from text, or raise `ValueError` with what is expected."""

import math
import re
from pathlib import Path
from urllib.parse import urlsplit

from awslabs_dsql_mcp.option_parser import whole_number

CLUSTER_GATES = ("own", "all")
CONFIRM_POLICIES = ("always", "auto", "never")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%\w]*")
_PORT_ALONE = re.compile(r":\d+")
_MAX_HOST = 253  # characters (RFC 1035)
_IDENTIFIER = re.compile(r"[a-z0-9]{26}")
_CLUSTER_ARN = re.compile(r"arn:[a-z-]+:dsql:(?P<region>[a-z0-9-]+):\d*:cluster/(?P<identifier>[a-z0-9]{26})")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")

read_count = whole_number(1, 100)
read_size = whole_number(1, 10_000_000)
_MAX_DPU = 1_000_000_000


def read_dpu(text: str) -> float:
    """Read a number of DPUs, of which a small transaction has a part."""
    number = float(text) if _DECIMAL.fullmatch(text) else 0.0
    if not 0 < number <= _MAX_DPU:
        raise ValueError(f"a number above 0, up to {_MAX_DPU}")
    return int(number) if number.is_integer() else number


def read_text(text: str) -> str:
    """Read a text that is not empty."""
    if not text.strip():
        raise ValueError("a value that is not empty")
    return text.strip()


def read_host(text: str) -> str:
    """Read a host name or an address, without scheme, port or path."""
    arn = _CLUSTER_ARN.fullmatch(text)
    if arn or _IDENTIFIER.fullmatch(text):
        identifier, region = (arn["identifier"], arn["region"]) if arn else (text, "REGION")
        raise ValueError(f"that cluster's endpoint, such as {identifier}.dsql.{region}.on.aws")
    if not _HOST.fullmatch(text) or len(text) > _MAX_HOST or _PORT_ALONE.fullmatch(text):
        raise ValueError(
            "a host name or address without scheme, port or path, such as abc.dsql.us-east-1.on.aws"
        )
    return text


def read_region(text: str) -> str:
    """Read the name of an AWS region."""
    if not _REGION.fullmatch(text):
        raise ValueError("the name of an AWS region, such as us-east-1")
    return text


def read_seconds(text: str) -> float:
    """Read a positive number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError("a positive number of seconds, such as 30")
    return value


def read_minutes(text: str) -> float:
    """Read a positive number of minutes."""
    try:
        return read_seconds(text)
    except ValueError:
        raise ValueError("a positive number of minutes, such as 60") from None


def read_knowledge_url(text: str) -> str:
    """Read the URL of a documentation server: HTTPS, or plain HTTP on this machine."""
    expected = "an https:// URL (plain http:// only for localhost)"
    try:
        url = urlsplit(text)
        host = url.hostname
        _ = url.port
    except ValueError:
        raise ValueError(expected) from None
    if not host or url.username or url.password:
        raise ValueError(expected)
    if url.scheme != "https" and not (url.scheme == "http" and host in LOOPBACK):
        raise ValueError(expected)
    return text


def read_path(text: str) -> Path:
    """Read a path, which need not exist, in the home directory if it begins with ``~``."""
    try:
        path = Path(read_text(text)).expanduser()
    except RuntimeError:
        raise ValueError("a path whose user is on this machine") from None
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError:
        raise ValueError("a path that the user who runs this has access to") from None
    except (OSError, ValueError):  # too long, a loop of links, or a NUL
        raise ValueError("a path that this machine can have") from None
    return path


def read_roots(text: str) -> str:
    """Read the path of a file that exists, or ``system`` for the root certificates of OpenSSL."""
    path = read_path(text)
    if text != "system" and not path.is_file():
        raise ValueError("a file that exists, or system")
    return text if text == "system" else str(path)


def read_folder(text: str) -> Path:
    """Read the path of a directory, which need not exist."""
    path = read_path(text)
    if path.exists() and not path.is_dir():
        raise ValueError("a directory")
    return path


def read_existing_folder(text: str) -> Path:
    """Read the path of a directory that exists."""
    path = read_path(text)
    if not path.is_dir():
        raise ValueError("a directory that exists")
    return path


def read_config_file(text: str) -> Path:
    """Read the path of a file that exists."""
    path = read_path(text)
    if not path.is_file():
        raise ValueError("a file that exists")
    return path


def read_log_file(text: str) -> Path:
    """Read the path of a file, which need not exist, in a directory that exists."""
    path = read_path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError("a file in a directory that exists")
    return path


def read_confirm(text: str) -> str:
    """Read a confirmation policy."""
    if text.lower() not in CONFIRM_POLICIES:
        raise ValueError("one of " + ", ".join(CONFIRM_POLICIES))
    return text.lower()


def read_cluster_gate(text: str) -> str:
    """Read which clusters may be changed."""
    if text.lower() not in CLUSTER_GATES:
        raise ValueError("one of " + ", ".join(CLUSTER_GATES))
    return text.lower()


def read_log_level(text: str) -> str:
    """Read a log level."""
    if text.upper() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return text.upper()
