"""The command that runs this installation, as the user can type it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import which

from awslabs_dsql_mcp.installer.launch import PACKAGE
from awslabs_dsql_mcp.installer.source import own_source, requirement
from awslabs_dsql_mcp.installer.uv_tool import find_uvx, is_in_cache


def own_program(environ: Mapping[str, str]) -> list[str]:
    """Give the words before a command: the name where PATH leads to it, else what starts this installation.

    Args:
        environ: The environment.
    """
    on_path = which(PACKAGE, path=environ.get("PATH", ""))
    if on_path is not None and not is_in_cache(Path(on_path).absolute()):  # uvx puts its own on PATH
        return [PACKAGE]
    if on_path is None and not is_in_cache(Path(sys.executable)):
        return [sys.executable, "-m", "awslabs_dsql_mcp"]
    source = requirement(None, own_source(), Path.cwd(), local=True)
    return [str(find_uvx(environ) or "uvx"), "--from", source, PACKAGE]
