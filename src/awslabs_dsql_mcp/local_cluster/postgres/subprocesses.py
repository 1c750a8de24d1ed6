"""Child processes of PostgreSQL: bound to the life of their parent, stopped, and found when left over.

Each system has its own way to end a child when its parent dies, however the parent dies:

* Linux: the kernel sends the child a signal (prctl(2), PR_SET_PDEATHSIG);
* macOS and other Unix: a shell waits for the end of a pipe which only the parent holds open;
* Windows: a job object ends with its last handle.

SIGQUIT is PostgreSQL's immediate shutdown: bounded in time, and the next start recovers what was
committed (PostgreSQL documentation, 19.5 "Shutting Down the Server").
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

_FAST_SECONDS, _IMMEDIATE_SECONDS = 10.0, 8.0  # PostgreSQL kills its children after 5 of the latter


@dataclass(frozen=True)
class ChildProcess:
    """A program that does not outlive us.

    Attributes:
        process: The program.
        release: Called once it has ended.
    """

    process: "subprocess.Popen[bytes]"
    release: Callable[[], None]


Spawn = Callable[[Sequence[str], Mapping[str, Any]], ChildProcess]
"""Starts a program that does not outlive us, given the command and arguments of `subprocess.Popen`."""


def environment() -> dict[str, str]:
    """Return our environment without libpq's and PostgreSQL's variables, which would steer it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}  # noqa: TID251 - a child's environment


def program(directory: Path, name: str) -> Path:
    """Return the path of a program, as this system spells it."""
    return directory / (f"{name}.exe" if sys.platform == "win32" else name)


if sys.platform == "win32":

    def spawn_child(command: Sequence[str], options: Mapping[str, Any]) -> ChildProcess:
        """Start a program in a job of ours."""
        from awslabs_dsql_mcp.local_cluster.postgres import windows_job  # noqa: PLC0415  on Windows only

        job = windows_job.create()
        process = subprocess.Popen[bytes](command, creationflags=subprocess.CREATE_NO_WINDOW, **options)
        windows_job.assign(job, process)
        return ChildProcess(process, lambda: windows_job.close(job))

    spawn_watched = spawn_child

    def _ask(child: ChildProcess, mode: str, programs: Path, directory: Path) -> None:
        del child  # pg_ctl finds it by its directory
        command = [str(program(programs, "pg_ctl")), "stop", "-W", "-m", mode, "-D", str(directory)]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  our own command

    def _quit(process: "psutil.Process") -> None:
        process.kill()

else:
    _SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

    def spawn_child(command: Sequence[str], options: Mapping[str, Any]) -> ChildProcess:
        """Start a program that does not outlive this process.

        Call it from the main thread: Linux ties to the thread that starts the program.

        Args:
            command: The program and its arguments.
            options: Arguments of `subprocess.Popen`.
        """
        if sys.platform == "linux":
            # No thread runs yet, and the function neither imports nor allocates in the child.
            tie = _death_signal()
            process = subprocess.Popen[bytes](command, preexec_fn=tie, **options)
            return ChildProcess(process, lambda: None)
        return spawn_watched(command, options)

    def _death_signal() -> Callable[[], None]:
        """Prepare the function that the child runs between fork and exec."""
        import ctypes  # noqa: PLC0415  on Linux only

        prctl = ctypes.CDLL(None, use_errno=True).prctl
        set_death_signal, number = 1, int(signal.SIGQUIT)  # PR_SET_PDEATHSIG of linux/prctl.h
        parent = os.getpid()

        def tie() -> None:
            prctl(set_death_signal, number, 0, 0, 0)
            if os.getppid() != parent:  # it died before the tie was made
                os._exit(1)

        return tie

    def spawn_watched(command: Sequence[str], options: Mapping[str, Any]) -> ChildProcess:
        """Start a program, and a shell that sends it SIGQUIT when our end of a pipe closes.

        Unlike `spawn_child` it may be called from any thread.
        """
        process = subprocess.Popen[bytes](command, **options)
        watchdog = subprocess.Popen(  # noqa: S603  our own command
            ["/bin/sh", "-c", 'read -r _; kill -QUIT "$1"', "watchdog", str(process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def release() -> None:
            watchdog.kill()
            watchdog.communicate()

        return ChildProcess(process, release)

    def _ask(child: ChildProcess, mode: str, programs: Path, directory: Path) -> None:
        del programs, directory  # not needed for a signal
        child.process.send_signal(_SIGNALS[mode])

    def _quit(process: "psutil.Process") -> None:
        process.send_signal(signal.SIGQUIT)


def stop(child: ChildProcess, programs: Path, directory: Path) -> None:
    """Stop PostgreSQL: its fast shutdown, then the immediate one, then by force.

    Args:
        child: The postmaster.
        programs: The directory of ``pg_ctl``, which knows how to signal on Windows.
        directory: PostgreSQL's data directory.
    """
    for mode, seconds in (("fast", _FAST_SECONDS), ("immediate", _IMMEDIATE_SECONDS)):
        if child.process.poll() is None:
            _ask(child, mode, programs, directory)
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(seconds)
    child.process.kill()
    child.process.wait()
    child.release()


def clear_leftovers(directory: Path) -> None:
    """End leftover processes of this data directory, and remove their lock files and sockets.

    Only for the holder of the daemon's lock: whatever still runs there has lost its daemon. The files
    are removed because PostgreSQL refuses to start while *any* process of its user, a zombie
    included, has the number that postmaster.pid names.
    """
    if not (directory / "postmaster.pid").exists():
        return
    end_all_in(directory)
    for trace in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (directory / trace).unlink(missing_ok=True)


def end_all_in(directory: Path) -> None:
    """End every PostgreSQL process that works in this directory.

    The server and its children make the data directory their working directory, and by that they are
    known: the number in postmaster.pid may be anybody's by now, and a child may outlive the server.
    """
    import psutil  # noqa: PLC0415  after a crash only

    for end in (_quit, psutil.Process.kill):
        for process in _processes_in(directory):
            with suppress(psutil.Error):
                end(process)
        wait_until(lambda: not _processes_in(directory), _IMMEDIATE_SECONDS)


def _processes_in(directory: Path) -> "list[psutil.Process]":
    import psutil  # noqa: PLC0415  see end_all_in

    def works_there(process: psutil.Process) -> bool:
        try:  # a zombie has no working directory
            return process.name().startswith(("postgres", "initdb")) and Path(process.cwd()) == directory
        except (psutil.Error, OSError):
            return False

    return [process for process in psutil.process_iter() if works_there(process)]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Check a condition every two milliseconds; true once it holds, false after the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.002)
    return True
