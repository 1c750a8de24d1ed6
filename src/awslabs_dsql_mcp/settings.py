"""The options of the server, as one table, and the frozen values they become.

``OPTIONS`` is the source: the flags, the environment variables, the README's table and the checks of
``config-examples/`` all follow it. A flag beats its variables, a variable beats the default.
"""

import argparse
import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

DEFAULT_KNOWLEDGE_SERVER = "https://xmfe3hc3pk.execute-api.us-east-2.amazonaws.com"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_CLUSTER_NAME = re.compile(r"\.dsql(?:-[a-z0-9]+)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%\w]*")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class SettingsError(ValueError):
    """A value that cannot be used; the text is one line that names the option, the value and what fits."""


@dataclass(frozen=True)
class Settings:
    """What the operator decided.

    Attributes:
        cluster_endpoint: Host name or address of the cluster; ``None`` when none is configured.
        region: AWS region of the cluster, for signing tokens.
        database_user: Role to log in as; ``admin`` signs ``DbConnectAdmin``, any other ``DbConnect``.
        profile: Named profile of the AWS configuration; ``None`` for boto3's own search.
        allow_writes: Whether ``transact`` may change anything.
        knowledge_server: URL of the documentation server.
        knowledge_timeout: Longest wait for an answer of it, in seconds, retries included.
        max_connections: Connections open at once, at most.
        connect_timeout: Longest wait for one connection, in seconds.
        statement_timeout: Longest run of one transaction's statements, in seconds.
        call_timeout: Longest wait of a call in all, turns, connecting and retries included, in seconds.
        retry_attempts: How often a transaction is tried at most when it conflicts.
        retry_time: How long it is tried again at most, in seconds.
        retry_delay: Upper bound of the first random delay between tries, in seconds; it doubles.
        ssl_root_cert: File of trusted root certificates (PEM) or ``system``; ``None`` for certifi's.
        log_level: A name of ``LOG_LEVELS``.
        local: Whether to use the cluster on this machine instead.
        local_data: Folder of that cluster's data; ``None`` for the user's data folder.
    """

    cluster_endpoint: str | None = None
    region: str | None = None
    database_user: str = "admin"
    profile: str | None = None
    allow_writes: bool = False
    knowledge_server: str = DEFAULT_KNOWLEDGE_SERVER
    knowledge_timeout: float = 30.0
    max_connections: int = 4
    connect_timeout: float = 10.0
    statement_timeout: float = 45.0
    call_timeout: float = 55.0
    retry_attempts: int = 6
    retry_time: float = 15.0
    retry_delay: float = 0.02
    ssl_root_cert: str | None = None
    log_level: str = "WARNING"
    local: bool = False
    local_data: Path | None = None


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        flag: Its documented spelling; dashes and underscores are taken alike.
        variables: Environment variables, the first that is set wins.
        read: Turns the text given into the value, or raises ``ValueError`` saying what is expected.
        help: One sentence.
        unit: Unit of the value, or what stands for it in help: ``s``, ``HOST``; empty for a switch.
        default: The default as documentation shows it.
    """

    flag: str
    variables: tuple[str, ...]
    read: Callable[[str], object]
    help: str
    unit: str = ""
    default: str = ""

    @property
    def name(self) -> str:
        """The field of ``Settings``."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether the flag stands alone."""
        return self.read is read_switch

    @property
    def spellings(self) -> tuple[str, ...]:
        """The flag with dashes and with underscores, the documented one first."""
        other = "--" + (self.name if "-" in self.flag[2:] else self.name.replace("_", "-"))
        return (self.flag,) if other == self.flag else (self.flag, other)


def read_switch(text: str) -> bool:
    """Read a switch from an environment variable."""
    try:
        return _TRUTH[text.strip().lower()]
    except KeyError:
        raise ValueError("true or false") from None


def read_text(text: str) -> str:
    """Read a text that may not be empty."""
    if not text.strip():
        raise ValueError("a value that is not empty")
    return text.strip()


def read_host(text: str) -> str:
    """Read a host name or an address, without scheme, port or path."""
    if not _HOST.fullmatch(text):
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


def read_count(text: str) -> int:
    """Read a small positive number."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):  # noqa: PLR2004 - the bound is the rule
        raise ValueError("a whole number from 1 to 100")
    return int(text)


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


def read_roots(text: str) -> str:
    """Read the path of a file that exists, or ``system``: the roots that OpenSSL was built with."""
    path = Path(text).expanduser()
    if text != "system" and not path.is_file():
        raise ValueError("a file that exists, or system")
    return text if text == "system" else str(path)


def read_folder(text: str) -> Path:
    """Read the path of a folder, existing or to be made."""
    path = Path(read_text(text)).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("a folder")
    return path


def read_log_level(text: str) -> str:
    """Read a log level."""
    if text.upper() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return text.upper()


OPTIONS: tuple[Option, ...] = (
    Option(
        "--cluster_endpoint",
        ("DSQL_CLUSTER_ENDPOINT",),
        read_host,
        "Endpoint of the Aurora DSQL cluster: its host name, or any name or address that leads to it.",
        "HOST",
    ),
    Option(
        "--region",
        ("DSQL_REGION",),
        read_region,
        "AWS region of the cluster; taken from the endpoint's name when absent.",
        "REGION",
        "from the endpoint",
    ),
    Option(
        "--database_user",
        ("DSQL_DATABASE_USER",),
        read_text,
        "Role to log in as; prefer one with only the privileges that the agent needs.",
        "ROLE",
        "admin",
    ),
    Option(
        "--profile",
        ("AWS_PROFILE",),
        read_text,
        "Profile of the AWS configuration whose credentials sign the login.",
        "NAME",
    ),
    Option(
        "--allow-writes",
        ("DSQL_ALLOW_WRITES",),
        read_switch,
        "Let `transact` change data and schema; without it every tool only reads.",
    ),
    Option(
        "--knowledge-server",
        ("DSQL_KNOWLEDGE_SERVER",),
        read_knowledge_url,
        "Server that answers the documentation tools.",
        "URL",
        DEFAULT_KNOWLEDGE_SERVER,
    ),
    Option(
        "--knowledge-timeout",
        ("DSQL_KNOWLEDGE_TIMEOUT",),
        read_seconds,
        "Longest wait for it in all, retries included.",
        "s",
        "30.0",
    ),
    Option(
        "--max-connections",
        ("DSQL_MAX_CONNECTIONS",),
        read_count,
        "Connections open at once at most; a second one opens only while calls overlap.",
        "N",
        "4",
    ),
    Option(
        "--connect-timeout",
        ("DSQL_CONNECT_TIMEOUT",),
        read_seconds,
        "Longest wait for one connection to open.",
        "s",
        "10.0",
    ),
    Option(
        "--statement-timeout",
        ("DSQL_STATEMENT_TIMEOUT",),
        read_seconds,
        "Longest run of one transaction's statements; DSQL itself ends one after 300 s.",
        "s",
        "45.0",
    ),
    Option(
        "--call-timeout",
        ("DSQL_CALL_TIMEOUT",),
        read_seconds,
        "Longest wait of a call in all, waking, connecting and retries included; many clients give up at 60 s.",
        "s",
        "55.0",
    ),
    Option(
        "--retry-attempts",
        ("DSQL_RETRY_ATTEMPTS",),
        read_count,
        "How often a transaction that conflicts is tried in all.",
        "N",
        "6",
    ),
    Option(
        "--retry-time",
        ("DSQL_RETRY_TIME",),
        read_seconds,
        "How long a transaction is tried again at most.",
        "s",
        "15.0",
    ),
    Option(
        "--retry-delay",
        ("DSQL_RETRY_DELAY",),
        read_seconds,
        "Upper bound of the first random delay between two tries; it doubles each time, up to 2 s.",
        "s",
        "0.02",
    ),
    Option(
        "--ssl-root-cert",
        ("DSQL_SSL_ROOT_CERT", "PGSSLROOTCERT"),
        read_roots,
        "File of trusted root certificates in PEM form, or `system`.",
        "FILE",
        "certifi's",
    ),
    Option(
        "--log-level",
        ("DSQL_LOG_LEVEL", "FASTMCP_LOG_LEVEL"),
        read_log_level,
        "How much goes to stderr: " + ", ".join(LOG_LEVELS) + ".",
        "LEVEL",
        "WARNING",
    ),
    Option(
        "--local",
        ("DSQL_LOCAL",),
        read_switch,
        "Use a cluster on this machine (extra `local`): no AWS account, no network.",
    ),
    Option(
        "--local-data",
        ("DSQL_LOCAL_DATA",),
        read_folder,
        "Folder of the local cluster's data.",
        "DIR",
        "the user's data folder",
    ),
)


def region_of(endpoint: str) -> str | None:
    """Take the region out of a cluster's host name.

    Names look like ``<26 characters>.dsql.us-east-1.on.aws`` (Aurora DSQL user guide, "Accessing
    Aurora DSQL"); private links put more labels around ``dsql``. ``None`` for any other name.
    """
    match = _CLUSTER_NAME.search(endpoint)
    return match.group(1).lower() if match else None


def read_settings(argv: Sequence[str], environ: Mapping[str, str], *, version: str) -> Settings:
    """Make settings of a command line and an environment.

    Args:
        argv: The arguments behind the program's name.
        environ: The environment; only variables named in ``OPTIONS`` are looked at.
        version: What ``--version`` prints.

    Raises:
        SettingsError: One line that names the option, what was given and what is expected.
        SystemExit: After ``--help`` or ``--version``, with status 0.
    """
    parsed = vars(_parser(version).parse_args(argv))
    flags = {o.name: _value(o, o.flag, parsed[o.name]) for o in OPTIONS if o.name in parsed}
    variables = {
        option.name: _value(option, variable, environ[variable])
        for option in OPTIONS
        for variable in reversed(option.variables)
        if environ.get(variable)
    }
    return _settled(_one_cluster(variables) | _one_cluster(flags), chosen_by_flag=frozenset(flags))


def _one_cluster(values: dict[str, object]) -> dict[str, object]:
    if values.get("local") and "cluster_endpoint" in values:
        raise SettingsError("--local, --cluster_endpoint: got both, expected one of them")
    return values


def _settled(values: dict[str, object], *, chosen_by_flag: frozenset[str]) -> Settings:
    """Let a flag that names a cluster put aside a variable that names the other kind."""
    if "cluster_endpoint" in chosen_by_flag:
        values.pop("local", None)
    elif values.get("local"):
        values.pop("cluster_endpoint", None)
    endpoint = values.get("cluster_endpoint")
    if isinstance(endpoint, str) and "region" not in values:
        values["region"] = region_of(endpoint)
    return Settings(**values)  # pyright: ignore[reportArgumentType] - a test holds each reader to its field


def _value(option: Option, source: str, given: object) -> object:
    if isinstance(given, bool):
        return given
    try:
        return option.read(str(given))
    except ValueError as error:
        raise SettingsError(f"{source}: got {_shown(str(given))}, expected {error}") from None


def _shown(text: str) -> str:
    """Show a wrong value, cut, and without what stands before an ``@``: it could be a password."""
    return repr(text.rpartition("@")[2][:80])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(self._teach(message))

    def _teach(self, message: str) -> str:
        flag = message.removeprefix("unrecognized arguments: ").split(" ")[0].split("=")[0]
        if flag != message.split(" ")[0]:
            known = [spelling for option in OPTIONS for spelling in option.spellings]
            near = difflib.get_close_matches(flag, known, 1)
            return f"{flag}: unknown flag, " + (f"expected {near[0]}?" if near else "see --help")
        option = next((o for o in OPTIONS if f"argument {'/'.join(o.spellings)}:" in message), None)
        if option is None:
            return message
        if option.is_switch:
            return f"{option.flag}: got a value, expected none: the flag stands alone"
        return f"{option.flag}: got nothing, expected {option.unit}"


def _parser(version: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="awslabs-dsql-mcp",
        description="MCP server for Amazon Aurora DSQL, over stdio.",
        epilog="Commands: `awslabs-dsql-mcp demo` shows every tool on a local cluster; "
        "`awslabs-dsql-mcp local` starts that cluster alone.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=version)
    for option in OPTIONS:
        note = "".join(
            (
                f" Default: {option.default}." if option.default else "",
                f" [{', '.join(option.variables)}]",
            )
        )
        text = (option.help + note).replace("%", "%%")
        if option.is_switch:
            parser.add_argument(*option.spellings, dest=option.name, action="store_true", help=text)
        else:
            parser.add_argument(*option.spellings, dest=option.name, metavar=option.unit, help=text)
    return parser
