"""No user's code is ever run by the superuser: attacks, as somebody who has read the source would try them.

Each attack is made past the endpoint, where no dialect refuses anything. Its code counts in a sequence, which
no rollback undoes, whenever it finds itself run by a superuser.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.postgres import discovery, server, superuser
from support.local_cluster.requirements import TOML
from support.superuser import Connection, connected, rows, value, wait, working

FILE = Path(__file__).with_name("attacks.toml")
KNOWN: dict[str, Any] = TOML.loads(FILE.read_text(encoding="utf-8"))
ATTACKS: dict[str, list[str]] = KNOWN["attacks"]
_NUMBERS = count(1)


async def finished(connection: Connection) -> None:
    """Wait for all jobs."""
    for (job,) in await rows(connection, "SELECT job_id FROM sys.jobs"):
        await wait(connection, job)


@dataclass
class Attacker:
    """A role without any privilege but a schema of its own, and that schema's name."""

    connection: Connection
    me: str

    async def tries(self, statements: list[str]) -> None:
        """Run statements; what is refused is passed over, as is the block that it fails."""
        for statement in statements:
            if statement == "+jobs":
                await finished(self.connection)
            elif statement.startswith("+"):
                await self.tries(KNOWN[statement[1:]])
            else:
                await self._tries(statement)

    async def _tries(self, statement: str) -> None:
        with suppress(psycopg.Error):
            await self.runs(statement)
        if self.connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            await self.connection.execute("ROLLBACK")

    async def runs(self, statement: str) -> None:
        """Run a statement that must succeed."""
        await self.connection.execute(statement.replace("@me", self.me).encode())

    async def ends_up_as(self, boss: Connection) -> tuple[object, object]:
        """Say if its code was run by the superuser, and if it has become one."""
        climbed = await value(boss, "SELECT pg_sequence_last_value(%s::regclass)", f"{self.me}.climbed")
        return climbed, await value(boss, "SELECT rolsuper FROM pg_roles WHERE rolname = %s", self.me)


@pytest.fixture
async def attacker(admin: Connection, inner: server.Server) -> AsyncIterator[Attacker]:
    me = f"mallory_{next(_NUMBERS)}"
    await admin.execute(f"CREATE ROLE {me} WITH LOGIN".encode())
    await admin.execute(f"GRANT {me} TO admin".encode())
    await admin.execute(f"CREATE SCHEMA {me} AUTHORIZATION {me}".encode())
    async with connected(inner, me) as connection:
        found = Attacker(connection, me)
        for statement in KNOWN["prepared"]:
            await found.runs(statement)
        yield found
    await admin.execute(f"DROP SCHEMA {me} CASCADE".encode())


@pytest.mark.parametrize("name", ATTACKS)
async def test_no_code_of_a_user_is_run_by_the_superuser(
    name: str, attacker: Attacker, admin: Connection, inner: server.Server
) -> None:
    async with working(inner), await superuser.connect(inner.address) as boss:
        await attacker.tries(ATTACKS[name])
        await finished(admin)
        assert await attacker.ends_up_as(boss) == (None, False)


@pytest.mark.parametrize("where", ["", " IN DATABASE postgres"])
async def test_a_job_leaves_no_setting_for_the_jobs_of_others(
    where: str, attacker: Attacker, admin: Connection, inner: server.Server
) -> None:
    await attacker.runs(
        "CREATE FUNCTION @me.stay(text) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT @me.leave();"
        f" ALTER ROLE CURRENT_USER{where} SET search_path = @me; SELECT true $$"
    )
    await attacker.runs("ALTER TABLE @me.t ADD CONSTRAINT c CHECK (@me.stay(v)) NOT VALID")
    async with working(inner), await superuser.connect(inner.address) as boss:
        job = await value(
            attacker.connection,
            f"SELECT _dsql_validate_constraint_async('ALTER TABLE {attacker.me}.t VALIDATE CONSTRAINT c')",
        )
        await finished(admin)
        workers = await rows(boss, "SELECT oid FROM pg_authid WHERE rolname ~ '^local_job_'")
        assert len(workers) == len(server.JOB_ROLES)
        for (worker,) in workers:
            left = "SELECT setconfig FROM _dsql_db_role_setting WHERE setrole = %s"
            assert await rows(boss, left, worker) == []
            assert await rows(boss, "SELECT FROM pg_auth_members WHERE member = %s", worker) == []
        assert await rows(admin, "SELECT status, details FROM sys.jobs WHERE job_id = %s", job) == [
            ("completed", None)
        ]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE @me.made (v text)",
        "CREATE VIEW @me.made AS SELECT 1 AS v",
        "CREATE SEQUENCE @me.made",
        "CREATE DOMAIN @me.made AS text",
        "CREATE FUNCTION @me.made() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE OPERATOR @me.+ (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat)",
        "CREATE TYPE @me.made AS (v text)",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    ],
)
async def test_a_role_that_runs_jobs_makes_nothing(
    made: str, attacker: Attacker, admin: Connection, inner: server.Server
) -> None:
    await attacker.runs("GRANT ALL ON SCHEMA @me TO PUBLIC")
    await attacker.runs(
        "CREATE FUNCTION @me.make(text) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT @me.leave();"
        f" {made}; SELECT true $$"
    )
    await attacker.runs("ALTER TABLE @me.t ADD CONSTRAINT c CHECK (@me.make(v)) NOT VALID")
    async with working(inner), await superuser.connect(inner.address) as boss:
        job = await value(
            attacker.connection,
            f"SELECT _dsql_validate_constraint_async('ALTER TABLE {attacker.me}.t VALIDATE CONSTRAINT c')",
        )
        await finished(admin)
        owned = "SELECT classid::regclass, refobjid::regrole FROM pg_shdepend WHERE deptype IN ('o', 'a')"
        assert await rows(boss, f"{owned} AND refobjid::regrole::text ~ '^local_job_'") == []
    told = await rows(admin, "SELECT status, details FROM sys.jobs WHERE job_id = %s", job)
    assert told[0][0] == "failed", told
    assert "unsupported statement" in told[0][1]


async def test_a_role_that_runs_jobs_is_in_the_hands_of_one_job(inner: server.Server) -> None:
    lend = "SELECT pg_catalog._dsql_lend_role(%s::regrole, 'local_job_1')"
    async with await superuser.connect(inner.address) as boss:
        for owner in ("local_job_2", server.SUPERUSER):
            with pytest.raises(psycopg.errors.RaiseException, match="has no jobs"):
                await boss.execute(lend.encode(), [owner])
        async with connected(inner, "local_job_1") as left:
            await boss.execute(lend.encode(), ["admin"])
            with pytest.raises(psycopg.OperationalError):
                await left.execute("SET ROLE admin")
        await boss.execute("SELECT pg_catalog._dsql_lend_role(NULL, 'local_job_1')")


async def test_an_operator_that_waits_for_the_next_version_is_not_bound(tmp_path: Path) -> None:
    """The schema of a later version is read with schema public on nobody's search_path."""
    directory = tmp_path / "postgres"
    first = discovery.find().start(directory, meanwhile=lambda: None)
    try:
        async with await superuser.connect(first.address) as boss:  # whom event triggers let pass
            for statement in (
                "CREATE FUNCTION public.joined(name, text) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$",
                "CREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = text, FUNCTION = public.joined)",
            ):
                await boss.execute(statement)
    finally:
        first.stop()
    (directory / "sys.sql.version").write_text("an earlier one")
    second = discovery.find().start(directory, meanwhile=lambda: None)
    try:
        async with connected(second) as connection:
            assert (
                await value(connection, "SELECT pg_catalog._dsql_name('pg_class'::regclass)")
                == "pg_catalog.pg_class"
            )
    finally:
        second.stop()
