"""Every module can be imported on the systems that the tests do not run on, as far as that shows here.

The standard library and other packages are imported before the system is changed: only what this project
does itself is seen. What one system alone has is hidden, or stands in.
"""

import json
import subprocess
import sys

import pytest

CODE = """
import asyncio, concurrent.futures, ctypes, importlib, json, multiprocessing, os, pkgutil, sys, sysconfig
import uuid, webbrowser
from unittest.mock import MagicMock
import anyio, botocore.session, cryptography.x509, httpx, httpx_sse, mcp.client.stdio, mcp.server.mcpserver
import platformdirs, postgast, psutil, psycopg, psycopg.types.json, pyarrow.parquet, tomlkit, yaml
sysconfig.get_config_vars()

sys.platform, hidden, present = json.loads(sys.argv[1])
for name in hidden:
    sys.modules[name] = None
for name in present:
    sys.modules[name] = MagicMock(name=name)
if sys.platform == "win32":
    ctypes.WinDLL = MagicMock(name="WinDLL")
    for name in ("fork", "geteuid", "getuid", "chown", "setsid", "killpg", "openpty"):
        if hasattr(os, name):
            delattr(os, name)

package = importlib.import_module("awslabs_dsql_mcp")
found = pkgutil.walk_packages(package.__path__, "awslabs_dsql_mcp.", lambda name: None)
names = [module.name for module in found]
failed = {}
for name in names:
    if name.endswith(".__main__"):
        continue
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps([len(names), failed]))
"""
POSIX = ["fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"]
SYSTEMS = {"win32": ["win32", POSIX, ["msvcrt", "winreg"]], "darwin": ["darwin", ["msvcrt", "winreg"], []]}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_module_is_imported(system: str) -> None:
    command = [sys.executable, "-c", CODE, json.dumps(SYSTEMS[system])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, failed = json.loads(done.stdout)
    assert count > 400
    assert failed == {}
