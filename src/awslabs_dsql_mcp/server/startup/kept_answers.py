"""File of the first answers, in the user's cache directory.

Like byte code it is made by the first start and holds for what it was made from: version, options, Python and
the packages beside. Where it cannot be read, or written, or it or its directory is not the user's own, or can
be changed by others, there is none: a model would take another user's words for the server's.
"""

import errno
import json
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from awslabs_dsql_mcp import __version__

_PACKAGE: Final = Path(__file__).parents[1]
_MAX_BYTES: Final = 1 << 20
_MAX_ANSWERS: Final = 64
_MAX_FILES: Final = 32
_OWN_NAME: Final = re.compile(r"[0-9a-f]{8}\.json|new-\w+")
# Should a pipe or a link take the file's place between two looks, nobody waits for it or follows it.
_READ_ONLY: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


class KeptAnswers:
    """Kept answers, and their file.

    Args:
        options: All that the user has chosen, in a form whose text is the same each time.
        folder: Directory of the file; `None` for no file.
    """

    def __init__(self, options: object, folder: Path | None) -> None:
        self._path: Path | None = None
        self._made_from = ""
        self._answers: dict[str, str] = {}
        if folder is None:
            return
        with suppress(OSError, ValueError):  # ValueError: a name that no file can have
            self._made_from = "\n".join(_made_from(options))
            name = f"{zlib.crc32(self._made_from.encode()):08x}.json"  # two that meet displace each other
            self._path = folder / name
            self._answers = self._read(self._path)

    def get(self, key: str) -> str | None:
        """Return a result."""
        return self._answers.get(key)

    def keep(self, key: str, result: str) -> None:
        """Keep a result, also for the next start."""
        if self._path is None or self._answers.get(key) == result or len(self._answers) >= _MAX_ANSWERS:
            return
        self._answers[key] = result
        with suppress(OSError):
            self._write(self._path)

    def discard(self) -> None:
        """Keep nothing any more, in this process and for the next start."""
        self._answers.clear()
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        self._path = None

    def _read(self, path: Path) -> dict[str, str]:
        _require_own(path.parent, 0o022)
        _require_own(path, 0o077)
        with os.fdopen(os.open(path, _READ_ONLY), "rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            return {}
        try:
            content: object = json.loads(data)
        except (ValueError, RecursionError):
            return {}
        fields = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
        answers = fields.get("answers")
        if fields.get("made_from") != self._made_from or not isinstance(answers, dict):
            return {}
        found = cast("dict[str, Any]", answers)
        kept = {key: text for key, text in found.items() if isinstance(text, str)}
        return kept if fields.get("sum") == _sum(kept) else {}

    def _write(self, path: Path) -> None:
        import tempfile  # noqa: PLC0415 - by the first start alone

        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_own(path.parent, 0o022)
        content = json.dumps(
            {"made_from": self._made_from, "sum": _sum(self._answers), "answers": self._answers}
        )
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="new-")  # for its owner alone
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _drop_old(path.parent)


def _sum(answers: Mapping[str, str]) -> int:
    """Checksum of answers: a file that a disk or an editor has damaged is none."""
    return zlib.crc32("\0".join(f"{key}\0{text}" for key, text in sorted(answers.items())).encode())


def _require_own(path: Path, forbidden: int) -> None:
    """Refuse what another user can have made, or can change, or leads elsewhere, such as a link or a pipe.

    Args:
        path: A directory, or a file in it.
        forbidden: Bits of the mode that others must not have.

    Raises:
        OSError: It is not there, or not the user's own.
    """
    facts = path.lstat()
    is_plain = stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode)
    is_own = sys.platform == "win32" or (facts.st_uid == os.getuid() and not facts.st_mode & forbidden)
    if not (is_plain and is_own):
        raise PermissionError(errno.EPERM, "not the user's own", str(path))


def _drop_old(folder: Path) -> None:
    """Delete the oldest files: other options, and versions that are gone."""
    own = (file for file in folder.iterdir() if _OWN_NAME.fullmatch(file.name))
    files = sorted(own, key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in files[_MAX_FILES:]:
        file.unlink(missing_ok=True)


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Directory in the user's cache, the one that platformdirs gives: its import takes longer than all this.

    Args:
        environ: The environment.
    """
    try:
        home = Path.home()
    except RuntimeError:  # no user of the system
        return None
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "awslabs-dsql-mcp" / "Cache"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches" / "awslabs-dsql-mcp"
    else:
        # A path that is not absolute is ignored (XDG Base Directory Specification, "Environment variables").
        told = Path(environ.get("XDG_CACHE_HOME", ""))
        base = (told if told.is_absolute() else home / ".cache") / "awslabs-dsql-mcp"
    return base / "first-answers" if base.is_absolute() else None


def _made_from(options: object) -> Iterator[str]:
    """List what the answers depend on; a package that changes changes its name or its folder's time."""
    yield from (__version__, sys.version, sys.platform, repr(options))
    sdk = find_spec("mcp")
    if sdk is None or sdk.origin is None:
        raise FileNotFoundError
    beside = Path(sdk.origin).parents[1]
    yield f"{beside} {beside.stat().st_mtime_ns}"
    yield from sorted(name for name in os.listdir(beside) if name.endswith(".dist-info"))  # noqa: PTH208 - faster
    for folder in (Path(sdk.origin).parent, *_folders(_PACKAGE)):
        with os.scandir(folder) as entries:
            facts = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith((".py", ".md"))]
        yield from sorted(f"{name} {fact.st_size} {fact.st_mtime_ns}" for name, fact in facts)


def _folders(root: Path) -> Iterator[Path]:
    yield root
    with os.scandir(root) as entries:
        below = sorted(entry.name for entry in entries if entry.is_dir() and entry.name != "__pycache__")
    for name in below:
        yield from _folders(root / name)
