"""The clusters that a server works on: the one of its flags, or those of a file.

The file is TOML 1.0 (https://toml.io)::

    default = "dev"                    # for calls that name none; without it each call must

    [clusters.dev]
    local = true
    allow-writes = true

    [clusters.prod]
    cluster_endpoint = "<id>.dsql.us-east-1.on.aws"
    database_user = "agent"
    profile = "prod-reader"
    description = "Orders of the shop"

Keys are flags without their dashes. Paths are relative to the file's folder.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

from awslabs_dsql_mcp.config.arguments import read_value, with_region
from awslabs_dsql_mcp.config.settings import OPTIONS, PER_CLUSTER_OPTIONS, Option, Settings, SettingsError

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_DESCRIPTION: Final = "description"
_MAX_DESCRIPTION: Final = 100  # characters of a description: clients cut instructions at 2,048 in all
_OPTIONS: Final = {option.name: option for option in OPTIONS if option.name in PER_CLUSTER_OPTIONS}


@dataclass(frozen=True)
class Cluster:
    """A cluster to work on.

    Attributes:
        name: How calls name it; empty for the only one.
        settings: What the operator decided for it.
        description: What it is for, in the operator's words.
    """

    name: str
    settings: Settings
    description: str = ""


@dataclass(frozen=True)
class Clusters:
    """All clusters of a server.

    Attributes:
        all: In the file's order; at least one.
        default: The one that calls mean that name none.
    """

    all: tuple[Cluster, ...]
    default: str | None = None

    @property
    def several(self) -> bool:
        """Whether calls have a choice."""
        return len(self.all) > 1

    @property
    def allow_writes(self) -> bool:
        """Whether any of them may be written to."""
        return any(cluster.settings.allow_writes for cluster in self.all)


def read_clusters(settings: Settings) -> Clusters:
    """Find what a server works on.

    Args:
        settings: What flags and environment say; it holds for what the file leaves open.

    Raises:
        SettingsError: One line that names the file, the line in it, the key, and what is expected.
    """
    if settings.config is None:
        return Clusters((Cluster("", settings),))
    found = _File(settings.config).clusters(replace(settings, config=None))
    return found if found.several else Clusters((replace(found.all[0], name=""),))


class _File:
    """A file of clusters.

    Args:
        path: Where it is.

    Raises:
        SettingsError: It cannot be read, or is no TOML.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingsError(f"--config: {path} cannot be read: {why}") from None
        try:
            self._tables = _parsed(self._text)
        except ValueError as error:
            raise SettingsError(f"{path}: no TOML: {error}") from None

    def clusters(self, settings: Settings) -> Clusters:
        """Read the clusters.

        Args:
            settings: What holds where a cluster says nothing.
        """
        self._require_known((), self._tables, ("default", "clusters"))
        tables = self._tables.get("clusters")
        if not isinstance(tables, dict) or not tables:
            raise self._wrong(("clusters",), "got none, expected a table [clusters.NAME] for each cluster")
        named = cast("dict[str, object]", tables)
        found = tuple(self._cluster(name, table, settings) for name, table in named.items())
        return Clusters(found, self._default(named))

    def _default(self, tables: Mapping[str, object]) -> str | None:
        default = self._tables.get("default")
        if default is None or (isinstance(default, str) and default in tables):
            return default
        raise self._wrong(("default",), f"got {default!r}, expected one of {', '.join(tables)}")

    def _cluster(self, name: str, table: object, settings: Settings) -> Cluster:
        at = ("clusters", name)
        if not _NAME.fullmatch(name):
            raise self._wrong(at, "expected a letter, then letters, digits, - and _, 32 in all at most")
        if not isinstance(table, dict):
            raise self._wrong(at, f"got {_kind(table)}, expected a table [clusters.{name}]")
        given = cast("dict[str, object]", table)
        self._require_known(at, given, (*_OPTIONS, _DESCRIPTION))
        description = given.get(_DESCRIPTION, "")
        if not isinstance(description, str) or len(description) > _MAX_DESCRIPTION:
            raise self._wrong(
                (*at, _DESCRIPTION), f"expected a text of at most {_MAX_DESCRIPTION} characters"
            )
        values = {
            option.name: self._value((*at, key), option, value)
            for key, value in given.items()
            if (option := _OPTIONS.get(_field(key)))
        }
        if bool(values.get("local")) == ("cluster_endpoint" in values):
            raise self._wrong(at, "expected either cluster_endpoint or local = true")
        chosen = cast("dict[str, Any]", with_region(values, self._source((*at, "region"))))
        return Cluster(name, replace(settings, **chosen), " ".join(description.split()))

    def _value(self, at: tuple[str, ...], option: Option, value: object) -> object:
        fits = isinstance(value, bool) if option.is_switch else type(value) in (str, int, float)
        if not fits:
            expected = "true or false" if option.is_switch else option.unit
            raise self._wrong(at, f"got {_kind(value)}, expected {expected}")
        if option.unit in {"FILE", "DIR"} and value != "system":
            value = str(self._path.parent / Path(str(value)).expanduser())
        return read_value(option, self._source(at), value)

    def _require_known(self, at: tuple[str, ...], given: Mapping[str, object], known: Sequence[str]) -> None:
        for key in given:
            if _field(key) not in known:
                near = get_close_matches(_field(key), known, 1) or known
                raise self._wrong((*at, key), f"unknown key, expected {' or '.join(near)}")

    def _wrong(self, at: tuple[str, ...], what: str) -> SettingsError:
        return SettingsError(f"{self._source(at)}: {what}")

    def _source(self, at: tuple[str, ...]) -> str:
        line = self._line(at)
        return f"{self._path}{f', line {line}' if line else ''}: {'.'.join(at)}"

    def _line(self, at: tuple[str, ...]) -> int | None:
        """Find the line of a key: the last with its name before the file, read so far, has it."""
        lines = self._text.splitlines(keepends=True)
        named = None
        for number, line in enumerate(lines, 1):
            named = number if at[-1] in line else named
            if _has(_begun(lines[:number]), at):
                return named
        return None


def _parsed(text: str) -> dict[str, object]:
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return toml.loads(text)


def _begun(lines: Sequence[str]) -> dict[str, object]:
    try:
        return _parsed("".join(lines))
    except ValueError:  # cut inside of a value
        return {}


def _has(table: object, at: Sequence[str]) -> bool:
    if not at:
        return True
    if not isinstance(table, dict):
        return False
    inner = cast("dict[str, object]", table)
    return at[0] in inner and _has(inner[at[0]], at[1:])


def _field(key: str) -> str:
    return key.replace("-", "_")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)[:80]
