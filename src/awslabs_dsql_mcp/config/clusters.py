"""The clusters of a server: the one that its options name, or those in a file.

The file is TOML 1.0 (https://toml.io)::

    default = "dev"                    # of calls that name no cluster; without it, every call must

    [clusters.dev]
    local = true
    allow-writes = true

    [clusters.prod]
    cluster_endpoint = "<id>.dsql.us-east-1.on.aws"
    database_user = "agent"
    profile = "prod-reader"
    description = "Orders of the shop"

Keys are option names without the leading dashes. Paths are relative to the file's directory.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from awslabs_dsql_mcp.config.arguments import with_region
from awslabs_dsql_mcp.config.options import OPTIONS, PER_CLUSTER_OPTIONS
from awslabs_dsql_mcp.config.parsers import read_path
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.option_parser import Option, SettingsError, closest, read_value
from awslabs_dsql_mcp.text import as_line, one_line

T = TypeVar("T")

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_DESCRIPTION: Final = "description"
_MAX_BYTES: Final = 1 << 16  # some hundred clusters
_MAX_LINES_OF_VALUE: Final = 50  # where a line is looked for
_MAX_SHOWN: Final = 200  # characters of a name or value in an error
_MAX_DESCRIPTION: Final = 100  # characters; clients cut instructions at 2,048 in all
_LINES: Final = "tables such as [clusters.dev] with lines such as local = true"
_OPTIONS: Final = {option.name: option for option in OPTIONS if option.name in PER_CLUSTER_OPTIONS}


@dataclass(frozen=True)
class Cluster:
    """A cluster.

    Attributes:
        name: The name that calls use; empty when there is only one cluster.
        settings: The settings of the server for this cluster.
        description: The operator's description.
        source: Place of its endpoint in the file, for errors; empty without a file.
    """

    name: str
    settings: Settings
    description: str = ""
    source: str = ""


@dataclass(frozen=True)
class Clusters:
    """All clusters of a server.

    Attributes:
        all: At least one, in the file's order.
        default: Name of the cluster for calls that name none.
    """

    all: tuple[Cluster, ...]
    default: str | None = None

    @property
    def several(self) -> bool:
        """True if there is more than one cluster."""
        return len(self.all) > 1

    @property
    def allow_writes(self) -> bool:
        """True if any of the clusters may be written to."""
        return any(cluster.settings.allow_writes for cluster in self.all)


def read_clusters(settings: Settings) -> Clusters:
    """Read the clusters of a server.

    Args:
        settings: Settings from options and environment; used for what the file does not set.

    Raises:
        SettingsError: One line that names the file, the line, the key, and what is expected.
    """
    if settings.config is None:
        return Clusters((Cluster("", settings),))
    clusters = _File(settings.config).clusters(replace(settings, config=None))
    return clusters if clusters.several else Clusters((replace(clusters.all[0], name=""),))


def add_cluster_choice(parser: argparse.ArgumentParser, field: str) -> None:
    """Add the option that names the cluster of a file for `read_one_cluster`, to a parser's ``field``."""
    parser.add_argument(
        "--cluster",
        dest=field,
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="cluster of the file of --config (default: the file's default)",
    )


def read_one_cluster(settings: Settings, name: str | None, tell: Callable[[str], object] | None) -> Settings:
    """Read the settings of the one cluster that a command is about.

    Args:
        settings: As in `read_clusters`.
        name: Its name in the file; ``None`` for the file's default.
        tell: Hears that the file's first cluster is taken, for want of a name and a default; ``None`` if a
            guess would not do.

    Raises:
        SettingsError: As in `read_clusters`; or the name is not in the file; or a name is needed.
    """
    if settings.config is None:
        if name is None:
            return settings
        expected = "expected it with --config; an endpoint goes to --cluster_endpoint"
        raise SettingsError(f"--cluster: got {as_line(repr(name), _MAX_SHOWN)}, {expected}")
    clusters = _File(settings.config).clusters(replace(settings, config=None))
    named = {cluster.name: cluster.settings for cluster in clusters.all}
    wanted = clusters.default if name is None else name
    if wanted in named:
        return named[wanted]
    if wanted is not None:
        shown = as_line(repr(wanted), _MAX_SHOWN)
        raise SettingsError(f"--cluster: got {shown}, expected {closest(wanted, named)}")
    first, *others = named
    if others and tell is None:
        raise SettingsError(f"--cluster: got nothing, expected which is meant: {' or '.join(named)}")
    if others and tell:
        tell(f"Of {settings.config} this is {first}, its first. For another: --cluster {' or '.join(others)}")
    return named[first]


class _File:
    """A file of clusters.

    Args:
        path: Path of the file.

    Raises:
        SettingsError: The file cannot be read, or is not TOML.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
            self._text = data.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            expected = "a file of text in UTF-8 that you can read"
            raise SettingsError(f"--config: {path} cannot be read: {reason}, expected {expected}") from None
        if len(data) > _MAX_BYTES:
            raise SettingsError(f"--config: {path}: expected at most {_MAX_BYTES:,} bytes")
        try:
            self._tables = _parse(self._text)
        except ValueError as error:
            problem = as_line(str(error), _MAX_SHOWN)
            raise SettingsError(f"{path}: not valid TOML: {problem}, expected {_LINES}") from None

    def clusters(self, settings: Settings) -> Clusters:
        """Read the clusters.

        Args:
            settings: Settings used for what a cluster does not set.
        """
        self._require_known((), self._tables, ("default", "clusters"))
        tables = self._tables.get("clusters")
        if not isinstance(tables, dict) or not tables:
            raise self._wrong(("clusters",), "got none, expected a table [clusters.NAME] for each cluster")
        tables = cast("dict[str, object]", tables)
        clusters = tuple(self._cluster(name, table, settings) for name, table in tables.items())
        return Clusters(clusters, self._default(tables))

    def _default(self, tables: Mapping[str, object]) -> str | None:
        default = self._tables.get("default")
        if default is None or (isinstance(default, str) and default in tables):
            return default
        names = as_line(", ".join(tables), _MAX_SHOWN)
        raise self._wrong(("default",), f"got {as_line(repr(default), _MAX_SHOWN)}, expected one of {names}")

    def _cluster(self, name: str, table: object, settings: Settings) -> Cluster:
        at = ("clusters", name)
        if not _NAME.fullmatch(name):
            raise self._wrong(at, "expected a letter, then letters, digits, - and _, at most 32 characters")
        if not isinstance(table, dict):
            raise self._wrong(at, f"got {_kind(table)}, expected a table [clusters.{name}]")
        keys = cast("dict[str, object]", table)
        self._require_known(at, keys, (*_OPTIONS, _DESCRIPTION))
        description = keys.get(_DESCRIPTION, "")
        if not isinstance(description, str) or len(description) > _MAX_DESCRIPTION:
            raise self._wrong(
                (*at, _DESCRIPTION), f"expected a text of at most {_MAX_DESCRIPTION} characters"
            )
        for key in keys:
            if _field(key) != key and _field(key) in keys:
                raise self._wrong((*at, key), f"got it twice, expected either {key} or {_field(key)}")
        values = {
            option.name: self._value((*at, key), option, value)
            for key, value in keys.items()
            if (option := _OPTIONS.get(_field(key)))
        }
        if bool(values.get("local")) == ("cluster_endpoint" in values):
            raise self._wrong(at, "expected either cluster_endpoint or local = true")
        fields: dict[str, Any] = self._checked((*at, "region"), partial(with_region, values))
        source = f"{self._path}: clusters.{name}.cluster_endpoint"
        return Cluster(name, replace(settings, **fields), one_line(description, len(description) * 6), source)

    def _value(self, at: tuple[str, ...], option: Option, value: object) -> object:
        valid = isinstance(value, bool) if option.is_switch else type(value) in (str, int, float)
        if not valid:
            expected = "true or false" if option.is_switch else option.unit
            raise self._wrong(at, f"got {_kind(value)}, expected {expected}")
        if option.unit in {"FILE", "DIR"} and value != "system":
            try:
                value = str(self._path.parent / read_path(str(value)))
            except ValueError as error:
                raise self._wrong(at, f"expected {error}") from None
        return self._checked(at, lambda source: read_value(option, source, value))

    def _checked(self, at: tuple[str, ...], read: Callable[[str], T]) -> T:
        """Read a value; its line is looked for only where it is wrong."""
        try:
            return read("")
        except SettingsError:
            return read(self._source(at))

    def _require_known(self, at: tuple[str, ...], keys: Mapping[str, object], known: Sequence[str]) -> None:
        for key in keys:
            if _field(key) not in known:
                from difflib import get_close_matches  # noqa: PLC0415 - where a field is wrong

                close = get_close_matches(_field(key), known, 1) or known
                raise self._wrong((*at, key), f"unknown key, expected {' or '.join(close)}")

    def _wrong(self, at: tuple[str, ...], problem: str) -> SettingsError:
        return SettingsError(f"{self._source(at)}: {problem}")

    def _source(self, at: tuple[str, ...]) -> str:
        line = self._line(at)
        return f"{self._path}{f', line {line}' if line else ''}: {as_line('.'.join(at), _MAX_SHOWN)}"

    def _line(self, at: tuple[str, ...]) -> int | None:
        """Find the line of a key.

        TOML parsers report no positions, so the file is parsed up to the lines of a bisection: the key is in
        the last line that has its name when it appears among the values.
        """
        if not _contains(self._tables, at):
            return None
        lines = self._text.splitlines(keepends=True)
        without, with_key = 0, len(lines)
        while with_key - without > 1:
            middle = (without + with_key) // 2
            ends = range(middle, max(without, middle - _MAX_LINES_OF_VALUE), -1)
            end = next((n for n in ends if _is_toml(lines[:n])), None)
            if end is None and ends.stop > without:
                return None
            if end is not None and _contains(_parse("".join(lines[:end])), at):
                with_key = end
            else:
                without = middle  # what is between the end and here is within a value
        named = [number for number, line in enumerate(lines[:with_key], 1) if at[-1] in line]
        return named[-1] if named else None


def _parse(text: str) -> dict[str, object]:
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return toml.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _is_toml(lines: Sequence[str]) -> bool:
    try:
        _parse("".join(lines))
    except ValueError:  # the last line is inside a value
        return False
    return True


def _contains(table: object, at: Sequence[str]) -> bool:
    if not at:
        return True
    if not isinstance(table, dict):
        return False
    inner = cast("dict[str, object]", table)
    return at[0] in inner and _contains(inner[at[0]], at[1:])


def _field(key: str) -> str:
    return key.replace("-", "_")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)[:80]
