"""An embedded PostgreSQL: `Installation.start` runs a server of its programs.

The settings of Aurora DSQL that PostgreSQL shares are here: UTF-8, C collation, UTC, REPEATABLE READ, one
database ``postgres``. The rest is in sys.sql, beside this file. The superuser has a name of its own and
cannot connect through the endpoint.

``fsync`` is off: a crash of PostgreSQL or of its daemon loses nothing that was committed, a power
failure may.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster.postgres import subprocesses
from awslabs_dsql_mcp.local_cluster.postgres.run_as import RunAs, current_run_as, reachable_programs

SUPERUSER = "pg_superuser"  # as in sys.sql
_MADE_BY_INITDB = "local_superuser"  # which refuses such a name
SUPERUSER_OPTIONS = "-c search_path=pg_catalog,pg_temp"  # nothing of a user's is found by its name
JOB_ROLES = ("local_job_1", "local_job_2", "local_job_3", "local_job_4")  # as in sys.sql
RESERVED_ROLES = frozenset((SUPERUSER, *JOB_ROLES))
"""Roles that nobody logs in as through the endpoint."""
_INITDB_SECONDS, _SINGLE_SECONDS, _START_SECONDS = 120, 30, 60
# Bytes of a Unix socket's path that every system takes: 108 on Linux (unix(7)), 104 on macOS.
_MAX_SOCKET_PATH = 100
_SYSTEM_SCHEMA = ("sys.sql", "private_copies.sql", "privileges.sql", "one_database.sql")
_SETTINGS = {
    "fsync": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "default_transaction_isolation": "repeatable read",
    "temp_file_limit": f"{limits.MAX_TEMP_KIB}kB",  # maximum of a query
    "log_min_messages": "log",  # not the clients' errors: their statements carry data
    "log_checkpoints": "off",
    "deadlock_timeout": "10ms",  # sessions wait for each other only at COMMIT, see session/conflicts.py
    "enable_bitmapscan": "off",  # plans have no such nodes, nor these
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",  # all is in memory
    "jit": "off",
    "dsql.enable_batched_nestloop": "on",  # Aurora DSQL's own, which change no result here
    "dsql.disable_sync_create_index": "on",
    # Otherwise a query whose client is gone runs to its end. PostgreSQL refuses it on Windows.
    **({} if sys.platform == "win32" else {"client_connection_check_interval": "500ms"}),
}


@dataclass(frozen=True)
class UnixSocket:
    """Address of a server: a socket that only its owner and root can reach, hence no password."""

    path: Path


@dataclass(frozen=True)
class Loopback:
    """Address of a server: a TCP port of this machine, open to all its users, hence a password.

    Attributes:
        port: On 127.0.0.1.
        password: The superuser's; made anew at each start and stored nowhere.
    """

    port: int
    password: str = field(repr=False)


Address = UnixSocket | Loopback


class Server:
    """A running PostgreSQL."""

    def __init__(self, launch: "_Launch", child: subprocesses.ChildProcess, address: Address) -> None:
        self.address = address
        self.process = child.process
        self._launch = launch
        self._child = child

    def stop(self) -> None:
        """Stop it: its sessions end, open transactions are rolled back."""
        subprocesses.stop(self._child, self._launch.programs, self._launch.directory)


@dataclass(frozen=True)
class Installation:
    """PostgreSQL's programs.

    Attributes:
        root: The directory that has ``bin`` in it.
    """

    root: Path

    def start(
        self,
        directory: Path,
        meanwhile: Callable[[], None],
        *,
        settings: Mapping[str, str] | None = None,
        loopback: bool = sys.platform == "win32",
        one_database: bool = True,
        spawn: subprocesses.Spawn = subprocesses.spawn_child,
    ) -> Server:
        """Start a server on a data directory, made when absent; return when it takes connections.

        Args:
            directory: PostgreSQL's data directory; its parent exists.
            meanwhile: Called once while the first program works, to use the time.
            settings: PostgreSQL's, beside those that every local cluster has.
            loopback: Listen on TCP: Windows' event loops have no Unix sockets.
            one_database: As a cluster; otherwise the superuser can make others.
            spawn: Starts its programs; the default must be called from the main thread.

        Raises:
            NotConfigured: PostgreSQL cannot be started; the text has the end of its log.
        """
        run_as = current_run_as()
        schema = _SYSTEM_SCHEMA if one_database else _SYSTEM_SCHEMA[:-1]
        launch = _Launch(reachable_programs(self.root, run_as) / "bin", run_as, directory, schema, spawn)
        subprocesses.clear_leftovers(directory)
        if not directory.exists():
            launch.initialise(meanwhile)
            meanwhile = _nothing
        else:
            launch.apply_system_schema()
        return launch.start(meanwhile, settings or {}, loopback=loopback)


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class _Launch:
    """The programs, who runs them in which directory, its system schema, and how they are started."""

    programs: Path
    run_as: RunAs
    directory: Path
    schema: tuple[str, ...]
    spawn: subprocesses.Spawn

    def initialise(self, meanwhile: Callable[[], None]) -> None:
        """Make the data directory, whole or not at all."""
        draft = self.directory.with_name(self.directory.name + ".new")
        if draft.exists():
            subprocesses.end_all_in(draft)
            shutil.rmtree(draft)
        self.run_as.create_dir(draft)
        drafting = replace(self, directory=draft)
        drafting.initdb(meanwhile)
        drafting.apply_system_schema()
        draft.rename(self.directory)

    def initdb(self, meanwhile: Callable[[], None]) -> None:
        """Fill an empty data directory."""
        command = self._command("initdb", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
        command += [f"--username={_MADE_BY_INITDB}", "--auth-local=trust", "--auth-host=password"]
        child = self.spawn(command, self._options(stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        meanwhile()
        self._expect_success(child, b"", _INITDB_SECONDS, "PostgreSQL's data directory could not be made")

    def apply_system_schema(self) -> None:
        """Run the system schema, unless this version of it was run last in this data directory.

        Who may connect belongs to it: the daemon's user through the socket, as any role, and nobody else.
        """
        statements = b"\n\n".join(Path(__file__).with_name(name).read_bytes() for name in self.schema)
        logins, users = (text.encode() for text in _authentication())
        version = sha256(b"\0".join((statements, logins, users))).hexdigest()
        applied = self.directory / "sys.sql.version"
        if not applied.exists() or applied.read_text() != version:
            (self.directory / "pg_hba.conf").write_bytes(logins)
            (self.directory / "pg_ident.conf").write_bytes(users)
            self.run_alone(statements)
            applied.write_text(version)

    def run_alone(self, statements: bytes) -> None:
        """Run statements, each followed by an empty line, as the superuser, while no server runs."""
        command = self._command("postgres", "-j", "-c", "fsync=off", "-c", "exit_on_error=on")
        command[1:1] = ["--single"]  # it must come first
        child = self.spawn(
            [*command, "postgres"],
            self._options(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT),
        )
        self._expect_success(child, statements, _SINGLE_SECONDS, "PostgreSQL did not start")

    def start(self, meanwhile: Callable[[], None], settings: Mapping[str, str], *, loopback: bool) -> Server:
        """Start the server and wait until it takes connections."""
        too_long = len(os.fsencode(self._socket().path)) > _MAX_SOCKET_PATH
        address = self._loopback() if loopback or too_long else self._socket()
        command = self._command("postgres", *_listening(address))
        for name, value in (_SETTINGS | dict(settings)).items():
            command += ["-c", f"{name}={value}"]
        log = self.directory.with_name(self.directory.name + ".log")
        with log.open("wb") as words:
            child = self.spawn(command, self._options(stdout=words, stderr=words))
        try:
            meanwhile()
            self._wait_until_ready(child.process, log)
        except BaseException:
            subprocesses.stop(child, self.programs, self.directory)
            raise
        return Server(self, child, address)

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        def settled() -> bool:
            return process.poll() is not None or self._is_ready()

        if not subprocesses.wait_until(settled, _START_SECONDS) or process.poll() is not None:
            raise _failure("PostgreSQL did not start", log.read_text(errors="replace"))

    def _is_ready(self) -> bool:
        """Read line 8 of postmaster.pid, as pg_ctl does."""
        try:
            lines = (self.directory / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004  the line's number

    def _socket(self) -> UnixSocket:
        return UnixSocket(self.directory / ".s.PGSQL.5432")

    def _loopback(self) -> Loopback:
        address = Loopback(_free_port(), secrets.token_urlsafe(24))
        self.run_alone(f"ALTER ROLE CURRENT_USER PASSWORD '{address.password}';\n\n".encode())
        return address

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [
            str(subprocesses.program(self.programs, program)),
            "-D",
            self.run_as.name_of(self.directory),
            *arguments,
        ]

    def _options(self, **streams: Any) -> dict[str, Any]:  # noqa: ANN401  subprocess.Popen's own looseness
        return {
            "stdin": subprocess.DEVNULL,
            "cwd": self.directory,
            "env": subprocesses.environment(),
            **self.run_as.popen_options(),
            **streams,
        }

    def _expect_success(
        self, child: subprocesses.ChildProcess, said: bytes, seconds: float, otherwise: str
    ) -> None:
        try:
            answer, _ = child.process.communicate(said, timeout=seconds)
        except BaseException:
            subprocesses.stop(child, self.programs, self.directory)
            raise
        child.release()
        if child.process.returncode != 0:
            raise _failure(otherwise, answer.decode(errors="replace"))


def _authentication() -> tuple[str, str]:
    """Return the contents of pg_hba.conf and pg_ident.conf.

    No line is for replication, which ``all`` does not mean (PostgreSQL documentation, 21.1). Windows has no
    peer authentication, and no socket of ours.
    """
    loopback = "host all all 127.0.0.1/32 password\n"
    if sys.platform == "win32":
        return loopback, ""
    import pwd  # noqa: PLC0415  not on Windows

    return (
        f"local all all peer map=daemon\n{loopback}",
        f'daemon "{pwd.getpwuid(os.geteuid()).pw_name}" all\n',
    )


def _listening(address: Address) -> list[str]:
    """Return the arguments that make a server listen at one address and nowhere else.

    The socket is named relative to the data directory, so that its name is never too long.
    """
    if isinstance(address, Loopback):
        return ["-h", "127.0.0.1", "-p", str(address.port), "-c", "unix_socket_directories="]
    return ["-h", "", "-k", ".", "-p", "5432", "-c", "unix_socket_permissions=0700"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _failure(what: str, words: str) -> NotConfigured:
    last = "\n".join(words.strip().splitlines()[-5:])
    return NotConfigured(f"{what}: {last}")
