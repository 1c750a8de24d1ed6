"""The lines of ``local --for CLIENT``, by which the client itself connects and commits."""

import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.client_lines import CLIENTS
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.daemon.file_lock import locked
from support.local_cluster.logins import connect

CACHE = Path(os.environ.get("DSQL_TEST_CLIENTS", Path(__file__).parents[2] / ".clients")) / "drivers"
FROM_NPM = (
    "pg@8.23.1",
    "@aws/aurora-dsql-node-postgres-connector@0.1.9",
    "@aws-sdk/dsql-signer@3.1142.0",
    "@prisma/adapter-pg@7.10.1",
    "postgres@3.4.9",
)
OF_PGX = "github.com/jackc/pgx/v5@v5.7.5"
INSERT = "INSERT INTO visits VALUES ('{visitor}')"

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the lines are run in a POSIX shell"),
    pytest.mark.timeout(300),  # the first test of a kind brings its clients
]


@dataclass(frozen=True)
class Program:
    """A program that runs the lines of a client.

    Args:
        client: The client's name.
        line: Number of the line that connects, below that of the environment; the line before it starts the
            program where `starter` is true.
        text: The program: LINE stands for the line, INSERT for the statement of its transaction.
        language: Its language, which says how it is run.
        starter: True if the line before is the command that starts it.
    """

    client: str
    line: int
    text: str
    language: str
    starter: bool = False

    @property
    def visitor(self) -> str:
        """What the program writes of itself."""
        return f"{self.client} {self.line}"


PROGRAMS = (
    Program("psql", 0, "LINE -v ON_ERROR_STOP=1 -c 'BEGIN' -c \"INSERT\" -c COMMIT", "sh"),
    Program("psycopg", 0, 'LINE\nconnection.execute("INSERT")\nconnection.commit()', "python"),
    Program("psycopg", 1, 'LINE\nconnection.execute("INSERT")\nconnection.commit()', "python"),
    *(
        Program(
            "asyncpg",
            number,
            "async def main():\n"
            "    LINE\n"
            "    async with connection.transaction():\n"
            '        await connection.execute("INSERT")\n'
            "    await connection.close()\n"
            "asyncio.run(main())",
            "python",
        )
        for number in (0, 1)
    ),
    Program(
        "sqlalchemy",
        0,
        'LINE\nwith engine.begin() as connection:\n    connection.execute(sqlalchemy.text("INSERT"))',
        "python",
    ),
    Program(
        "django",
        0,
        "LINE\n"
        "django.conf.settings.configure(DATABASES=DATABASES)\n"
        "django.setup()\n"
        "with django.db.transaction.atomic(), django.db.connection.cursor() as cursor:\n"
        '    cursor.execute("INSERT")',
        "python",
    ),
    *(
        Program(
            "node",
            number,
            "LINE\n"
            "await client.connect();\n"
            'for (const step of ["BEGIN", "INSERT", "COMMIT"]) await client.query(step);\n'
            "await client.end();",
            "node",
            starter,
        )
        for number, starter in ((0, False), (2, True))
    ),
    Program("node", 3, "LINE\nawait sql.begin((sql) => sql`INSERT`);\nawait sql.end();", "node"),
    Program(
        "prisma",
        0,
        # A client is generated with programs that npm does not have; its adapter is what connects.
        "class PrismaClient { constructor(options) { Object.assign(this, options); } }\n"
        "LINE\n"
        "const adapter = await prisma.adapter.connect();\n"
        "const transaction = await adapter.startTransaction();\n"
        'for (const sql of ["INSERT", "COMMIT"])\n'
        "  await transaction.executeRaw({ sql, args: [], argTypes: [] });\n"
        "await transaction.commit();\n"
        "await adapter.dispose();",
        "node",
    ),
    Program(
        "go",
        0,
        "LINE\n"
        "if err != nil { panic(err) }\n"
        "defer connection.Close(ctx)\n"
        "err = pgx.BeginFunc(ctx, connection, func(transaction pgx.Tx) error {\n"
        '_, err := transaction.Exec(ctx, "INSERT"); return err })\n'
        "if err != nil { panic(err) }",
        "go",
    ),
    Program(
        "jdbc",
        1,
        "try (Connection connection = LINE; Statement statement = connection.createStatement()) {\n"
        "connection.setAutoCommit(false);\n"
        'statement.executeUpdate("INSERT");\n'
        "connection.commit();\n"
        "}",
        "java",
        starter=True,
    ),
)


# ---- running a program, by its language


def as_sh(text: str, _: Path, __: Sequence[str]) -> list[str]:
    if not shutil.which("psql"):
        pytest.skip("no psql on this machine")
    return ["sh", "-c", text]


def as_python(text: str, _: Path, __: Sequence[str]) -> list[str]:
    modules = (
        "os, asyncio, asyncpg, psycopg, aurora_dsql_psycopg, aurora_dsql_asyncpg, sqlalchemy, "
        "django.conf, django.db, django.db.transaction"
    )
    dialect = "from aurora_dsql_sqlalchemy import create_dsql_engine"
    return [sys.executable, "-W", "ignore", "-c", f"import {modules}\n{dialect}\n{text}"]


def as_node(text: str, folder: Path, starter: Sequence[str]) -> list[str]:
    if not shutil.which("npm"):
        pytest.skip("no npm on this machine")
    modules, done = CACHE / "node_modules", CACHE / "installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "lock", timeout=250):
        if not done.exists() or done.read_text() != " ".join(FROM_NPM):
            (CACHE / "package.json").write_text('{"private": true}')
            flags = (
                "--no-audit",
                "--no-fund",
                "--no-package-lock",
                "--ignore-scripts",
                "--prefix",
                str(CACHE),
            )
            bring(["npm", "install", *flags, *FROM_NPM])
            done.write_text(" ".join(FROM_NPM))
    (folder / "node_modules").symlink_to(modules)
    program = folder / "program.mjs"
    program.write_text(
        'import pg from "pg";\nimport postgres from "postgres";\n'
        'import { PrismaPg } from "@prisma/adapter-pg";\n'
        f'import {{ AuroraDSQLClient }} from "@aws/aurora-dsql-node-postgres-connector";\n{text}\n'
    )
    return [*(starter or ["node"]), str(program)]


def as_go(text: str, folder: Path, _: Sequence[str]) -> list[str]:
    if not shutil.which("go"):
        pytest.skip("no Go on this machine")
    (folder / "main.go").write_text(
        'package main\nimport ("context"; "github.com/jackc/pgx/v5")\n'
        f"func main() {{\nctx := context.Background()\n{text}\n}}\n"
    )
    for command in (["mod", "init", "program"], ["get", OF_PGX]):
        bring(["go", "-C", str(folder), *command])
    return ["go", "-C", str(folder), "run", "."]


def as_java(text: str, folder: Path, starter: Sequence[str]) -> list[str]:
    if not shutil.which("java"):
        pytest.skip("no Java on this machine")
    program = folder / "Program.java"
    program.write_text(
        "import java.sql.*;\npublic class Program {\n"
        "public static void main(String[] none) throws Exception {\n"
        f"{text}\n}} }}\n"
    )
    return [*starter, "-cp", str(pgjdbc(folder)), str(program)]


def pgjdbc(folder: Path) -> Path:
    """Find the driver where Debian installs it, or take it out of Debian's package."""
    within = Path("usr/share/java/postgresql.jar")
    if (installed := Path("/") / within).exists():
        return installed
    if not shutil.which("apt-get"):
        pytest.skip("no pgjdbc on this machine, nor Debian's packages")
    bring(["sh", "-c", "apt-get download -q libpostgresql-jdbc-java && dpkg -x *.deb ."], folder)
    return folder / within


def bring(command: Sequence[str], folder: Path | None = None) -> None:
    """Bring a client to this machine, or skip the test."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} could not bring the client: {done.stderr[-200:]}")


RUNNERS: Mapping[str, Callable[[str, Path, Sequence[str]], list[str]]] = {
    "sh": as_sh,
    "python": as_python,
    "node": as_node,
    "go": as_go,
    "java": as_java,
}


# ---- the tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("it's 100% here") / "data"


@pytest.fixture(scope="module")
async def reached(folder: Path) -> AsyncIterator[LocalCluster]:
    async with local_cluster(folder) as running:
        yield running


@pytest.fixture
def visits(reached: LocalCluster) -> Iterator[psycopg.Connection]:
    with connect(reached) as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS visits (visitor text PRIMARY KEY)")
        yield admin


def blocks(capsys: pytest.CaptureFixture[str], data: Path, client: str) -> list[str]:
    """The lines that the command prints: that of the environment, then the client's, without their places."""
    assert main(["--local-data", str(data), "--for", client]) == 0
    return capsys.readouterr().out.rstrip("\n").split("\n\n")[1::2]


def test_each_line_that_connects_is_tried() -> None:
    starters = {(program.client, program.line - 1) for program in PROGRAMS if program.starter}
    tried = {(program.client, program.line) for program in PROGRAMS} | starters
    assert tried == {(client, number) for client, lines in CLIENTS.items() for number in range(len(lines))}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.visitor)
def test_a_client_connects_by_its_lines_and_commits(
    program: Program,
    visits: psycopg.Connection,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment, *lines = blocks(capsys, folder, program.client)
    starter = shlex.split(lines[program.line - 1]) if program.starter else []
    line = lines[program.line]
    if program.text.startswith("async def"):
        line = textwrap.indent(line, "    ").lstrip()
    text = program.text.replace("INSERT", INSERT.format(visitor=program.visitor)).replace("LINE", line)
    command = RUNNERS[program.language](text, tmp_path, starter)
    done = subprocess.run(
        ["sh", "-c", f"{environment}\nexec {shlex.join(command)}"],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    query = "SELECT count(*) FROM visits WHERE visitor = %s"
    assert visits.execute(query, [program.visitor]).fetchone() == (1,)
