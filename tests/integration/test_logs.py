"""What the operator reads: the log on stderr, and the audit log."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import stdio_client

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.server.calls.audit_log import AuditLog
from conftest import ServerOn
from support.client_helpers import call

SECRET = "hunter-two"  # noqa: S105 - a value that must not be told


def records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def logged(on_cluster: ServerOn, tmp_path: Path, *flags: str, **variables: str) -> list[str]:
    """Run a few calls, and give the lines of the log."""
    start = on_cluster(*flags)
    start.env = {**(start.env or {}), **variables}
    with (tmp_path / "log").open("w+", encoding="utf-8") as errors:
        async with Client(stdio_client(start, errlog=errors)) as client:
            await call(client, "readonly_query", sql="SELECT %s\nAS it", params=[SECRET])
            await call(client, "readonly_query", sql="SELECT nope")
        errors.seek(0)
        return errors.read().splitlines()


async def test_the_log_says_nothing_of_what_goes_well(on_cluster: ServerOn, tmp_path: Path) -> None:
    assert await logged(on_cluster, tmp_path) == []


@pytest.mark.parametrize(
    ("flags", "variables"), [(["--log-level", "INFO"], {}), ([], {"FASTMCP_LOG_LEVEL": "INFO"})]
)
async def test_at_info_each_call_is_told_without_its_sql(
    on_cluster: ServerOn, tmp_path: Path, flags: list[str], variables: dict[str, str]
) -> None:
    lines = await logged(on_cluster, tmp_path, *flags, **variables)
    assert [line for line in lines if "readonly_query: answered in " in line]
    assert [line for line in lines if "readonly_query: failed in " in line]
    assert f"started {__version__}, the local cluster, as admin, reading only" in lines[0]
    assert "SELECT" not in "".join(lines)


async def test_at_debug_sql_is_told_on_one_line_without_values(on_cluster: ServerOn, tmp_path: Path) -> None:
    lines = await logged(on_cluster, tmp_path, "--log-level", "DEBUG")
    assert [line for line in lines if "run BEGIN READ ONLY; SELECT $1 AS it" in line]
    assert SECRET not in "".join(lines)
    assert all(line[:4].isdigit() for line in lines)


async def test_the_audit_log_has_a_record_for_each_call(on_cluster: ServerOn, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    async with Client(on_cluster("--allow-writes", "--audit-log", str(file))) as client:
        await call(client, "readonly_query", sql="SELECT g FROM generate_series(1, %s) g", params=[3])
        await call(client, "transact", sql_list=["CREATE TABLE audited (id int)"])
        insert = "INSERT INTO audited VALUES (%s), (2)"
        tried = await call(client, "transact", sql_list=[insert], params_list=[[1]], dry_run=True)
        token = tried.facts["dry_run_token"]
        await call(client, "transact", sql_list=[insert], params_list=[[1]], dry_run_token=token)
        await call(client, "readonly_query", sql="SELECT nope")
        await call(client, "get_schema", table_name="audited")
        await call(client, "nosuch")
    told = records(file)
    assert [(r["tool"], r["outcome"], r["attempts"], r["rows"]) for r in told] == [
        ("readonly_query", "done", 1, 3),
        ("transact", "committed", 1, None),
        ("transact", "rolled_back", 1, 2),
        ("transact", "committed", 1, 2),
        ("readonly_query", "failed", 1, None),
        ("get_schema", "done", 1, None),
        ("nosuch", "failed", 0, None),
    ]
    assert told[3]["sql"] == [insert]
    assert told[4]["error"] == {"code": "statement_failed", "sqlstate": "42703"}
    assert all(r["time"].endswith("Z") and r["ms"] >= 0 for r in told)
    assert "arguments" not in told[0]
    assert token not in file.read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_values_are_recorded_only_when_asked_for(on_cluster: ServerOn, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    async with Client(on_cluster("--audit-log", str(file), "--audit-parameters")) as client:
        await call(client, "readonly_query", sql="SELECT %s", params=[SECRET])
    assert records(file)[0]["arguments"] == {"params": [SECRET]}


async def test_calls_go_on_while_the_audit_log_cannot_be_written(
    on_cluster: ServerOn, tmp_path: Path
) -> None:
    file, aside = tmp_path / "calls.jsonl", tmp_path / "aside"
    start = on_cluster("--audit-log", str(file))
    with (tmp_path / "log").open("w+", encoding="utf-8") as errors:
        async with Client(stdio_client(start, errlog=errors)) as client:
            file.rename(aside)
            file.mkdir()  # what takes no record, for root neither
            for _ in range(2):
                assert not (await call(client, "readonly_query", sql="SELECT 1")).is_error
            file.rmdir()
            await call(client, "readonly_query", sql="SELECT 2")
        errors.seek(0)
        said = errors.read()
    assert said.count("the audit log cannot be written") == 1
    assert "the audit log is written again; 2 records are lost" in said
    lost, last = records(file)
    assert (lost["lost"], last["sql"]) == (2, ["SELECT 2"])


def test_a_server_whose_audit_log_cannot_be_written_does_not_start(tmp_path: Path) -> None:
    fifo = tmp_path / "calls"
    if sys.platform == "win32":
        pytest.skip("there is no such file on Windows")
    subprocess.run(["mkfifo", str(fifo)], check=True)
    command = [sys.executable, "-m", "awslabs_dsql_mcp", "--audit-log", str(fifo)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"awslabs-dsql-mcp: --audit-log: {fifo} cannot be written: ")


def test_the_file_is_moved_on_when_it_is_large_and_few_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    audit = AuditLog(file, parameters=False, largest=100, kept=2)
    for number in range(12):
        audit.write({"time": "2026-01-01T00:00:00.000Z", "number": number})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "calls.jsonl",
        "calls.jsonl.1",
        "calls.jsonl.2",
    ]
    kept = [r["number"] for name in (".2", ".1", "") for r in records(file.with_name(file.name + name))]
    assert kept == list(range(kept[0], 12))
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())


def test_several_servers_move_the_file_on_once(tmp_path: Path) -> None:
    file, servers, each = tmp_path / "calls.jsonl", 8, 300

    def serve(server: int) -> None:
        audit = AuditLog(file, parameters=False, largest=1_000, kept=200)
        for number in range(each):
            audit.write({"time": "2026-01-01T00:00:00.000Z", "number": server * each + number})

    with ThreadPoolExecutor(servers) as threads:
        list(threads.map(serve, range(servers)))
    written = list(tmp_path.iterdir())
    assert sorted(r["number"] for path in written for r in records(path)) == list(range(servers * each))
    assert [path.name for path in written if path != file and path.stat().st_size < 1_000] == []
