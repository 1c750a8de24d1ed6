"""What clients list of a local cluster is what a cluster has, and the user's own."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres import discovery
from support.local_cluster.dump_proxy import dump_proxy
from support.local_cluster.logins import connect, parameters, token

ARN = "arn:aws:iam::123456789012:role/app"
OURS = ("_dsql_", "local_superuser", "local_job", "template")
"""Words of which no client is told, whatever it lists."""

FUNCTIONS = (
    *("base32_str_to_uuid", "cluster_size", "cluster_size_limit", "current_session_id"),
    *("dsql_major_version", "iam_session_user", "uuid_to_base32_str", "wait_for_job"),
)
CLUSTER_FUNCTIONS = {
    *("base32_str_to_uuid", "base_type_oid", "cluster_size", "cluster_size_limit", "current_session_id"),
    *("current_transaction_id", "decode_job_ext_status", "decode_job_statement", "decode_job_status"),
    *("dsql_major_version", "fetch_seq_data_tuple", "get_key_desc", "iam_session_user", "job_err_msg"),
    *("supported_datatypes", "uuid_to_base32_str", "wait_for_job"),
}
"""Functions of schema ``sys``, as seen on a cluster in September 2026."""

VIEWS = ("iam_pg_role_mappings", "jobs")

LISTED: dict[str, list[str]] = {
    r"\dtv own.*": ["own.kept", "own.seen"],
    r"\di own.*": ["own.kept_pkey", "own.kept_v_idx"],
    r"\df sys.*": [f"sys.{name}" for name in FUNCTIONS],
    r"\dfp sys.*": ["sys.wait_for_job"],
    r"\dv sys.*": [f"sys.{name}" for name in VIEWS],
    r"\dp sys.*": [f"sys.{name}" for name in VIEWS],
    r"\d": [],
    r"\df": [],
    r"\dn": ["own", "public", "sys"],
    r"\dnS": ["information_schema", "own", "pg_catalog", "pg_toast", "public", "sys"],
    r"\du": ["admin", "app"],
    r"\dg": ["admin", "app"],
    r"\l": ["postgres"],
    r"\db": ["pg_default", "pg_global"],
    r"\dx": ["plpgsql"],
    **{rf"\{kind} sys.*": [] for kind in ("dt", "ds", "di", "dm", "dT", "da", "do", "dc")},
    **{rf"\{kind}": [] for kind in ("ds *.*", "dm *.*", "dD own.*", "dy", "drds", "ddp", "dRp", "dX")},
}
"""Names that psql lists, by its command; of those in a schema, with it."""

NAMELESS = (r"\dn+", r"\l+", r"\db+", r"\du+", r"\d+", r"\df+ sys.*", r"\dv+ sys.*", r"\dconfig *dsql.max*")
"""Listings with privileges and sizes, of which it is seen that they work and name nothing of ours."""

OF_THE_SYSTEM = (r"\dfS", r"\daS", r"\dS", r"\dtvisS", r"\dTS", r"\doS")
"""Listings of what PostgreSQL has itself."""


@dataclass
class Cluster:
    """A local cluster, and PostgreSQL's socket, behind the endpoint."""

    dsql: LocalCluster
    socket: Path


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    data = tmp_path_factory.mktemp("listed") / "data"
    async with local_cluster(data) as dsql:
        with connect(dsql) as admin:
            for statement in (
                *("CREATE ROLE app WITH LOGIN", f"AWS IAM GRANT app TO '{ARN}'", "CREATE SCHEMA own"),
                "CREATE TABLE own.kept (id int PRIMARY KEY, v text)",
                "CREATE VIEW own.seen AS SELECT v FROM own.kept",
                "INSERT INTO own.kept VALUES (-1, 'one'), (-2, NULL)",
            ):
                admin.execute(statement.encode())
            job = admin.execute("CREATE INDEX ASYNC ON own.kept (v)").fetchone()
            admin.execute("CALL sys.wait_for_job(%s)", job)
            admin.execute("CREATE TABLE own.gone (id int)")
            admin.execute("DROP TABLE own.gone")
        yield Cluster(dsql, DataDir.of(data).postgres)


@pytest.fixture
def admin(cluster: Cluster) -> psycopg.Connection:
    return connect(cluster.dsql)


async def run(program: Path, *arguments: str, **environment: str) -> str:
    """Run a program of PostgreSQL's; return what it says."""
    done = await asyncio.to_thread(
        subprocess.run,
        [program, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


async def by_psql(cluster: Cluster, where: str, command: str) -> list[list[str]]:
    """Run a command of psql's, the system's through the endpoint or the wheel's past it; return rows."""
    if where == "endpoint":
        found = shutil.which("psql")
        if found is None:
            pytest.skip("no psql on this machine")
        program = Path(found)
        given = parameters(cluster.dsql)
        given["database"] = given.pop("dbname")
        environment = {f"PG{name.upper()}": value for name, value in given.items()}
    else:
        program = discovery.find().root / "bin" / "psql"
        environment = {"PGHOST": str(cluster.socket), "PGUSER": "admin", "PGDATABASE": "postgres"}
        if not program.exists() or not cluster.socket.is_dir():
            pytest.skip("this PostgreSQL has no psql, or no socket")
    said = await run(program, "-X", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-c", command, **environment)
    return [row.split("\x1f") for row in said.rstrip("\n").split("\x1e") if row]


@pytest.mark.parametrize("command", LISTED)
@pytest.mark.parametrize("where", ["endpoint", "socket"])
async def test_psql_lists_what_a_cluster_has(cluster: Cluster, where: str, command: str) -> None:
    rows = await by_psql(cluster, where, command)
    in_schema = "." in command
    names = [f"{row[0]}.{row[1]}" if in_schema else row[0] for row in rows]
    assert names == LISTED[command]
    assert not [row for row in rows if any(word in cell for cell in row for word in OURS)]


@pytest.mark.parametrize("command", NAMELESS)
@pytest.mark.parametrize("where", ["endpoint", "socket"])
async def test_psqls_longer_listings_work_and_name_nothing_of_ours(
    cluster: Cluster, where: str, command: str
) -> None:
    if "config" in command and where == "endpoint":
        pytest.skip("a command of psql 15 and later")
    rows = await by_psql(cluster, where, command)
    assert not [row for row in rows if any(word in cell for cell in row for word in OURS)]


@pytest.mark.parametrize("command", OF_THE_SYSTEM)
@pytest.mark.parametrize("where", ["endpoint", "socket"])
async def test_psqls_listings_of_the_system_have_nothing_of_ours(
    cluster: Cluster, where: str, command: str
) -> None:
    rows = await by_psql(cluster, where, command)
    assert len(rows) > 50  # such as 139 aggregates
    assert not [row for row in rows if any("_dsql_" in cell for cell in row)]


async def test_privileges_on_schemas_are_not_the_local_clusters_own(cluster: Cluster) -> None:
    """A mapping of app to an IAM role keeps the role from being dropped, and shows nowhere."""
    privileges = {row[0]: row[2] for row in await by_psql(cluster, "socket", r"\dn+")}
    assert "app" not in privileges["sys"] + privileges["public"]
    with (
        connect(cluster.dsql) as admin,
        pytest.raises(psycopg.errors.DependentObjectsStillExist) as raised,
    ):
        admin.execute("DROP ROLE app")
    assert raised.value.diag.message_detail is None


async def dump(cluster: Cluster, port: int, *arguments: str) -> str:
    """Run the wheel's pg_dump through a proxy; return what it writes."""
    program = discovery.find().root / "bin" / "pg_dump"
    if not program.exists():
        pytest.skip("this PostgreSQL has no pg_dump")
    where = f"host=127.0.0.1 port={port} dbname=postgres user=admin"
    return await run(program, *arguments, where, PGPASSWORD=token(cluster.dsql))


@pytest.mark.parametrize("arguments", [[], ["--schema-only"], ["--create"], ["-s", "-N", "sys"]], ids=str)
async def test_a_dump_has_the_users_objects_and_no_others(cluster: Cluster, arguments: list[str]) -> None:
    async with dump_proxy(cluster.dsql, prepares=True) as port:
        said = await dump(cluster, port, *arguments)
    made = [line for line in said.splitlines() if line.startswith(("CREATE", "GRANT", "REVOKE", "COMMENT"))]
    assert [line for line in made if " DATABASE " not in line] == [
        "CREATE SCHEMA own;",
        "CREATE TABLE own.kept (",
        "CREATE VIEW own.seen AS",
        "CREATE INDEX kept_v_idx ON own.kept USING btree (v);",
    ]
    assert not [word for word in ("_dsql_", "local_", "sys.") if word in said]


async def test_pg_dump_works_as_awss_proxy_has_it(cluster: Cluster) -> None:
    async with dump_proxy(cluster.dsql) as port:
        said = await dump(cluster, port, "-Fp", "--no-owner", "--no-privileges")
    assert "COPY own.kept (id, v) FROM stdin;\n-1\tone\n-2\t\\N\n\\.\n" in said
    assert "CREATE INDEX kept_v_idx ON own.kept USING btree (v);" in said
    assert "dump complete" in said


def test_a_dump_prepares_nothing_for_the_functions_of_sys(admin: psycopg.Connection) -> None:
    # pg_dump does so for a function with privileges of its own; a cluster refuses PREPARE.
    prepared = "SELECT proname FROM pg_proc WHERE pronamespace = 'sys'::regnamespace AND proacl IS NOT NULL"
    with admin:
        assert admin.execute(prepared.encode()).fetchall() == []
        assert admin.execute("SELECT sys.dsql_major_version() IS NOT NULL").fetchone() == (True,)


JDBC: dict[str, tuple[str, list[str]]] = {
    "getSchemas": (
        "SELECT nspname FROM pg_namespace WHERE nspname <> 'pg_toast' AND nspname !~ '^pg_(toast_)?temp_'",
        ["information_schema", "own", "pg_catalog", "public", "sys"],
    ),
    "getCatalogs": ("SELECT datname FROM pg_database WHERE datallowconn", ["postgres"]),
    "getTables": (
        (
            "SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind IN ('r', 'v', 'p', 'f', 'm', 'i', 'S') AND nspname !~ '^pg_' "
            "AND nspname <> 'information_schema'"
        ),
        ["own.kept", "own.kept_pkey", "own.kept_v_idx", "own.seen", "sys.iam_pg_role_mappings", "sys.jobs"],
    ),
    "getTables of type SEQUENCE": ("SELECT relname FROM pg_class WHERE relkind = 'S'", []),
    "getFunctions of sys": (
        (
            "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace "
            "WHERE nspname LIKE 'sys' AND prokind = 'f'"
        ),
        list(FUNCTIONS[:-1]),
    ),
    "getProcedures": (
        "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE prokind = 'p'",
        ["wait_for_job"],
    ),
    "getColumns of a name": (
        (
            "SELECT nspname || '.' || relname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid "
            "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname <> 'pg_catalog' AND attname = 'job_id'"
        ),
        ["sys.jobs"],
    ),
    "roles": ("SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'", ["admin", "app"]),
    "users": ("SELECT usename FROM pg_user WHERE usename NOT LIKE 'pg\\_%'", ["admin", "app"]),
    "settings of roles": ("SELECT setrole::text FROM pg_db_role_setting", []),
    "triggers of users": ("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal", []),
    "event triggers": ("SELECT evtname FROM pg_event_trigger", []),
    "information_schema.schemata": (
        "SELECT schema_name FROM information_schema.schemata",
        ["information_schema", "own", "pg_catalog", "public", "sys"],
    ),
    "information_schema.tables": (
        (
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ),
        ["own.kept", "own.seen", "sys.iam_pg_role_mappings", "sys.jobs"],
    ),
    "information_schema.routines": (
        (
            "SELECT routine_name FROM information_schema.routines "
            "WHERE routine_schema NOT IN ('pg_catalog', 'information_schema')"
        ),
        list(FUNCTIONS),
    ),
    "information_schema.sequences": ("SELECT sequence_name FROM information_schema.sequences", []),
    "information_schema.triggers": ("SELECT trigger_name FROM information_schema.triggers", []),
    "information_schema.role_usage_grants": (
        "SELECT object_name FROM information_schema.role_usage_grants WHERE object_type <> 'COLLATION'",
        [],
    ),
}
"""Questions like those of drivers, by the method of JDBC's that asks, and the names in the answer."""


@pytest.mark.parametrize("asked", JDBC)
def test_drivers_find_what_a_cluster_has(admin: psycopg.Connection, asked: str) -> None:
    question, expected = JDBC[asked]
    with admin:
        assert sorted(name for (name,) in admin.execute(question.encode())) == expected


def test_system_objects_have_an_owner_and_a_prefix(admin: psycopg.Connection) -> None:
    made = """
SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND oid > 'admin'::regrole
"""
    with admin:
        owner = admin.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'sys'")
        assert owner.fetchone() == ("pg_superuser",)
        assert {name[:6] for (name,) in admin.execute(made)} == {"_dsql_"}


def test_the_functions_of_sys_are_those_of_a_cluster() -> None:
    assert set(FUNCTIONS) <= CLUSTER_FUNCTIONS


def test_sqlalchemy_reflects_what_a_cluster_has(cluster: Cluster) -> None:
    engine = sqlalchemy.create_engine("auroradsql+psycopg://", creator=lambda: connect(cluster.dsql))
    try:
        found = sqlalchemy.inspect(engine)
        assert found.get_schema_names() == ["information_schema", "own", "public", "sys"]
        assert (found.get_table_names("sys"), found.get_sequence_names("sys")) == ([], [])
        assert sorted(found.get_view_names("sys")) == list(VIEWS)
        assert (found.get_table_names(), found.get_view_names(), found.get_sequence_names()) == ([], [], [])
        assert (found.get_table_names("own"), found.get_view_names("own")) == (["kept"], ["seen"])
    finally:
        engine.dispose()


FAILING = {
    "CREATE INDEX ASYNC ON own.kept (nothing)": "42703",
    "CREATE INDEX ASYNC ON own.nothing (v)": "42P01",
    "CREATE INDEX ASYNC kept_v_idx ON own.kept (v)": "42P07",
    "CREATE UNIQUE INDEX ASYNC ON own.kept (v, v || v)": "42601",
    "CREATE INDEX ASYNC ON own.kept ((v || nothing))": "42703",
    "ALTER TABLE own.kept DROP CONSTRAINT nothing": "42704",
    "ALTER TABLE own.kept DROP CONSTRAINT kept_pkey": "0A000",
    "ALTER TABLE own.kept DROP COLUMN id": "0A000",
    "ALTER TABLE own.kept DROP COLUMN nothing": "42703",
    "ALTER TABLE own.kept DROP COLUMN v": "2BP01",
    "ALTER TABLE ASYNC own.kept VALIDATE CONSTRAINT nothing": "42704",
    "ALTER TABLE ASYNC own.nothing VALIDATE CONSTRAINT c": "42P01",
    "AWS IAM GRANT nobody TO 'arn:aws:iam::123456789012:role/app'": "42704",
    "AWS IAM GRANT app TO 'app'": "22023",
    "AWS IAM REVOKE local_job_1 FROM 'arn:aws:iam::123456789012:role/app'": "42704",
    "INSERT INTO own.kept SELECT generate_series(1, 3001)": "54000",
    "INSERT INTO own.kept VALUES (1, repeat('x', 2000000))": "54000",
    "SELECT set_config(lower('DSQL.max_rows'), '9', false)": "0A000",
    "CALL sys.wait_for_job('x')": "22P02",
    "SELECT sys.base32_str_to_uuid('x')": "22P02",
    "SELECT sys.shadow(NULL, 'kept', NULL)": "42883",
    "SELECT sys._limit('max_rows', 1)": "42883",
    "SELECT * FROM sys._jobs": "42P01",
    "DROP SCHEMA sys": "42501",
    "DROP VIEW sys.jobs": "42501",
    "DROP ROLE app": "2BP01",
    "CREATE TABLE own.wide (v varchar(3000) PRIMARY KEY)": "54000",
}
"""Statements that fail in what the local cluster makes of them, by the SQLSTATE."""


@pytest.mark.parametrize("statement", FAILING)
def test_errors_name_nothing_of_ours(admin: psycopg.Connection, statement: str) -> None:
    with admin, pytest.raises(psycopg.Error) as raised:
        admin.execute(statement.encode())
    assert raised.value.sqlstate == FAILING[statement]
    assert _of_ours(raised.value.diag) == {}


def test_a_notice_names_nothing_of_ours(admin: psycopg.Connection) -> None:
    told: list[tuple[str | None, dict[str, str]]] = []
    admin.add_notice_handler(lambda notice: told.append((notice.message_primary, _of_ours(notice))))
    with admin:
        admin.execute("CREATE INDEX ASYNC IF NOT EXISTS kept_v_idx ON own.kept (v)")
    assert told == [('relation "kept_v_idx" already exists, skipping', {})]


def _of_ours(diagnostic: psycopg.errors.Diagnostic) -> dict[str, str]:
    """What of an error or a notice names, or comes from within, a function that no cluster has."""
    inner = ("context", "source_file", "source_line", "source_function", "internal_query")
    texts = {name: getattr(diagnostic, name) for name in dir(diagnostic) if not name.startswith("_")}
    return {
        name: text
        for name, text in texts.items()
        if isinstance(text, str) and (name in inner or "_dsql_" in text or "pg_superuser" in text)
    }
