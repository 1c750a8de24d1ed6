"""A command whose output nobody reads any more, as with ``| head``."""

import subprocess
import sys

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
