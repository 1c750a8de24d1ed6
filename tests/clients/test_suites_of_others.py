"""AWS's suites of its connector and adapters for Python pass on the local cluster, as on one on AWS.

PyPI has them beside each version. They take minutes, so only ``.ci/test -m suites tests/clients`` runs them.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster import client_env
from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir

PLUGIN = Path(__file__).parents[1] / "support" / "local_cluster" / "endpoint_name.py"
PORT = 5432  # which the settings of the suite for Django name
TOOLS = ("pytest", "pytest-asyncio", "pytest-mock", "python-dotenv", "setuptools")
DRIVERS = ("psycopg[binary,pool]", "psycopg2-binary", "asyncpg<0.31")  # 0.32's pool keeps an expired token

pytestmark = [
    pytest.mark.suites,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform == "win32", reason="the suites are for POSIX systems"),
]


@dataclass(frozen=True)
class Suite:
    """A suite of tests in a source distribution.

    Args:
        package: The package and its version.
        folder: The folder of the tests.
        passing: How many pass.
        needs: What it needs beside the drivers.
        driver: The driver that it uses, where it takes one.
    """

    package: str
    folder: str
    passing: int
    needs: tuple[str, ...] = ()
    driver: str = ""

    @property
    def source(self) -> str:
        """Folder of the source distribution."""
        return self.package.replace("-", "_").replace("==", "-")


SUITES = (
    Suite("aurora-dsql-python-connector==0.2.7", "tests/integration", 69),
    Suite("aurora-dsql-sqlalchemy==1.3.0", "test", 118, driver="psycopg"),
    Suite("aurora-dsql-sqlalchemy==1.3.0", "test", 117, driver="psycopg2"),
    Suite("aurora-dsql-django==0.7.0", "aurora_dsql_django/tests/integration", 3, ("django>=5.2,<6",)),
    Suite("aurora-dsql-tortoise-orm==0.2.0", "tests/integration", 210, ("tortoise-orm<1", "aerich")),
)


def run(
    *command: str | Path, folder: Path, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def bring(suite: Suite, folder: Path) -> Path:
    """Install the package with its needs, and unpack its suite; return Python's path."""
    run(sys.executable, "-m", "venv", "env", folder=folder)
    pip = (folder / "env" / "bin" / "python", "-m", "pip", "--quiet")
    commands = (
        (*pip, "install", *TOOLS, *DRIVERS, *suite.needs, suite.package),
        (*pip, "download", "--no-deps", "--no-binary", ":all:", suite.package),
        ("tar", "-xzf", f"{suite.source}.tar.gz"),
    )
    for command in commands:
        done = run(*command, folder=folder)
        if done.returncode:
            pytest.skip(f"{suite.package} could not be brought: {done.stderr[-200:]}")
    return pip[0]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: f"{suite.package} {suite.driver}".strip())
async def test_the_suite_passes(suite: Suite, tmp_path: Path) -> None:
    python = bring(suite, tmp_path)
    data_dir = DataDir(tmp_path / "data")
    try:
        async with local_cluster(data_dir.path, ClusterConfig(port=PORT)):
            variables = client_env.client_env(data_dir, PORT, None, "admin", datetime.now(timezone.utc))
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "CLUSTER_ENDPOINT": HOSTS[1],
                "CLUSTER_USER": "admin",
                "DRIVER": suite.driver,
                "DJANGO_SETTINGS_MODULE": "aurora_dsql_django.tests.test_settings",
                "SSL_CERT_FILE": str(data_dir.ca_file),
                "SSL_CERT_PATH": str(data_dir.ca_file),
                "PYTHONPATH": str(PLUGIN.parent),
                **variables,
            }
            command = (python, "-m", "pytest", "-q", "-p", PLUGIN.stem, suite.folder)
            done = run(*command, folder=tmp_path / suite.source, env=environment)
    except NotConfigured as failure:
        pytest.skip(f"port {PORT} is taken: {failure.message}")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert f"{suite.passing} passed" in done.stdout
