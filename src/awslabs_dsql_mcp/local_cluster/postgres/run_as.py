"""The user that runs PostgreSQL: the current one, or `nobody` for root, which PostgreSQL refuses.

Root's data folder usually lies where `nobody` cannot go (below ``/root``), and its parents are not
ours to open. PostgreSQL works relative to its data directory once it is there, so on Linux it is
started *in* the directory, entered as root, and told that its data are in ``/proc/self/cwd``: the
kernel resolves that name without passing through the parents. The data stay in the data directory,
mode 0700 and `nobody`'s, whatever lies above. Elsewhere root is told to be somebody else.

PostgreSQL's programs have no such way in: they are found by their full path. Those that `nobody`
cannot reach are copied to ``/var/cache/awslabs-dsql-mcp``, whose parents only root can write.
"""

import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from awslabs_dsql_mcp.errors import NotConfigured

_CACHE = Path("/var/cache/awslabs-dsql-mcp")


@dataclass(frozen=True)
class RunAs:
    """The user that PostgreSQL runs as; `None` for whoever we are."""

    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """Return the arguments of `subprocess.Popen` that change the user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def create_dir(self, directory: Path) -> None:
        """Make a directory, which must not exist, this user's alone."""
        directory.mkdir(mode=0o700)
        if sys.platform != "win32" and self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)

    def name_of(self, directory: Path) -> str:
        """Return the name under which a program started in `directory` can open it."""
        return str(directory) if self.uid is None else "/proc/self/cwd"

    def can_access(self, path: Path) -> bool:
        """Return true if the user can enter the directory and all its parents."""
        if self.uid is None:
            return True
        path = path.resolve()
        return all(self._may_enter(place.stat()) for place in (path, *path.parents))

    def _may_enter(self, place: os.stat_result) -> bool:
        if place.st_uid == self.uid:
            return bool(place.st_mode & stat.S_IXUSR)
        if place.st_gid == self.gid:
            return bool(place.st_mode & stat.S_IXGRP)
        return bool(place.st_mode & stat.S_IXOTH)


def current_run_as() -> RunAs:
    """Choose the user: `nobody` for root, else ourselves.

    Raises:
        NotConfigured: We are root, on a system where that has no remedy.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return RunAs()
    import pwd  # noqa: PLC0415  not on Windows

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        nobody = None
    if nobody is None or sys.platform != "linux":
        raise NotConfigured("PostgreSQL does not run as root.", hint="Start as another user.")
    return RunAs(nobody.pw_uid, nobody.pw_gid)


def reachable_programs(root: Path, run_as: RunAs) -> Path:
    """Return a directory with the same programs that that user can run: `root` without links, or a copy.

    Args:
        root: The directory with ``bin``, ``lib`` and ``share``.
        run_as: The user that runs them.

    Raises:
        OSError: The copy cannot be made.
    """
    root = root.resolve()  # a link may stand where that user cannot go, and lead where it can
    if run_as.can_access(root / "bin"):
        return root
    version = (root / "bin" / "postgres").stat().st_mtime_ns
    copy = _CACHE / sha256(f"{root}\0{version}".encode()).hexdigest()[:16]
    if not copy.exists():
        _copy(root, copy)
    return copy / root.parent.name / root.name


def _copy(root: Path, copy: Path) -> None:
    """Copy the programs, whole or not at all, as a wheel lays them out.

    A wheel's programs find their libraries by a relative path, in ``PACKAGE.libs`` beside the package.
    """
    _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=_CACHE))
    target = draft / root.parent.name / root.name
    (target / "bin").mkdir(parents=True)
    for program in ("initdb", "postgres"):
        shutil.copy2(root / "bin" / program, target / "bin")
    for part in ("lib", "share"):
        shutil.copytree(root / part, target / part, symlinks=True)
    libraries = root.parent.with_name(root.parent.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    _open_to_all(draft)
    try:
        draft.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(draft)


def _open_to_all(tree: Path) -> None:
    """Let everybody read and run what only its owner could, whatever our umask is."""
    for place in (_CACHE, tree, *tree.rglob("*")):
        if not place.is_symlink():
            mode = place.stat().st_mode
            place.chmod(0o755 if place.is_dir() or mode & stat.S_IXUSR else 0o644)
