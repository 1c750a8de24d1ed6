"""Plain PostgreSQL, which says what a script means: psql runs it, in a database of its own."""

import os
import re
import subprocess
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import psycopg
from psycopg import sql

from awslabs_dsql_mcp.local_cluster.postgres import discovery
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER

DATABASE: Final = "script"
_CREATE: Final = f"CREATE DATABASE {DATABASE} TEMPLATE template0".encode()
_DROP: Final = f"DROP DATABASE IF EXISTS {DATABASE} (FORCE)".encode()
_OWN_ROLES: Final = """
SELECT rolname FROM pg_roles WHERE oid >= 16384 AND rolname NOT IN ('admin', %s) AND rolname !~ '^local_job_'
"""


_ERROR: Final = re.compile(r"<stdin>:(\d+): (?:ERROR|FATAL|error): +(?!current transaction is aborted)")


class ScriptInvalid(Exception):
    """A script that PostgreSQL refuses, and what psql said of it."""


class Oracle:
    """A PostgreSQL server.

    Args:
        address: Its connection string, without a database.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._programs = discovery.find().root / "bin"

    def run(self, script: str) -> None:
        """Run a script in a new database.

        Raises:
            ScriptInvalid: It cannot be run to its end.
        """
        done = self._run(script, stop=True)
        if done.returncode:
            raise ScriptInvalid(done.stderr.decode(errors="replace"))

    def run_valid_part(self, statements: Sequence[str]) -> str:
        """Run statements in a new database, without those that are refused; give the others as a script.

        Raises:
            ScriptInvalid: It cannot be run to its end, though no statement is refused.
        """
        kept = list(statements)
        while True:
            script = "\n".join([*kept, ""])
            done = self._run(script, stop=False)
            said = done.stderr.decode(errors="replace")
            ends = list(accumulate(statement.count("\n") + 1 for statement in kept))
            refused = {
                min(bisect_left(ends, int(line)), len(kept) - 1) for line in _ERROR.findall(said) if kept
            }
            if refused:
                kept = [statement for at, statement in enumerate(kept) if at not in refused]
            elif done.returncode:
                raise ScriptInvalid(said)
            else:
                return script

    def _run(self, script: str, *, stop: bool) -> subprocess.CompletedProcess[bytes]:
        with psycopg.connect(f"{self._address} dbname=postgres", autocommit=True) as administrator:
            administrator.execute(_DROP)
            administrator.execute("ALTER ROLE current_user RESET ALL")
            administrator.execute("ALTER DATABASE postgres RESET ALL")
            drop_roles(administrator)
            administrator.execute(_CREATE)
        options = ["-X", "-q", "-v", f"ON_ERROR_STOP={int(stop)}", "-f", "-"]
        return subprocess.run(
            [self._programs / "psql", *options, self._named],
            input=script.encode(),
            capture_output=True,
            env=_environment(),
            timeout=60,
            check=False,
        )

    def connect(self) -> psycopg.Connection[Any]:
        """Open a session in the database of the last script."""
        return psycopg.connect(self._named, autocommit=True, prepare_threshold=None)

    def dump(self, *options: str) -> str:
        """The database of the last script as pg_dump writes it, behind the roles that it names."""
        command = [self._programs / "pg_dump", *options, self._named]
        done = subprocess.run(command, check=True, capture_output=True, env=_environment())
        with self.connect() as connection:
            roles = connection.execute(_OWN_ROLES, [SUPERUSER]).fetchall()
        return "".join(f"CREATE ROLE {role};\n" for (role,) in roles) + done.stdout.decode()

    @property
    def _named(self) -> str:
        return f"{self._address} dbname={DATABASE}"


def drop_roles(administrator: psycopg.Connection[Any]) -> None:
    """Drop the roles that scripts made, which no database holds."""
    for (role,) in administrator.execute(_OWN_ROLES, [SUPERUSER]).fetchall():
        quoted = sql.Identifier(role)
        administrator.execute(sql.SQL("DROP OWNED BY {}").format(quoted))
        administrator.execute(sql.SQL("DROP ROLE {}").format(quoted))


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"PGCLIENTENCODING": "UTF8", "LC_ALL": "C"}
