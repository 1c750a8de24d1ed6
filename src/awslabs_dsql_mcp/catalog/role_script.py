"""The script that makes a database role for an IAM identity, and that identity's policy.

Sources: Aurora DSQL user guide, "Using database roles and IAM authentication"; IAM user guide, "IAM
identifiers". GRANT is DDL, so each statement is a transaction of its own, as `migrate` runs them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from awslabs_dsql_mcp.catalog.iam_identity import read_identity
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.text import one_line

Level = Literal["read", "write"]
PLACEHOLDER: Final = "arn:aws:iam::<account>:role/<name>"
"""Stands for an identity that is not known yet."""

_PRIVILEGES: Final[dict[Level, str]] = {"read": "SELECT", "write": "SELECT, INSERT, UPDATE, DELETE"}
_RESERVED: Final = frozenset({"admin", "public", "none", "current_user", "session_user", "current_role"})
_SYSTEM: Final = frozenset({"pg_catalog", "information_schema", "sys"})


@dataclass(frozen=True)
class RoleScript:
    """A script, with what its reader has to know.

    Attributes:
        statements: The statements, in order; run by admin.
        notes: What is not certain, or not covered.
    """

    statements: Sequence[str]
    notes: Sequence[str] = ()

    @property
    def sql(self) -> str:
        """The statements as a script."""
        return "\n".join(f"{statement};" for statement in self.statements)


def role_script(role: str, arn: str, level: Level, schemas: Sequence[str]) -> RoleScript:
    """Write the script for a role.

    Args:
        role: Name of the database role.
        arn: ARN of an IAM role or user, or of a session of an IAM role, or `PLACEHOLDER`.
        level: ``read``, or ``write``: rows, not the schema.
        schemas: Schemas whose tables it is for, those that are made later among them.

    Raises:
        RequestInvalid: The role or a schema is the system's, or the ARN is of no IAM role or user.
    """
    too_long = len(role.encode()) > limits.MAX_IDENTIFIER_BYTES
    if role in _RESERVED or role.startswith("pg_") or not role or too_long:
        raise RequestInvalid(
            f"{one_line(role)!r} is no name for a role of yours.", hint="Give another name, such as agent."
        )
    schemas = tuple(dict.fromkeys(schemas))
    if "" in schemas:
        raise RequestInvalid("A schema has no name.", hint="Name the schemas whose tables it is for.")
    if wrong := [schema for schema in schemas if schema in _SYSTEM or schema.startswith("pg_")]:
        raise RequestInvalid(f"The schema {one_line(wrong[0])} is the system's: every role may read it.")
    identity, notes = _identity(arn)
    name, rows = quote_identifier(role), _PRIVILEGES[level]
    statements = [f"CREATE ROLE {name} WITH LOGIN", f"AWS IAM GRANT {name} TO '{identity}'"]
    for schema in schemas:
        quoted = quote_identifier(schema)
        if schema != "public":  # every role may use public, and Aurora DSQL refuses to grant it
            statements.append(f"GRANT USAGE ON SCHEMA {quoted} TO {name}")
        statements += [
            f"GRANT {rows} ON ALL TABLES IN SCHEMA {quoted} TO {name}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quoted} GRANT {rows} ON TABLES TO {name}",
        ]
        if level == "write":
            statements += [
                f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {quoted} TO {name}",
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quoted} GRANT USAGE ON SEQUENCES TO {name}",
            ]
    covered = "ALTER DEFAULT PRIVILEGES covers what the one who runs it makes later, not what others make."
    return RoleScript(tuple(statements), (*notes, covered))


def _identity(arn: str) -> tuple[str, Sequence[str]]:
    """Turn an ARN into one that AWS IAM GRANT takes; a session's names its role, without the path."""
    arn = arn.strip()
    if arn == PLACEHOLDER:
        return arn, ()
    identity = read_identity(arn)
    if identity is None:
        raise RequestInvalid(
            f"{one_line(arn)!r} is no ARN of an IAM role or user.",
            hint="Give one like arn:aws:iam::123456789012:role/NAME (`aws sts get-caller-identity`).",
        )
    name = identity.name
    if identity.has_unknown_path:
        raise RequestInvalid(
            f"The role {name} of a single sign-on has a path, which the session's ARN does not tell.",
            hint=f"Give what `aws iam get-role --role-name {name} --query Role.Arn` prints.",
        )
    if identity.path is not None:
        return arn, ()
    note = f"The ARN is of a session: its role is taken for {name} without a path. `aws iam get-role` tells."
    return identity.arn, (note,)


def connect_policy(cluster_arn: str, action: str = "dsql:DbConnect") -> str:
    """Write the IAM policy that lets an identity connect as any role but admin.

    Args:
        cluster_arn: ARN of the cluster.
        action: ``dsql:DbConnectAdmin`` for admin.
    """
    statement = {"Effect": "Allow", "Action": action, "Resource": cluster_arn}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
