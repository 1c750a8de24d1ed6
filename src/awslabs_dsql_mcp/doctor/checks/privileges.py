"""Check of the role's privileges, with a proposal for a role of least privilege."""

from dataclasses import dataclass

from awslabs_dsql_mcp.catalog.iam_identity import IamIdentity
from awslabs_dsql_mcp.catalog.role_script import PLACEHOLDER, connect_policy, role_script
from awslabs_dsql_mcp.database.failure import DatabaseError
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.doctor.checks.session import ask
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName, begins_with_identifier, region_of

_PRIVILEGES = Query(
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
_MAX_SCHEMAS = 3


@dataclass(frozen=True)
class _Privileges:
    """Privileges of a role: tables that it reads and writes, schemas in which it creates."""

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


async def privileges(context: CheckContext) -> CheckOutcome:
    """Compare the role's privileges with the server's purpose."""
    role, writer = context.cluster.user, context.settings.allow_writes
    try:
        may = await _query_privileges(context)
    except DatabaseError as refused:
        return warning(
            f"The privileges of the role {role} could not be read: {refused.failure.message}.",
            code="privileges_unknown",
            remedy="Check with the console or psql that it has only the privileges that the agent needs.",
        )
    if role == "admin":
        return _of_admin(context, may)
    if may.tables and not may.reads:
        return failed(
            f"The role {role} may read none of the {may.tables} tables.",
            code="may_not_read",
            remedy=f"As admin: GRANT USAGE ON SCHEMA s TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA s "
            f"TO {role}.",
        )
    if may.changes_something and not writer:
        return _too_many(context, may, f"The server is read-only, but the role {role} {may}.", "may_write")
    if writer and not may.changes_something:
        return warning(
            f"Writes are allowed, but the role {role} {may}.",
            code="may_not_write",
            remedy="Grant it INSERT, UPDATE or DELETE on the tables to change, or leave out --allow-writes.",
        )
    return CheckOutcome(f"The role {role} {may}.")


async def _query_privileges(context: CheckContext) -> _Privileges:
    (row,) = (await ask(context, _PRIVILEGES)).rows
    tables, reads, writes, creates_in, schemas = (cell or "" for cell in row)
    return _Privileges(
        int(tables), int(reads), int(writes), creates_in, tuple(filter(None, schemas.split(",")))
    )


def _of_admin(context: CheckContext, may: _Privileges) -> CheckOutcome:
    if context.settings.local:
        return CheckOutcome(f"The role is admin, on a cluster of this machine: it {may}.")
    return _too_many(context, may, f"The role is admin: it {may}, and has all other privileges.", "is_admin")


def _too_many(context: CheckContext, may: _Privileges, says: str, code: str) -> CheckOutcome:
    return warning(
        says,
        code=code,
        remedy="Use a role that has only the privileges needed: SQL and policy are below.",
        details=least_privilege(
            context.cluster.host, context.cluster.identity.region, may.schemas, context.caller
        ),
    )


def least_privilege(
    host: str, region: str | None, schemas: tuple[str, ...], caller: IamIdentity | None
) -> str:
    """Write the SQL for a role that only reads, and the IAM policy of its identity.

    Args:
        host: The endpoint; the first label of an AWS name is the cluster's id.
        region: The cluster's region, if known.
        schemas: Schemas that have tables.
        caller: The identity that logs in, if known: it is the one that is to be mapped.
    """
    identifier = host.partition(".")[0].lower() if begins_with_identifier(host) else "<id>"
    arn = ClusterName(identifier, region_of(host) or region or "<region>").arn(
        caller.account if caller else "<account>", caller.partition if caller else "aws"
    )
    mapped = caller.arn if caller and not caller.has_unknown_path else PLACEHOLDER
    script = role_script("agent", mapped, "read", schemas[:_MAX_SCHEMAS] or ("public",))
    others = ", ".join(schemas[_MAX_SCHEMAS:])
    return "\n".join(
        [
            "A role that only reads; run each statement by itself, as admin:",
            "",
            *(f"  {statement};" for statement in script.statements),
            *(
                [f"  -- The same two grants for each further schema that it is to read: {others}"]
                if others
                else []
            ),
            "",
            "The IAM policy of that identity:",
            "",
            *(f"  {line}" for line in connect_policy(arn).splitlines()),
            "",
            "Then start the server with --database_user agent.",
        ]
    )
