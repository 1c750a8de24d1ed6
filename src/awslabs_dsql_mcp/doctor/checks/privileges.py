"""The check of what the role may do, and the role of least privilege that would do instead."""

import re
from dataclasses import dataclass

from awslabs_dsql_mcp.config.settings import region_of
from awslabs_dsql_mcp.database.failure import DatabaseError
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.doctor.checks.session import ask
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_MAY = Query(
    """
    SELECT count(*),
           count(*) FILTER (WHERE usable AND has_table_privilege(c.oid, 'SELECT')),
           count(*) FILTER (WHERE usable AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE')),
           coalesce((SELECT string_agg(s.nspname, ', ' ORDER BY s.nspname)
             FROM pg_catalog.pg_namespace s
             WHERE s.nspname !~ '^pg_|^information_schema$|^sys$'
               AND has_schema_privilege(s.oid, 'CREATE')), ''),
           coalesce(string_agg(DISTINCT n.nspname, ','), '')
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
    LATERAL (SELECT has_schema_privilege(n.oid, 'USAGE') AS usable) u
    WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname !~ '^pg_|^information_schema$|^sys$'
    """
)
_CLUSTER_ID = re.compile(r"([a-z0-9]{26})\.")
_MAX_SCHEMAS = 3


@dataclass(frozen=True)
class _Powers:
    """What a role may do: of so many tables read and write some, create in some schemas."""

    tables: int
    reads: int
    writes: int
    creates_in: str
    schemas: tuple[str, ...]

    @property
    def changes_something(self) -> bool:
        return self.writes > 0 or bool(self.creates_in)

    def __str__(self) -> str:
        created = f", and creates in {self.creates_in}" if self.creates_in else ""
        return f"reads {self.reads} and writes {self.writes} of {self.tables} tables{created}"


async def privileges(patient: CheckContext) -> CheckOutcome:
    """Hold what the role may do against what the server is for."""
    role, writer = patient.cluster.user, patient.settings.allow_writes
    try:
        may = await _powers(patient)
    except DatabaseError as refused:
        return warning(
            f"What the role {role} may do could not be read: {refused.failure.message}.",
            code="privileges_unknown",
            remedy="Make sure with the console or psql that it may do no more than the agent needs.",
        )
    if role == "admin":
        return _too_much(patient, may, f"The role is admin: it {may}, and may do all else.", "is_admin")
    if may.tables and not may.reads:
        return failed(
            f"The role {role} may read none of the {may.tables} tables.",
            code="may_not_read",
            remedy=f"As admin: GRANT USAGE ON SCHEMA s TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA s "
            f"TO {role}.",
        )
    if may.changes_something and not writer:
        return _too_much(patient, may, f"The server is read-only, yet the role {role} {may}.", "may_write")
    if writer and not may.changes_something:
        return warning(
            f"Writes are allowed, but the role {role} {may}.",
            code="may_not_write",
            remedy="Grant it INSERT, UPDATE or DELETE on the tables meant, or leave out --allow-writes.",
        )
    return CheckOutcome(f"The role {role} {may}.")


async def _powers(patient: CheckContext) -> _Powers:
    (row,) = (await ask(patient, _MAY)).rows
    tables, reads, writes, creates_in, schemas = (cell or "" for cell in row)
    return _Powers(int(tables), int(reads), int(writes), creates_in, tuple(filter(None, schemas.split(","))))


def _too_much(patient: CheckContext, may: _Powers, says: str, code: str) -> CheckOutcome:
    return warning(
        says,
        code=code,
        remedy="Give the agent a role that may do only what it needs: SQL and policy are below.",
        details=least_privilege(patient.cluster.host, patient.cluster.identity.region, may.schemas),
    )


def least_privilege(host: str, region: str | None, schemas: tuple[str, ...]) -> str:
    """Write what makes a role that only reads: its SQL, and its identity's IAM policy.

    Args:
        host: The endpoint, whose first label is the cluster's id where it is AWS's own.
        region: The cluster's, where known.
        schemas: Those with tables.
    """
    found = _CLUSTER_ID.match(host)
    where = region_of(host) or region or "<region>"
    arn = f"arn:aws:dsql:{where}:<account>:cluster/{found.group(1) if found else '<id>'}"
    grants = [line for schema in (schemas[:_MAX_SCHEMAS] or ("public",)) for line in _grants(schema)]
    return "\n".join(
        [
            "A role that only reads; run as admin, each statement by itself:",
            "",
            "  CREATE ROLE agent WITH LOGIN;",
            "  AWS IAM GRANT agent TO 'arn:aws:iam::<account>:role/<name>';",
            *(f"  {grant}" for grant in grants),
            "",
            "The IAM policy of that identity:",
            "",
            '  {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",',
            '   "Action": "dsql:DbConnect",',
            f'   "Resource": "{arn}"}}]}}',
            "",
            "Then start the server with --database_user agent.",
        ]
    )


def _grants(schema: str) -> tuple[str, ...]:
    name = schema if re.fullmatch(r"[a-z_][a-z0-9_]*", schema) else '"' + schema.replace('"', '""') + '"'
    select = f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO agent;"
    # Everybody may use public, and Aurora DSQL refuses to grant it.
    return (select,) if schema == "public" else (f"GRANT USAGE ON SCHEMA {name} TO agent;", select)
