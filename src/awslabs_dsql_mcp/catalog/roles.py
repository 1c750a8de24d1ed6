"""Database roles: the IAM identities that may connect as them, and what they may do.

Sources: Aurora DSQL user guide, "Using database roles and IAM authentication" (``sys.iam_pg_role_mappings``)
and "Systems tables"; PostgreSQL documentation, ``pg_default_acl``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, PermissionDenied, StatementFailed
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.text import Shown, as_line, pluralize

ADMIN: Final = "admin"
_ROLES: Final = Query(
    "SELECT r.rolname, r.rolcanlogin FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^(pg_|rds)' ORDER BY 1"
)
_MAPPINGS: Final = Query("SELECT m.pg_role_name, m.arn FROM sys.iam_pg_role_mappings m ORDER BY 1, 2")
_PRIVILEGES: Final = Query(
    """
    SELECT r.rolname, n.nspname, has_schema_privilege(r.oid, n.oid, 'USAGE'),
           has_schema_privilege(r.oid, n.oid, 'CREATE'), count(c.oid),
           count(*) FILTER (WHERE has_table_privilege(r.oid, c.oid, 'SELECT')),
           count(*) FILTER (WHERE has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE'))
    FROM pg_catalog.pg_roles r CROSS JOIN pg_catalog.pg_namespace n
    LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v')
    WHERE r.rolname !~ '^(pg_|rds)' AND n.nspname !~ '^pg_|^information_schema$|^sys$'
    GROUP BY r.oid, r.rolname, n.oid, n.nspname
    ORDER BY 1, 2
    """
)
_DEFAULTS: Final = Query(
    """
    SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
           coalesce(n.nspname, ''), pg_get_userbyid(d.defaclrole), d.defaclobjtype,
           string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace,
    LATERAL aclexplode(d.defaclacl) a
    WHERE a.grantee <> d.defaclrole AND d.defaclobjtype IN ('r', 'S')
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    """
)
_KINDS: Final[Mapping[str, str]] = {"r": "tables", "S": "sequences"}
_TRUE: Final = "t"


@dataclass(frozen=True)
class _Part:
    """A part of the answer, which a role may not be allowed to read.

    Attributes:
        name: What it is.
        query: Reads it.
        source: What an administrator can look at instead, or grant.
    """

    name: str
    query: Query
    source: str


_PARTS: Final = (
    _Part("IAM identities", _MAPPINGS, "sys.iam_pg_role_mappings"),
    _Part("Privileges", _PRIVILEGES, "pg_class and pg_namespace"),
    _Part("Privileges of later tables", _DEFAULTS, "pg_default_acl"),
)


@dataclass(frozen=True)
class SchemaRights:
    """What a role may do in a schema.

    Attributes:
        schema: Its name.
        uses: The role has USAGE, without which no other privilege counts.
        creates: The role may create objects.
        tables: Number of tables and views.
        reads: Number of those that it may read.
        writes: Number of those in which it may change rows.
    """

    schema: str
    uses: bool
    creates: bool
    tables: int
    reads: int
    writes: int

    def __str__(self) -> str:
        """Word it."""
        name = quote_identifier(self.schema)
        if not self.uses:
            number = max(self.reads, self.writes)
            granted = f"granted privileges on {pluralize(number, 'table')} do not count: it lacks USAGE"
            return f"{name}: {granted} of the schema"
        rows = f"reads {self.reads} and writes {self.writes} of {pluralize(self.tables, 'table')}"
        may = [rows] if self.reads or self.writes else []
        return f"{name}: {', '.join([*may, *(['creates objects'] if self.creates else [])])}"

    @property
    def says_something(self) -> bool:
        """True if it may do something there, or would if it had USAGE."""
        return bool(self.reads or self.writes or (self.creates and self.uses))


@dataclass(frozen=True)
class LaterRights:
    """What a role may do with objects that another one makes later (ALTER DEFAULT PRIVILEGES).

    Attributes:
        schema: Where; empty for every schema.
        maker: The role that makes them.
        kind: ``tables`` or ``sequences``.
        privileges: The privileges.
    """

    schema: str
    maker: str
    kind: str
    privileges: str

    def __str__(self) -> str:
        """Word it."""
        where = quote_identifier(self.schema) if self.schema else "every schema"
        return f"{where}, {self.kind} that {quote_identifier(self.maker)} makes later: {self.privileges}"


@dataclass(frozen=True)
class Role:
    """A role.

    Attributes:
        name: Its name.
        may_login: It may log in.
        identities: ARNs of the IAM identities that may connect as it; `None` if they are not known.
        schemas: What it may do, by schema.
        later: What it may do with later objects.
    """

    name: str
    may_login: bool
    identities: Sequence[str] | None = ()
    schemas: Sequence[SchemaRights] = ()
    later: Sequence[LaterRights] = ()

    def lines(self) -> list[str]:
        """Describe it: who it is for, and below that what it may do."""
        login = "" if self.may_login else " (no login)"
        rights = [*map(str, filter(lambda each: each.says_something, self.schemas)), *map(str, self.later)]
        return [f"{quote_identifier(self.name)}{login}: {self._who()}", *(f"  {right}" for right in rights)]

    def _who(self) -> str:
        if self.identities is None:
            return "not known"
        mapped = ", ".join(self.identities)
        if self.name == ADMIN:
            return f"whoever has dsql:DbConnectAdmin{f'; {mapped}' if mapped else ''}"
        return mapped or ("no IAM identity" if self.may_login else "nobody")


@dataclass(frozen=True)
class RoleReport:
    """The roles of a database.

    Attributes:
        roles: The roles, by name.
        notes: What could not be read, with its reason and the next step.
    """

    roles: Sequence[Role]
    notes: Sequence[str] = ()

    def lines(self) -> list[Shown]:
        """Describe them, a line each and for each schema; names are others' words."""
        return [as_line(line) for role in self.roles for line in role.lines()]

    def facts(self) -> dict[str, object]:
        """Give them as values for programs."""
        return {
            "roles": [
                {
                    "name": role.name,
                    "login": role.may_login,
                    "identities": None if role.identities is None else list(role.identities),
                    "schemas": [vars(each) for each in role.schemas if each.uses or each.says_something],
                    "later": [vars(each) for each in role.later],
                }
                for role in self.roles
            ],
            "notes": list(self.notes),
        }


async def read_roles(database: Database) -> RoleReport:
    """Read the roles; a part that may not be read is told in its place.

    Args:
        database: Where statements run.

    Raises:
        DsqlError: The roles themselves cannot be read.
    """
    parts, notes = list(_PARTS), list[str]()
    while True:
        queries = (_ROLES, *(part.query for part in parts))
        try:
            results = (await database.run(UnitOfWork(queries, read_only=True))).results
        except (PermissionDenied, StatementFailed) as error:
            if not error.statement:
                raise
            refused = parts.pop(error.statement - 1)
            notes.append(_note(refused, error))
            continue
        read = {part.name: result for part, result in zip(parts, results[1:], strict=True)}
        return RoleReport(_fold(results[0], *(read.get(part.name) for part in _PARTS)), notes)


def _note(part: _Part, error: DsqlError) -> str:
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    step = f"admin sees {part.source}: log in as admin, or ask whoever may."
    return f"{part.name}: not known. {error.text.rstrip('.')}{state}. Next: {step}"


def _fold(
    roles: Result, mappings: Result | None, privileges: Result | None, defaults: Result | None
) -> Sequence[Role]:
    nobody = None if mappings is None else ()
    found = {str(name): Role(str(name), login == _TRUE, nobody) for name, login in roles.rows}
    for name, arn in mappings.rows if mappings else ():
        if role := found.get(str(name)):
            found[role.name] = replace(role, identities=(*(role.identities or ()), str(arn)))
    for name, schema, uses, creates, *numbers in privileges.rows if privileges else ():
        if role := found.get(str(name)):
            right = SchemaRights(
                str(schema), uses == _TRUE, creates == _TRUE, *(int(n or 0) for n in numbers)
            )
            found[role.name] = replace(role, schemas=(*role.schemas, right))
    for name, schema, maker, kind, granted in defaults.rows if defaults else ():
        right = LaterRights(str(schema), str(maker), _KINDS.get(str(kind), str(kind)), str(granted))
        for role in list(found.values()):
            if name in (role.name, "PUBLIC"):
                found[role.name] = replace(role, later=(*role.later, right))
    return tuple(found.values())
