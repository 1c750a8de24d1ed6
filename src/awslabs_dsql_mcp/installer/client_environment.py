"""Environment that a client hands on to the servers that it starts.

Sources: for Codex 0.169.0 and Gemini CLI 0.61.0 what a server that they started was given, and their
repositories (openai/codex, codex-rs/rmcp-client/src/utils.rs; google-gemini/gemini-cli,
packages/core/src/services/environmentSanitization.ts); for Claude Desktop
modelcontextprotocol.io/docs/tools/debugging, "Environment variables", and the list in the SDK for TypeScript.
Claude Code 2.1.197 and OpenCode 1.18.33 hand on all.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

HandsOn = Callable[[str, str], bool]
"""Says if a variable is handed on, by its name and value."""

_LIBPQ_AND_NETWORK: Final = re.compile(
    r"(AWS|DSQL)_\w+|PG(HOSTADDR|PORT|SSLNEGOTIATION|SSLROOTCERT)|FASTMCP_LOG_LEVEL|(HTTPS?|NO|ALL)_PROXY"
    r"|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE",
    re.IGNORECASE,
)
FOR_CREDENTIALS: Final = (
    *("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY"),
)
"""Variables of a shell that decide about credentials and the way to AWS."""

_POSIX: Final = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
_WINDOWS: Final = (
    *("APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROCESSOR_ARCHITECTURE"),
    *("PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERDOMAIN", "USERNAME", "USERPROFILE"),
)
_CODEX: Final = (
    *("__CF_USER_TEXT_ENCODING", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *("CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT"),
)
_GEMINI_NAMES: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|KEY|AUTH|CREDENTIAL|CREDS|PRIVATE|CERT|^AWS_DEFAULT_REGION$", re.IGNORECASE
)
_GEMINI_VALUES: Final = re.compile(r"\w+://[^:/\s]+:[^@/\s]+@|AKIA[A-Z0-9]{16}", re.IGNORECASE)


def hands_on_all(_name: str, _value: str) -> bool:
    """Hand on every variable."""
    return True


def hands_on_some(*names: str) -> HandsOn:
    """Hand on the variables without which no program starts, and some more."""
    known = {*_POSIX, *_WINDOWS, *names}
    return lambda name, _value: name.upper() in known or name in known


codex: Final = hands_on_some(*_CODEX)
desktop: Final = hands_on_some()


def gemini(name: str, value: str) -> bool:
    """Hand on what does not look like a secret, by its name or its value."""
    return not (_GEMINI_NAMES.search(name) or _GEMINI_VALUES.search(value))


def handed_on(hands_on: HandsOn, environ: Mapping[str, str], named: Iterable[str]) -> dict[str, str]:
    """Give the environment that a server gets.

    Args:
        hands_on: The client's rule.
        environ: The environment in which the client is started.
        named: Variables that the server's entry names, to be handed on too.
    """
    also = frozenset(named)
    return {name: value for name, value in environ.items() if name in also or hands_on(name, value)}


def withheld(hands_on: HandsOn, environ: Mapping[str, str], named: Iterable[str]) -> list[str]:
    """List the variables that this server would read and does not get; empty values are not missed.

    Args:
        hands_on: As in `handed_on`.
        environ: As in `handed_on`.
        named: As in `handed_on`.
    """
    given = handed_on(hands_on, environ, named)
    read = (name for name, value in environ.items() if value and _LIBPQ_AND_NETWORK.fullmatch(name))
    return sorted(name for name in read if name not in given)
