"""A client with a real browser, driven from tests: the extension's own bridge, the server's real answers."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from mcp import StdioServerParameters

from awslabs_dsql_mcp.local_cluster.daemon.file_lock import locked
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE
from support.debian import BROUGHT, program

TOP: Final = Path(__file__).parents[2]
CAPABILITIES: Final[Mapping[str, Any]] = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}
"""What a client declares that shows views."""
_FULL: Final[Mapping[str, Any]] = {
    "serverTools": {},
    "downloadFile": {},
    "updateModelContext": {"text": {}},
    "message": {"text": {}},
}
_FILES: Final = Path(__file__).with_name("browser")
_CACHE: Final = BROUGHT / "browser"
_PROGRAMS: Final = (
    *("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_MAX_BRINGING: Final = 380  # seconds
_MAX_LINE: Final = 1 << 28  # bytes


class Absent(Exception):
    """There is no browser, or no npm, and none can be had."""


def browser_program() -> str:
    """Find a browser; on Debian, as root, bring one.

    Raises:
        Absent: There is none.
    """
    found = program(*_PROGRAMS, package="chromium-headless-shell")
    if found is None:
        raise Absent("no browser on this machine: views not tried")
    return found


def driver() -> Path:
    """Give the folder of the driver, with its packages from npm.

    Raises:
        Absent: They cannot be had.
    """
    if not shutil.which("npm"):
        raise Absent("no npm on this machine: views not tried")
    _CACHE.mkdir(parents=True, exist_ok=True)
    wanted = {file.name: file.read_text() for file in sorted(_FILES.iterdir()) if file.is_file()}
    done, told = _CACHE / "installed", wanted["package-lock.json"]
    with locked(_CACHE / "lock", timeout=_MAX_BRINGING):  # one worker brings them for all
        for name, text in wanted.items():
            if not (_CACHE / name).exists() or (_CACHE / name).read_text() != text:
                (_CACHE / name).write_text(text)
        if not done.exists() or done.read_text() != told:
            flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(_CACHE))
            made = subprocess.run(["npm", "ci", *flags], capture_output=True, text=True, check=False)
            if made.returncode:
                raise Absent(f"npm could not install the driver of the browser: {made.stderr[-200:]}")
            done.write_text(told)
    return _CACHE


class ViewClient:
    """A client that shows views.

    Args:
        process: The driver.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Have the driver do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:  # noqa: ANN401 - JSON
        """Read what came of the last command."""
        assert self._process.stdout is not None
        answer = json.loads(await self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer.get("result")

    async def open(
        self,
        tool: str,
        args: Mapping[str, Any],
        *,
        given: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        capabilities: Mapping[str, Any] = _FULL,
    ) -> dict[str, Any]:
        """Call a tool and show its view; give what the tool answered.

        Args:
            tool: The tool.
            args: Its arguments.
            given: What it answered, if it is not to be called.
            context: What the client tells the view of itself.
            capabilities: What the client lets the view do.
        """
        told = {"args": args, "context": context or {}, "capabilities": capabilities, "given": given}
        return await self.do("open", tool=tool, **told)

    async def evaluate(self, script: str) -> Any:  # noqa: ANN401 - JSON
        """Evaluate an expression in the view."""
        return await self.do("evaluate", script=script)

    async def wait(self, script: str) -> None:
        """Wait until an expression in the view is true."""
        await self.do("wait", script=script)

    async def click(self, selector: str) -> None:
        """Click on an element of the view."""
        await self.do("click", selector=selector)

    async def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        await self.do("press", keys=keys)

    async def text(self, selector: str) -> str:
        """Give the text of an element of the view as it is seen."""
        return await self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    async def seen(self, what: str) -> list[Any]:
        """Give what the view asked of the client: calls, sizes, told, files, modes."""
        return await self.do("inHost", script=f"seen.{what}")

    async def faults(self) -> Sequence[str]:
        """Give what the browser complained of: violations of the policy, errors of scripts."""
        return await self.do("faults")


@asynccontextmanager
async def view_client(
    server: StdioServerParameters, capabilities: Mapping[str, Any] = CAPABILITIES
) -> AsyncGenerator[ViewClient]:
    """Start a server, a client of it and a browser.

    Raises:
        Absent: There is no browser.
    """
    program = await asyncio.to_thread(browser_program)
    folder = await asyncio.to_thread(driver)
    told = json.dumps(server.model_dump(include={"command", "args", "env"}))
    process = await asyncio.create_subprocess_exec(
        *("node", "drive.mjs", program, told, json.dumps(capabilities)),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_MAX_LINE,
    )
    client = ViewClient(process)
    try:
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline() or b"{}").get("ready"), "the driver did not start"
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
