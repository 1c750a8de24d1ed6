"""Reading and atomic writing of configuration files, with a backup."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from awslabs_dsql_mcp.installer.formats import NotEditable


@dataclass(frozen=True)
class Original:
    """A file as it was read.

    Attributes:
        path: Path of the file, with symbolic links resolved.
        content: Its bytes; ``None`` if the file does not exist.
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
        OSError: The file exists but cannot be read.
    """
    real = Path(os.path.realpath(path))
    try:
        return Original(real, real.read_bytes())
    except FileNotFoundError:
        return Original(real, None)


def save(original: Original, text: str, *, mode: int = 0o600) -> Path | None:
    """Replace a file atomically, or create it and its directories.

    Args:
        original: The file as it was read.
        text: Its new text.
        mode: The permissions of a new file; an old one keeps its own.

    Returns:
        Path of the backup, if the file existed.

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
        _copy_permissions(original, Path(name), mode)
        _require_unchanged(original)
        Path(name).replace(original.path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return kept


def _require_unchanged(original: Original) -> None:
    if load(original.path).content != original.content:
        raise NotEditable("another program changed it just now; try again")


def _backup(original: Original) -> Path | None:
    """Save the old content next to the file, under an unused name."""
    if original.content is None:
        return None
    number = 0
    while True:
        kept = original.path.with_name(f"{original.path.name}.bak" + (f".{number}" if number else ""))
        try:
            with kept.open("xb") as file:
                _copy_permissions(original, kept, 0o600)
                file.write(original.content)
        except FileExistsError:
            if kept.is_file() and kept.read_bytes() == original.content:
                return kept
            number += 1
        else:
            return kept


def _copy_permissions(original: Original, path: Path, mode: int) -> None:
    """Copy the permissions, and if permitted the owner, of the original."""
    if original.content is None:
        path.chmod(mode)
        return
    status = original.path.stat()
    path.chmod(status.st_mode & 0o7777)
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(status.st_mode & 0o7777)
