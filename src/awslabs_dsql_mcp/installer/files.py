"""Configuration files read and written: whole or not at all, with the old one kept."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from awslabs_dsql_mcp.installer.formats import NotEditable


@dataclass(frozen=True)
class Original:
    """A file as it was found.

    Attributes:
        path: The file itself, behind any symbolic links.
        content: Its bytes; ``None`` if there is no such file.
    """

    path: Path
    content: bytes | None

    @property
    def text(self) -> str:
        """The content as text, line ends as they are.

        Raises:
            NotEditable: It is not UTF-8.
        """
        try:
            return (self.content or b"").decode()
        except UnicodeDecodeError:
            raise NotEditable("it is not UTF-8 text") from None


def load(path: Path) -> Original:
    """Read a file.

    Raises:
        OSError: It is there, but cannot be read.
    """
    real = Path(os.path.realpath(path))
    try:
        return Original(real, real.read_bytes())
    except FileNotFoundError:
        return Original(real, None)


def save(original: Original, text: str, *, mode: int = 0o600) -> Path | None:
    """Replace a file in one step, or create it and its folders.

    Args:
        original: The file as it was read.
        text: Its new text.
        mode: The permissions of a new file; an old one keeps its own.

    Returns:
        Where the old content is kept, if there was any.

    Raises:
        NotEditable: The file has changed since it was read.
        OSError: It cannot be written.
    """
    original.path.parent.mkdir(parents=True, exist_ok=True)
    kept = _backup(original)
    handle, name = tempfile.mkstemp(prefix=f"{original.path.name}.", dir=original.path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        _like(original, Path(name), mode)
        _demand_unchanged(original)
        Path(name).replace(original.path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return kept


def _demand_unchanged(original: Original) -> None:
    if load(original.path).content != original.content:
        raise NotEditable("another program changed it just now; try again")


def _backup(original: Original) -> Path | None:
    """Keep the old content beside the file, under a name that no other content has."""
    if original.content is None:
        return None
    number = 0
    while True:
        kept = original.path.with_name(f"{original.path.name}.bak" + (f".{number}" if number else ""))
        try:
            with kept.open("xb") as file:
                _like(original, kept, 0o600)
                file.write(original.content)
        except FileExistsError:
            if kept.is_file() and kept.read_bytes() == original.content:
                return kept
            number += 1
        else:
            return kept


def _like(original: Original, path: Path, mode: int) -> None:
    """Give a file the permissions, and if we may the owner, of the original."""
    if original.content is None:
        path.chmod(mode)
        return
    status = original.path.stat()
    path.chmod(status.st_mode & 0o7777)
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(status.st_mode & 0o7777)
