"""Commands run at a pseudo-terminal, by somebody who waits for what they print before typing."""

import os
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass

_SECONDS = 60.0


@dataclass(frozen=True)
class Session:
    """What a person has seen, and how the command ended."""

    status: int
    text: str


def at_terminal(command: Sequence[str], *typing: tuple[str, str]) -> Session:
    r"""Run a command.

    Args:
        command: The command.
        typing: What is typed as soon as a text is there, in this order; ``\x03`` is Ctrl-C.
    """
    import pty  # noqa: PLC0415 - not on Windows

    process, terminal = pty.fork()
    if process == 0:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell
    todo, seen, ends = list(typing), b"", time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            read = os.read(terminal, 65536)
        except OSError:  # Linux's end of file at a terminal
            break
        if not read:
            break
        seen += read
        if todo and todo[0][0].encode() in seen:
            os.write(terminal, todo.pop(0)[1].encode())
    else:
        os.kill(process, 9)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return Session(os.waitstatus_to_exitcode(status), seen.decode().replace("\r\n", "\n"))
