"""uv, through which clients start the server: its programs, and the server kept as one of its tools.

Seen with uv 0.13.9: `uvx NAME` asks the package index at each start, and fails without it although all is in
uv's cache; a tool that `uv tool install` keeps is started without asking (a quarter of a second), also as
`uvx --from SOURCE NAME` with the same source; `NAME@latest` asks always.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from typing import Final

from awslabs_dsql_mcp.installer.launch import PACKAGE

# In the top of uv's cache, and of any other that may be deleted (bford.info/cachedir).
_CACHE_MARK: Final = "CACHEDIR.TAG"
_MAX_SECONDS: Final = 600


class NotInstalled(Exception):
    """uv could not install the server; the text is its reason, one line."""


def is_in_cache(path: Path) -> bool:
    """Return true if a path is inside a cache, where nothing stays; uv marks its virtual environments too."""
    return any(
        (folder / _CACHE_MARK).is_file() and not (folder / "pyvenv.cfg").is_file() for folder in path.parents
    )


def find_uv(environ: Mapping[str, str]) -> Path | None:
    """Find uv: the one that runs this process, else the one on PATH.

    Args:
        environ: The environment; uv sets ``UV`` for what it runs (its documentation, "Environment").
    """
    path = environ.get("PATH", "")
    places = (environ.get("UV"), which("uv", path=path))
    return next((Path(place) for place in places if place and Path(place).is_file()), None)


def find_uvx(environ: Mapping[str, str]) -> Path | None:
    """Find uvx: the one on PATH, else the one beside uv; none that is inside a cache."""
    on_path, uv = which("uvx", path=environ.get("PATH", "")), find_uv(environ)
    beside = which("uvx", path=str(uv.parent)) if uv else None
    found = (Path(place).absolute() for place in (on_path, beside) if place)
    return next((place for place in found if not is_in_cache(place)), None)


def keeps_local(uv: Path) -> bool:
    """Return true if the server that uv keeps has the extra ``local``, which other clients may start it with.

    Args:
        uv: The program.
    """
    try:
        listed = _run(uv, "list", "--show-extras").stdout
    except NotInstalled:
        return False
    return bool(re.search(rf"^{PACKAGE} .*\[extras: .*\blocal\b", listed, re.MULTILINE))


def install_tool(uv: Path, requirement: str) -> None:
    """Install the server, so that it starts without the package index.

    Args:
        uv: The program.
        requirement: What to install, as uv takes it.

    Raises:
        NotInstalled: It failed.
    """
    done = _run(uv, "install", "--quiet", requirement)
    if done.returncode:
        raise NotInstalled(_reason(done.stderr) or f"{uv} ended with status {done.returncode}")


def _run(uv: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the user's own program
            [str(uv), "tool", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MAX_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{uv} did not run to its end ({type(error).__name__})") from None


def _reason(said: str) -> str:
    """Give what uv says is the cause: the last line that names one, without its drawing."""
    lines = [re.sub(r"^\W+", "", line) for line in said.splitlines()]
    named = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return named[-1].removeprefix("error: ").removeprefix("cause: ") if named else ""
