"""Commands whose output nobody reads any more, as with ``| head``, or that lack a stream or folder."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

BROKEN_PIPE = 141  # as a shell reports SIGPIPE


def test_a_reader_may_leave_a_demonstration_that_runs() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "awslabs_dsql_mcp", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"server" in process.stdout.readline()
        assert b"tools" in process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(60) == BROKEN_PIPE


@pytest.mark.parametrize(
    "command",
    [
        ["install", "claude-code", "--print", "--local"],
        ["doctor", "--help"],
        ["doctor", "--aws-profile"],
        ["demo", "--help"],
    ],
)
def test_a_command_ends_without_a_traceback_when_its_reader_does(command: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "awslabs_dsql_mcp", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(60) == BROKEN_PIPE


@pytest.mark.skipif(os.name != "posix", reason="for the shell")
@pytest.mark.parametrize(
    ("words", "around", "status", "said"),
    [
        ("--version", ">&-", 0, ""),
        ("install cursor --print --local", "<&- >&-", 0, "This goes into"),
        ("clusters", "<&- >&- 2>&-", 1, ""),
        ("--cluster_endpoint x.example", "<&-", 0, ""),  # a server whose client has left
        ("doctor", ">/dev/full", 1, "the output cannot be written: No space left on device"),
        ("install cursor --print --local", "", 1, "the current folder is not there any more"),
    ],
)
def test_what_is_around_a_command_is_no_fault_of_its_own(
    words: str, around: str, status: int, said: str, tmp_path: Path
) -> None:
    gone = "" if around else f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone;"
    command = f"{gone} {shlex.quote(sys.executable)} -m awslabs_dsql_mcp {words} {around}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["sh", "-c", command],
        env=environment | {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert said in done.stderr
