"""An exception of botocore, or of a source of credentials, as a text on its cause, without secrets.

Only what names a thing is taken from an exception: profiles, keys of a file, files with their lines, hosts,
and the system's own words. URLs lose user, path and query; what a program printed is never quoted.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from awslabs_dsql_mcp.text import as_line

Fields = dict[str, Any]  # of an exception of botocore, by the names in its text

_MOST: Final = 240  # characters
# Words of botocore's own about the output of a credential process; its other errors quote the program.
_OF_OUTPUT: Final = ("Missing required key in response", "Unsupported version")


def reason_of(error: Exception) -> str:
    """Word the cause in a clause without a full stop; the exception's class where nothing else may be shown.

    Args:
        error: The exception.
    """
    return as_line(_reason(error).strip().rstrip("."), _MOST) or type(error).__name__


def why_unread(file: str) -> str:
    """Word why a file that botocore passes over in silence cannot be read; empty if it can, or is not there.

    Args:
        file: The file; ``~`` is the user's home.
    """
    try:
        with Path(file).expanduser().open("rb"):
            return ""
    except FileNotFoundError:
        return ""
    except (OSError, RuntimeError) as error:  # there may be no home
        return f"{file} cannot be read ({getattr(error, 'strerror', '') or 'there is no home'})"


def why_configuration_unread(environ: Mapping[str, str]) -> str:
    """Word why the user's AWS configuration cannot be read; empty if it can, or is not there.

    Args:
        environ: The environment (AWS SDKs and Tools Reference Guide, "Location of the shared files").
    """
    files = (
        environ.get("AWS_CONFIG_FILE") or "~/.aws/config",
        environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials",
    )
    return next((why for file in files if (why := why_unread(file))), "")


def _reason(error: Exception) -> str:
    from botocore import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
        exceptions as aws,
    )

    fields: dict[str, Any] = getattr(error, "kwargs", {})
    for name, words in _READERS.items():
        if isinstance(error, getattr(aws, name)):
            return words(error, fields)
    if isinstance(error, OSError):
        return _file(error)
    return "its output is not what AWS's documentation asks for" if isinstance(error, ValueError) else ""


def _retrieval(_: Exception, fields: Fields) -> str:
    message = str(fields.get("error_msg", ""))
    return message if message.startswith(_OF_OUTPUT) else ""


def _place(_: Exception, fields: Fields) -> str:
    """Name the file, and the line that Python's parser complains about (its documentation, configparser)."""
    path, error = fields.get("path", ""), fields.get("error")
    errors: Any = getattr(error, "errors", None) or [(None, "")]
    line: object = getattr(error, "lineno", None) or errors[0][0]
    return f"{path}, line {line}" if line else path


def _said(error: Exception, _: Fields) -> str:
    told = vars(error).get("response", {}).get("Error", {})
    return ": ".join(str(told[key]) for key in ("Code", "Message") if told.get(key))


def _connection(_: Exception, fields: Fields) -> str:
    """Name the host that was asked, or the proxy, and what the system or TLS says of it."""
    proxy, endpoint = fields.get("proxy_url"), fields.get("endpoint_url")
    host = _host(str(proxy or endpoint or ""))
    words = [f"the proxy {host}" if proxy else host, _system_words(fields.get("error"))]
    return ": ".join(word for word in words if word)


def _host(url: str) -> str:
    try:
        found = urlsplit(url if "://" in url else f"//{url}")
        port = f":{found.port}" if found.port else ""
    except ValueError:
        return ""
    return f"{found.hostname or ''}{port}"


def _system_words(error: object) -> str:
    """Give the operating system's or OpenSSL's words for what lies at the bottom of an exception."""
    for each in _causes(error):
        words = getattr(each, "verify_message", "") or (each.strerror if isinstance(each, OSError) else "")
        if words:
            return str(words)
    return ""


def _causes(error: object) -> Iterator[BaseException]:
    """Follow an exception to what it wraps: as its cause, its context, its reason or its argument."""
    seen, waiting = set[int](), [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [*each.args, each.__context__, each.__cause__, getattr(each, "reason", None)]


def _file(error: OSError) -> str:
    name = error.filename if isinstance(error.filename, str) and "=" not in error.filename else ""
    return ": ".join(word for word in (name, error.strerror or "") if word)


_READERS: Final[Mapping[str, Callable[[Exception, Fields], str]]] = {
    "InvalidConfigError": lambda error, _: str(error),
    "PartialCredentialsError": lambda _, fields: f"{fields.get('cred_var', '')} is missing",
    "ConfigParseError": _place,
    "ConfigNotFound": _place,
    "ClientError": _said,
    "CredentialRetrievalError": _retrieval,
    "HTTPClientError": _connection,
    "ConnectionError": _connection,
}
"""Readers of the cause that each exception of botocore names; subclasses likewise."""
