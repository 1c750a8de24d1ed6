"""The doctor as a command: a good configuration, its JSON, and how it reads."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from awslabs_dsql_mcp.doctor.format import WIDTH, as_line, as_summary
from awslabs_dsql_mcp.doctor.report import CheckOutcome, CheckResult, exit_status
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import server
from support.local_cluster.logins import connect

CHECKS = [
    "Settings", "Local PostgreSQL", "AWS credentials", "Region", "Cluster", "DNS", "TCP", "TLS", "Clock",
    "Token", "Login", "Identity", "Server", "Privileges", "Read-only read", "Pipelining", "Knowledge server",
]  # fmt: skip
FIELDS = ["name", "state", "seconds", "says", "code", "remedy", "details"]


async def run(*flags: str, **environment: str) -> tuple[int, str, str]:
    start = server("doctor", *flags, **environment)
    process = await asyncio.create_subprocess_exec(
        start.command,
        *start.args,
        env=start.env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
def reader_flags(cluster: LocalCluster, cluster_folder: Path, knowledge: str) -> list[str]:
    with connect(cluster) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'doctor_agent'").fetchone():
            admin.execute("CREATE ROLE doctor_agent WITH LOGIN")
            admin.execute("AWS IAM GRANT doctor_agent TO 'arn:aws:iam::123456789012:role/agent'")
        admin.execute("CREATE TABLE IF NOT EXISTS doctor_seen (id int PRIMARY KEY)")
        admin.execute("GRANT SELECT ON doctor_seen TO doctor_agent")
    where = ["--local", "--local-data", str(cluster_folder), "--knowledge-server", knowledge]
    return [*where, "--database_user", "doctor_agent", "--connect-timeout", "20"]


async def test_all_is_good_on_the_local_cluster(reader_flags: list[str]) -> None:
    status, out, err = await run(*reader_flags, PYTHONIOENCODING="utf-8")
    lines = [line for line in out.splitlines() if line.startswith("✓ ")]
    assert [line[2:18].strip() for line in lines] == CHECKS, out
    assert "The local cluster, as doctor_agent, reading only." in " ".join(out.split())
    assert out.splitlines()[-1] == "All 17 checks passed."
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= WIDTH


async def test_the_same_for_programs(reader_flags: list[str], cluster: LocalCluster) -> None:
    status, out, _ = await run(*reader_flags, "--json")
    told = json.loads(out)
    assert sorted(told) == ["checks", "ok", "version"]
    assert told["ok"] is True
    assert [check["name"] for check in told["checks"]] == CHECKS
    assert {tuple(check) for check in told["checks"]} == {tuple(FIELDS)}
    assert {check["state"] for check in told["checks"]} == {"ok"}
    assert all(isinstance(check["seconds"], float) for check in told["checks"])
    assert status == 0
    assert cluster.secret_key not in out
    assert "X-Amz-Signature" not in out


async def test_what_fails_is_in_the_status() -> None:
    status, out, err = await run("--cluster_endpoint", "https://x", PYTHONIOENCODING="utf-8")
    assert status == 1
    assert out.startswith("✗ Settings")
    assert err == ""


async def test_a_terminal_without_our_signs_gets_others() -> None:
    _, out, _ = await run("--cluster_endpoint", "https://x", PYTHONIOENCODING="ascii")
    assert out.startswith("x Settings")


async def test_help_names_the_status() -> None:
    status, out, _ = await run("--help")
    assert status == 0
    assert "The exit status is 0" in out


@pytest.mark.skipif(sys.platform == "win32", reason="another search path")
async def test_the_extra_is_missing(tmp_path: Path) -> None:
    hide = tmp_path / "sitecustomize.py"
    hide.write_text("import sys\nsys.modules['psutil'] = None\n")
    status, out, _ = await run(
        "--local", "--json", "--knowledge-server", "http://127.0.0.1:9/", PYTHONPATH=str(tmp_path)
    )
    (failure,) = [check for check in json.loads(out)["checks"] if check["state"] == "failed"]
    assert (status, failure["name"], failure["code"]) == (1, "Local PostgreSQL", "no_local_extra")
    assert "awslabs-dsql-mcp[local]" in failure["remedy"]


def test_a_finding_reads_well() -> None:
    verdict = CheckOutcome(
        "Nothing listens at 127.0.0.1 port 5432: refused.", "failed", "refused", "Check PGPORT."
    )
    assert as_line(CheckResult("TCP", 0.0123, verdict)) == (
        "✗ TCP                12 ms  Nothing listens at 127.0.0.1 port 5432: refused.\n"
        "                            → Check PGPORT."
    )


def test_the_summary_counts() -> None:
    good, bad = (
        CheckResult("A", 0, CheckOutcome("a")),
        CheckResult("B", 0, CheckOutcome("b", "failed", "b", "Do.")),
    )
    odd = CheckResult("C", 0, CheckOutcome("c", "warning", "c", "Do.", "CREATE ROLE"))
    assert as_summary([good]) == "\nAll 1 checks passed."
    assert as_summary([good, bad, odd]) == "\nCREATE ROLE\n\n3 checks: 1 failed, 1 with a warning."
    assert (exit_status([good, odd]), exit_status([good, bad])) == (0, 1)


async def test_each_of_several_clusters_is_examined(tmp_path: Path) -> None:
    file = tmp_path / "clusters.toml"
    folder = json.dumps(str(tmp_path / "dev"))
    file.write_text(
        f"[clusters.dev]\nlocal = true\nlocal-data = {folder}\n"
        '[clusters.prod]\ncluster_endpoint = "abcdefghijklmnopqrstuvwxyz.dsql.invalid-1.on.aws"\n'
    )
    _, told, _ = await run("--config", str(file), "--json")
    states = {(check["cluster"], check["name"]): check["state"] for check in json.loads(told)["checks"]}
    assert states["dev", "Login"] == "ok"
    assert (states["prod", "DNS"], states["prod", "Login"]) == ("failed", "skipped")
    _, read, _ = await run("--config", str(file), PYTHONIOENCODING="utf-8")
    assert [line for line in read.splitlines() if line in ("dev", "prod")] == ["dev", "prod"]


async def test_it_looks_as_a_client_will(reader_flags: list[str], tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true"}
    remote = (
        "--cluster_endpoint",
        "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws",
        "--region",
        "us-east-1",
    )
    found = dict[str, dict[str, str]]()
    for client in ("claude-code", "gemini"):
        _, out, _ = await run(
            "--as", client, *remote, *reader_flags[3:], "--json", HOME=str(tmp_path), **keys
        )
        checks = {check["name"]: check for check in json.loads(out)["checks"]}
        assert checks["Settings"]["says"].startswith("As ")
        found[client] = checks["AWS credentials"]
    assert found["claude-code"]["state"] == "ok"
    assert found["gemini"]["code"] == "no_credentials"
