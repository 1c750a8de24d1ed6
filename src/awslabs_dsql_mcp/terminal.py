"""Colours and progress on a terminal; elsewhere plain lines."""

import itertools
import shutil
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, TextIO

_COLOURS: Final = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}  # ECMA-48, SGR
_FRAMES: Final = "|/-\\"
_SECONDS: Final = 0.12


def takes_colours(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return true for a terminal that shows colours; ``NO_COLOR`` and, after it, ``FORCE_COLOR`` decide.

    Args:
        stream: Where it is written.
        environ: The environment (no-color.org, force-color.org).
    """
    if environ.get("NO_COLOR"):
        return False
    shows = stream.isatty() and environ.get("TERM") != "dumb" and _knows_escapes(environ)
    return bool(environ.get("FORCE_COLOR")) or shows


def _knows_escapes(environ: Mapping[str, str]) -> bool:
    """Tell Windows' own terminal from the console before it, which writes escapes as they are."""
    return sys.platform != "win32" or "WT_SESSION" in environ


def coloured(text: str, colour: str, *, wanted: bool = True) -> str:
    """Write a text in a colour, or as it is where none is wanted."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if wanted and text else text


@contextmanager
def working(
    what: str, stream: TextIO, environ: Mapping[str, str], *, otherwise: bool = True
) -> Generator[None]:
    """Tell that something takes a while: a line, and on a terminal a sign that turns until it is done.

    Args:
        what: What is done, without a full stop.
        stream: Where it is written.
        environ: The environment.
        otherwise: Write the line also where nothing can turn.
    """
    if not stream.isatty() or environ.get("TERM") == "dumb" or sys.platform == "win32":
        if otherwise:
            stream.write(f"{what} …\n")
            stream.flush()
        yield
        return
    done = threading.Event()

    def turn() -> None:
        for frame in itertools.cycle(_FRAMES):
            width = shutil.get_terminal_size().columns  # a line that wraps cannot be written over
            stream.write("\r" + f"{frame} {what} … "[: width - 1])
            stream.flush()
            if done.wait(_SECONDS):
                break

    turning = threading.Thread(target=turn, daemon=True)
    turning.start()
    try:
        yield
    finally:
        done.set()
        turning.join()
        stream.write("\r\x1b[K")
        stream.flush()
