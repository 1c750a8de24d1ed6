"""The lines by which each client connects to a local cluster, in the environment of ``local --env``.

Clients of libpq need no more than that environment. Others lack one of its parts:

* the JVM sends no name without a dot (SNI), and has a file of hosts of its own: ``jdk.net.hosts.file``
  (JDK 9 and newer, ``java.net.InetAddress``); with it a JVM resolves no other name;
* AWS's connectors take a host without a dot for the id of a cluster, and make its endpoint's name of it;
  libpq finds that by PGHOSTADDR, Node.js by a module that is loaded first.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from awslabs_dsql_mcp.local_cluster.client_env import powershell
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir
from awslabs_dsql_mcp.local_cluster.endpoint.authentication import DATABASE


@dataclass(frozen=True)
class Line:
    """A line, and the place where it goes.

    Attributes:
        place: Where it goes, as a phrase.
        text: The line, in the language of that place; ``%(name)s`` stands for a value of `values`.
    """

    place: str
    text: str


_DSQL_ENGINE: Final = (
    'engine = create_dsql_engine(host=os.environ["PGHOST"], user=os.environ["PGUSER"], '
    'sslrootcert=os.environ["PGSSLROOTCERT"])'
)
_DJANGO: Final = """\
DATABASES = {"default": {
    "ENGINE": "aurora_dsql_django", "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"],
    "USER": os.environ["PGUSER"], "NAME": os.environ["PGDATABASE"],
    "OPTIONS": {"sslmode": "verify-full", "sslrootcert": os.environ["PGSSLROOTCERT"]},
}}"""
_JDBC: Final = (
    'DriverManager.getConnection("jdbc:postgresql://%(dotted)s:%(port)s/%(database)s'
    '?sslmode=verify-full&sslrootcert=%(ca_quoted)s", System.getenv("PGUSER"), System.getenv("PGPASSWORD"))'
)
_ASYNCPG: Final = (
    'connection = await aurora_dsql_asyncpg.connect("postgresql://%(user)s@%(host)s:%(port)s/%(database)s'
    '?region=%(region)s&sslmode=verify-full&sslrootcert=%(ca_quoted)s")'
)

CLIENTS: Final[Mapping[str, tuple[Line, ...]]] = {
    "psql": (Line("In the same shell", "psql"),),
    "psycopg": (
        Line("With psycopg", "connection = psycopg.connect()"),
        Line(
            "With AWS's connector, aurora_dsql_psycopg",
            'connection = aurora_dsql_psycopg.connect(host=os.environ["PGHOST"], user=os.environ["PGUSER"])',
        ),
    ),
    "asyncpg": (
        Line("With asyncpg", "connection = await asyncpg.connect()"),
        Line("With AWS's connector, aurora_dsql_asyncpg", _ASYNCPG),
    ),
    "sqlalchemy": (Line("With AWS's dialect, aurora_dsql_sqlalchemy", _DSQL_ENGINE),),
    "django": (Line("In settings.py, with AWS's adapter, aurora_dsql_django", _DJANGO),),
    "node": (
        Line("With node-postgres, pg", "const client = new pg.Client();"),
        Line("For AWS's connector, Node.js is started with", "node --require %(node_hosts)s"),
        Line(
            "With AWS's connector, @aws/aurora-dsql-node-postgres-connector",
            "const client = new AuroraDSQLClient({ host: process.env.PGHOST, port: process.env.PGPORT });",
        ),
        Line("With Postgres.js, postgres", 'const sql = postgres({ ssl: "verify-full" });'),
    ),
    "prisma": (
        Line("With @prisma/adapter-pg", "const prisma = new PrismaClient({ adapter: new PrismaPg({}) });"),
    ),
    "go": (Line("With pgx", 'connection, err := pgx.Connect(ctx, "")'),),
    "jdbc": (
        Line(
            "The JVM is started with this, and then resolves no other name",
            "java -Djdk.net.hosts.file=%(hosts)s",
        ),
        Line("With pgjdbc", _JDBC),
    ),
}
"""The lines of each client, by the name that the user gives."""


def lines(client: str, data_dir: DataDir, port: int, user: str) -> list[Line]:
    """Return the lines of a client of `CLIENTS` for one cluster.

    Args:
        client: The client's name.
        data_dir: The data directory of the cluster.
        port: The port of its endpoint.
        user: The role to log in as.
    """
    values = {
        "host": HOSTS[0],
        "dotted": HOSTS[1],
        "port": port,
        "database": DATABASE,
        "user": quote(user, safe=""),
        "region": data_dir.credentials().region,
        "ca_quoted": quote(data_dir.ca_file.as_posix(), safe="/"),
        "hosts": _argument(data_dir.hosts),
        "node_hosts": _argument(data_dir.node_hosts),
    }
    return [Line(line.place % values, line.text % values) for line in CLIENTS[client]]


def _argument(path: Path) -> str:
    """Quote a path for the command line of this system's shell."""
    return powershell(str(path)) if sys.platform == "win32" else shlex.quote(str(path))
