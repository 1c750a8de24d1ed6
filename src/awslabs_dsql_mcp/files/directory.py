"""A directory that the operator allows: files inside it are read, or created whole.

A file is written under a temporary name in the same directory and gets its own name once it is complete and
on disk. So nobody sees half of one, not even after a crash.
"""

import errno
import os
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, RequestInvalid

_TEMPORARY: Final = (".dsql-mcp-", ".partial")
MAX_WRITE_SECONDS: Final = 600.0
"""Seconds after its last write when a temporary file is one that a crash has left behind."""
_NO_NAME: Final = frozenset('\\:*?"<>|')  # of them, some file systems make something else than a name
_FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


class OperatorDirectory:
    """A directory of the operator's.

    Args:
        root: Path of the directory.
        option: The option that names it, such as ``--load-dir``.
    """

    def __init__(self, root: Path, option: str) -> None:
        self._root = root
        self._option = option

    def open(self, path: str) -> BinaryIO:
        """Open a regular file for reading; a link must end inside the directory.

        Args:
            path: Path inside the directory.

        Raises:
            RequestInvalid: There is no such file; or it would be outside, whether or not there is one.
            NotConfigured: The directory is not there.
        """
        root = self._existing()
        missing = RequestInvalid(
            f"There is no file {path!r} in the directory of {self._option}.", hint="Check its name."
        )
        try:
            # Without a look at the disk: nothing may be learned of what is outside.
            named, given = map(os.path.abspath, (self._root, self._root / path))
            place = Path(given).resolve() if Path(given).is_relative_to(named) else Path(given)
        except (OSError, ValueError, RuntimeError):
            raise missing from None
        if not place.is_relative_to(root):
            raise self._outside(path)
        return _open_regular_file(place, missing)

    def create(self, path: str, *, overwrite: bool) -> "NewFile":
        """Begin a file; it is readable by its owner alone, and has its name only after `NewFile.publish`.

        Args:
            path: Path inside the directory, without links.
            overwrite: Replace a file of that name.

        Raises:
            RequestInvalid: The name is not allowed, or taken.
            NotConfigured: The directory cannot be written to.
        """
        folder, name = self._place(path)
        with _os_errors(self._option):
            _check_free(folder / name, path, overwrite=overwrite)
            _remove_abandoned(folder)
            prefix, suffix = _TEMPORARY
            handle, temporary = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
            file = os.fdopen(handle, "w+b")
        return NewFile(file, Path(temporary), folder / name, path, self._option, overwrite=overwrite)

    def _place(self, path: str) -> tuple[Path, str]:
        """Find the folder and the name of a file that is to be written."""
        given = Path(path)
        if given.is_absolute() or given.drive or ".." in given.parts:
            raise self._outside(path)
        if not given.parts or not all(map(_is_plain, given.parts)):
            raise RequestInvalid(
                f"{path!r} is not a name for a file here: a dot at the beginning, control characters and any "
                f"of {' '.join(sorted(_NO_NAME))} are refused.",
                hint="Choose a plain name.",
            )
        folder = self._existing()
        for part in given.parts[:-1]:
            folder /= part
            if folder.is_symlink() or not folder.is_dir() or folder.resolve() != folder:
                raise RequestInvalid(
                    f"{part!r} in {path!r} is no directory in that of {self._option}.",
                    hint="Name a file in the directory itself, or in a directory that is there.",
                )
        return folder, given.name

    def _existing(self) -> Path:
        with suppress(OSError, RuntimeError):  # of a loop of links
            root = self._root.resolve(strict=True)
            if root.is_dir():
                return root
        raise NotConfigured(
            f"The directory of {self._option} is not there.",
            code="no_directory",
            hint=f"The operator alone can create it, or change {self._option}.",
        )

    def _outside(self, path: str) -> RequestInvalid:
        return RequestInvalid(
            f"{path!r} is outside of the directory of {self._option}.",
            code=f"outside_{self._option.strip('-').replace('-', '_')}",
            hint="Name a file inside it, by a path that begins there.",
        )


class NewFile:
    """A file that is being written.

    Attributes:
        file: Where its content goes, in a thread.
        uri: Its address (RFC 8089) once it is published.
        size: Its size in bytes once it is published.

    Args:
        file: The temporary file, open.
        temporary: Its path.
        place: The path that it gets.
        path: The same as the caller wrote it.
        option: The option that names the directory.
        overwrite: Replace a file there.
    """

    def __init__(
        self, file: BinaryIO, temporary: Path, place: Path, path: str, option: str, *, overwrite: bool
    ) -> None:
        self.file = file
        self.uri = place.as_uri()
        self.size = 0
        self._temporary = temporary
        self._place = place
        self._path = path
        self._option = option
        self._overwrite = overwrite

    @contextmanager
    def errors(self) -> Generator[None]:
        """Explain the errors of the disk while it is written.

        Raises:
            NotConfigured: In place of an `OSError`.
        """
        with _os_errors(self._option):
            yield

    def restart(self) -> None:
        """Empty it."""
        self.file.seek(0)
        self.file.truncate()

    def publish(self) -> None:
        """Give the complete file its name.

        Raises:
            RequestInvalid: There is a file of that name by now.
            NotConfigured: It could not be written.
        """
        with self.errors():
            self.file.flush()
            os.fsync(self.file.fileno())
            self.size = os.fstat(self.file.fileno()).st_size
            self.file.close()
            _check_free(self._place, self._path, overwrite=self._overwrite)
            if self._overwrite:
                self._temporary.replace(self._place)
            else:
                self._link()
        with suppress(OSError):  # it is published
            self._temporary.unlink(missing_ok=True)
            _sync_directory(self._place.parent)

    def _link(self) -> None:
        """Give it its name; unlike a rename, that fails where the name is taken."""
        try:
            os.link(self._temporary, self._place)
        except FileExistsError:
            raise _taken(self._path) from None
        except FileNotFoundError:
            raise NotConfigured(
                f"What was written for {self._path!r} is gone: it, or its directory, was removed or renamed.",
                code="file_vanished",
                hint="Call it again; in a renamed directory a hidden file may be left.",
            ) from None
        except OSError:
            raise NotConfigured(
                f"The file system of {self._option} has no hard links, without which a file cannot get its "
                "name and never replace another.",
                code="no_hard_links",
                hint="Give overwrite=true.",
            ) from None

    def discard(self) -> None:
        """Remove what was written, unless it is published."""
        with suppress(OSError):  # what is buffered may not fit on the disk
            self.file.close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


@contextmanager
def _os_errors(option: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise _explain(error, option) from None


def _explain(error: OSError, option: str) -> DsqlError:
    if error.errno == errno.ENAMETOOLONG:
        return RequestInvalid("The name of the file is too long.", hint="Choose a shorter one.")
    if error.errno in _FULL:
        return NotConfigured(
            f"There is no room left in the directory of {option}.",
            code="disk_full",
            hint="Write fewer rows or columns; the operator can make room.",
        )
    return NotConfigured(
        f"The directory of {option} cannot be written to: {error.strerror or type(error).__name__}.",
        code="directory_not_writable",
        hint=f"The operator alone can mend it, or change {option}.",
    )


def _is_plain(part: str) -> bool:
    return part.isprintable() and not part.startswith(".") and _NO_NAME.isdisjoint(part)


def _check_free(place: Path, path: str, *, overwrite: bool) -> None:
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise RequestInvalid(f"{path!r} is there already, and no regular file.", hint="Choose another name.")
    if not overwrite:
        raise _taken(path)


def _taken(path: str) -> RequestInvalid:
    return RequestInvalid(
        f"There is a file {path!r} already.",
        code="file_exists",
        hint="Choose another name, or give overwrite=true to replace it.",
    )


def _remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of servers that were killed."""
    prefix, suffix = _TEMPORARY
    for left in folder.glob(f"{prefix}*{suffix}"):
        with suppress(OSError):
            state = left.lstat()
            if stat.S_ISREG(state.st_mode) and time.time() - state.st_mtime > MAX_WRITE_SECONDS:
                left.unlink()


def _sync_directory(folder: Path) -> None:
    """Have the name itself on disk, where the system can (POSIX, fsync of a directory)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_regular_file(place: Path, missing: RequestInvalid) -> BinaryIO:
    """Open a regular file; not a link that has replaced it since its path was resolved."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        handle = os.open(place, flags)
    except OSError:
        raise missing from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise missing
    return os.fdopen(handle, "rb")
