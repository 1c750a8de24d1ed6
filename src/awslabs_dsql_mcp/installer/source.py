"""Source from which uv installs the server: the package, or what the user or this installation names."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from awslabs_dsql_mcp.installer.launch import PACKAGE
from awslabs_dsql_mcp.option_parser import SettingsError

_EXTRA: Final = "[local]"


def requirement(given: str | None, own: str | None, folder: Path, *, local: bool) -> str:
    """Write what uv installs; a directory becomes absolute, since a client has a folder of its own.

    Args:
        given: The user's source.
        own: The source of this installation; ``None`` for the package index.
        folder: The current folder.
        local: The server uses the local cluster, and so the extra ``local``.

    Raises:
        SettingsError: The source is an extra alone, as ``"$PWD[local]"`` is in shells with arrays.
    """
    source = given or own or PACKAGE
    name, bracket, extras = source.partition("[")
    if not name:
        raise SettingsError(
            f'--from: got {source!r}, expected SOURCE, such as "${{PWD}}[local]" or a Git URL'
        )
    directory = folder / Path(name).expanduser()
    if _looks_like_path(name) and not directory.exists():
        raise SettingsError(
            f"--from: got {source!r}, expected a folder or file that exists, or a URL or package"
        )
    required = f"{directory.resolve()}{bracket}{extras}" if directory.is_dir() else source
    return with_local(required) if local else required


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or Path(name).is_absolute()


def with_local(required: str) -> str:
    """Add the extra ``local`` to what uv installs, unless extras are named."""
    if "[" in required:
        return required
    name, version = required[: len(PACKAGE)], required[len(PACKAGE) :]
    if name == PACKAGE and not version.startswith("-"):  # of another package
        return f"{name}{_EXTRA}{version}"
    if "://" in required:
        return f"{PACKAGE}{_EXTRA} @ {required}"
    return f"{required}{_EXTRA}" if Path(required).is_absolute() else required


def own_source() -> str | None:
    """Find where this installation is from: a directory or a URL; ``None`` for the index, or an editable one.

    Source: PEP 610, "Recording the Direct URL Origin of installed distributions".
    """
    try:
        text = distribution(PACKAGE).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    return source_in(json.loads(text)) if text else None


def source_in(record: Mapping[str, Any]) -> str | None:
    """Read a record of PEP 610."""
    url = str(record.get("url", ""))
    if "dir_info" in record:
        is_editable = cast("dict[str, Any]", record["dir_info"]).get("editable", False)
        return None if is_editable else url2pathname(urlsplit(url).path)
    if "vcs_info" in record:
        info = cast("dict[str, Any]", record["vcs_info"])
        part = f"#subdirectory={record['subdirectory']}" if record.get("subdirectory") else ""
        revision = info.get("requested_revision") or info.get("commit_id")
        return f"{info['vcs']}+{url}@{revision}{part}"
    return url or None
