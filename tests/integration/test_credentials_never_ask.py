"""Credentials that would ask their user: neither the protocol nor the terminal is read or written."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("terminals are POSIX's", allow_module_level=True)

ROLE = "role_arn = arn:aws:iam::123456789012:role/agent\n"
DEVICE = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
BASE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s3cr3t\n"
ASKS = "#!/bin/sh\necho 'Enter MFA code:' > /dev/tty\nread code && echo $code > {0}/taken\nexit 1\n"
ENDPOINT = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"
# The server as the first process of a session, whose terminal is the descriptor in its first argument.
IN_TERMINAL = (
    "import fcntl, os, sys, termios; terminal = int(sys.argv[1]); os.setsid(); "
    "fcntl.ioctl(terminal, termios.TIOCSCTTY, 0); os.close(terminal); "
    "os.execv(sys.executable, [sys.executable, '-m', 'awslabs_dsql_mcp', *sys.argv[2:]])"
)
CONFIGS = {
    "assumed role": f"{BASE}[profile mine]\n{ROLE}source_profile = base\n{DEVICE}",
    "chain of roles": f"{BASE}[profile first]\n{ROLE}source_profile = base\n{DEVICE}"
    f"[profile mine]\n{ROLE}source_profile = first\n",
    "process": "[profile mine]\ncredential_process = {0}/ask\n",
    "process behind a role": f"[profile first]\ncredential_process = {{0}}/ask\n"
    f"[profile mine]\n{ROLE}source_profile = first\n",
}


@pytest.fixture(params=CONFIGS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home whose profile `mine` asks for a code."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(CONFIGS[request.param].format(tmp_path))
    (tmp_path / "ask").write_text(ASKS.format(tmp_path))
    (tmp_path / "ask").chmod(0o700)
    return tmp_path


class Terminal:
    """A process with a terminal, which is its standard input too unless another is given."""

    def __init__(self, home: Path, *arguments: str, stdin: int | None = None) -> None:
        self.screen, terminal = pty.openpty()
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DSQL_", "PG"))}
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, str(terminal), *arguments],
            stdin=terminal if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(terminal,),
            env=environ | {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"},
        )
        os.close(terminal)

    def shown(self) -> bytes:
        """What stands on the screen."""
        ready, _, _ = select.select([self.screen], [], [], 0)
        try:
            return os.read(self.screen, 1000) if ready else b""
        except OSError:  # nobody has the terminal open any more
            return b""


def test_the_server_answers_each_line_and_leaves_the_terminal_alone(home: Path) -> None:
    flags = ("--cluster_endpoint", ENDPOINT, "--profile", "mine")
    server = Terminal(home, *flags, stdin=subprocess.PIPE)
    assert server.process.stdin is not None
    assert server.process.stdout is not None
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    call = {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}}
    requests: list[tuple[str, Any]] = [
        ("initialize", about),
        ("tools/call", call),
        *[("ping", {})] * 3,
        ("tools/call", call),
    ]
    for number, (method, params) in enumerate(requests):
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        server.process.stdin.write(json.dumps(message).encode() + b"\n")
        if number == 0:
            server.process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    server.process.stdin.flush()
    answers = {answer["id"]: answer for answer in map(json.loads, _lines(server, len(requests)))}
    assert sorted(answers) == list(range(len(requests)))
    assert "profile" in json.dumps(answers[1]["result"])
    assert answers[1]["result"]["isError"]
    server.process.communicate()
    assert server.shown() == b""
    assert not (home / "taken").exists()


def _lines(server: Terminal, count: int) -> list[bytes]:
    assert server.process.stdout is not None
    return [server.process.stdout.readline() for _ in range(count)]


def test_the_doctor_says_it_without_asking(home: Path) -> None:
    doctor = Terminal(
        home,
        *("doctor", "--json", "--cluster_endpoint", ENDPOINT, "--profile", "mine"),
        *("--connect-timeout", "5", "--knowledge-server", "http://127.0.0.1:9/", "--knowledge-timeout", "1"),
    )
    out, _ = doctor.process.communicate()
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert checks["AWS credentials"]["code"] in ("mfa_required", "credentials_expired")
    assert "profile mine" in checks["AWS credentials"]["says"].lower()
    assert "--profile mine" in checks["AWS credentials"]["remedy"]
    assert doctor.shown() == b""
    assert not (home / "taken").exists()
