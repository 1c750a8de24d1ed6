"""Check of the AWS identity beside the mappings of the database role: who is refused, and what mends it.

The commonest refused login is an identity that no one has mapped to ``--database_user``. Only who is logged
in can read the mappings; who is refused gets the statement that admin has to run. Sources: Aurora DSQL user
guide, "Using database roles and IAM authentication"; AWS STS API reference, GetCallerIdentity.
"""

import asyncio
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.catalog.iam_identity import IamIdentity, read_identity
from awslabs_dsql_mcp.catalog.role_script import PLACEHOLDER, connect_policy
from awslabs_dsql_mcp.catalog.roles import ADMIN
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.database.failure import DatabaseError
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.doctor.checks.session import ask
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, warning
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError
from awslabs_dsql_mcp.local_cluster.control_plane.identity import CALLER
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.target import resolve_account
from awslabs_dsql_mcp.text import one_line

_OWN: Final = Query("SELECT sys.iam_session_user()")
_MAPPINGS: Final = Query("SELECT pg_role_name, arn FROM sys.iam_pg_role_mappings ORDER BY 1, 2")
_FOR_IDENTITY: Final = frozenset({"not_mapped", "access_denied", "not_authorized", "no_such_role"})
"""Causes of a refused login that an identity, its policy or its mapping can have."""

_MOST: Final = 3  # roles that are named
_MAX_NAME: Final = 100  # characters


async def identity(context: CheckContext) -> CheckOutcome:
    """Say who logs in as which role, or what lets the one who was refused in."""
    if context.connection is not None:
        return await _logged_in(context)
    if context.refusal not in _FOR_IDENTITY:
        return CheckOutcome("Skipped: no login was refused for its identity.", "skipped")
    if context.settings.local:
        context.caller = read_identity(CALLER)
        return _refused(context, context.caller, None)
    account = await resolve_account(context.settings, context.stack)
    limit = context.settings.connect_timeout
    try:
        told, caller, doubt = await asyncio.wait_for(_caller(account), limit)
    except (DsqlError, asyncio.TimeoutError) as error:
        why = error.message if isinstance(error, DsqlError) else f"AWS STS did not answer within {limit:g} s."
        return _refused(context, None, account.cluster, f"Whose login was refused, is not known: {why}")
    context.caller = caller
    if caller is None:
        return warning(
            f"{told} was refused, and can be mapped to no role: AWS IAM GRANT takes IAM roles and users.",
            code="identity_unfit",
            remedy="Use the credentials of an IAM role or user (--profile).",
        )
    return _refused(context, caller, account.cluster, doubt)


async def _caller(account: Account) -> tuple[str, IamIdentity | None, str]:
    """Ask AWS who we are: the ARN, what of it can be mapped, and what is not certain.

    Raises:
        DsqlError: STS does not tell.
    """
    told = str((await account.api.call("sts", "GetCallerIdentity", account.region)).get("Arn") or "")
    if not told:
        raise ConnectionFailed("AWS STS names no ARN.")
    caller = read_identity(told)
    if caller is None or caller.path is not None:
        return one_line(told, _MAX_NAME), caller, ""
    try:
        role = await account.api.call("iam", "GetRole", account.region, RoleName=caller.name)
        found = read_identity(str(role["Role"]["Arn"]))
    except (DsqlError, KeyError, TypeError):
        found = None
    if found is not None and found.may_be(caller):
        return told, found, ""
    doubt = (
        f"Not certain: a session's ARN leaves out the path of its role, and iam:GetRole tells nothing here; "
        f"`aws iam get-role --role-name {caller.name} --query Role.Arn` prints the whole ARN."
    )
    return told, caller, doubt


def _refused(
    context: CheckContext, caller: IamIdentity | None, cluster: ClusterName | None, doubt: str = ""
) -> CheckOutcome:
    user, arn = context.cluster.user, _arn_of(caller)
    who = arn if caller else "The identity"
    action = "dsql:DbConnectAdmin" if user == ADMIN else "dsql:DbConnect"
    if user == ADMIN or context.refusal == "not_authorized":
        where = _arn_of_cluster(cluster, caller)
        says = f"{who} was refused as {user}, which takes whoever has {action} on the cluster"
        says += "" if user == ADMIN else " and is mapped to the role"
        remedy = f"Allow it {action} on {where}: the policy is below."
        details = f"The IAM policy that lets {arn} connect as {user}:\n\n{connect_policy(where, action)}"
    else:
        role = quote_identifier(user)
        says = f"{who} was refused as {user}: only admin can see whether it is mapped to that role"
        remedy = f"Let admin run what is below; the identity needs {action}, too."
        made = f"  CREATE ROLE {role} WITH LOGIN;\n" if context.refusal == "no_such_role" else ""
        details = f"To be run by admin, so that {arn} may connect as {user}:\n\n{made}"
        details += f"  AWS IAM GRANT {role} TO '{arn}';"
    return warning(
        f"{says}.{f' {doubt}' if doubt else ''}", code="identity_refused", remedy=remedy, details=details
    )


def _arn_of_cluster(cluster: ClusterName | None, caller: IamIdentity | None) -> str:
    if cluster is None:
        return "<the cluster's ARN>"
    return cluster.arn(caller.account, caller.partition) if caller else cluster.arn("<account>")


def _arn_of(caller: IamIdentity | None) -> str:
    """Give the ARN for a statement, with a blank for what is not known."""
    if caller is None:
        return PLACEHOLDER
    return replace(caller, path="<path>/").arn if caller.has_unknown_path else caller.arn


async def _logged_in(context: CheckContext) -> CheckOutcome:
    user, is_local = context.cluster.user, context.settings.local
    own = await _own(context)
    context.caller = caller = read_identity(own)
    who = "The local cluster's key stands for any identity" if is_local else (own or "This identity")
    try:
        rows = (await ask(context, _MAPPINGS)).rows
    except DatabaseError as refused:
        failure = refused.failure
        state = f", SQLSTATE {failure.sqlstate}" if failure.sqlstate else ""
        why = f"{one_line(failure.message, _MAX_NAME)}{state}"
        return CheckOutcome(f"{who}; logged in as {user}, which may not read the mappings ({why}).")
    mapped = [(str(role), str(arn)) for role, arn in rows]
    if user == ADMIN:
        ours = [role for role, arn in mapped if is_local or _is_same(arn, caller)]
        return CheckOutcome(f"{who}; admin takes whoever has dsql:DbConnectAdmin. {_others(ours)}")
    arns = [arn for role, arn in mapped if role == user]
    ours = [arn for arn in arns if _is_same(arn, caller)] or arns
    told = one_line(ours[0], _MAX_NAME) if len(ours) == 1 else f"{len(ours)} identities"
    return CheckOutcome(f"{who}; {user} is mapped to {told}.")


async def _own(context: CheckContext) -> str:
    """Ask the cluster who has logged in; empty if it does not tell."""
    try:
        ((told,),) = (await ask(context, _OWN)).rows
    except DatabaseError:
        return ""
    return one_line(str(told or ""), _MAX_NAME)


def _others(roles: list[str]) -> str:
    """Name the roles that an identity could connect as instead of admin."""
    if not roles:
        return "It is mapped to no other role."
    names = list(dict.fromkeys(map(quote_identifier, roles)))
    return f"It could connect as {', '.join(names[:_MOST])}{' and others' if names[_MOST:] else ''}, too."


def _is_same(arn: str, caller: IamIdentity | None) -> bool:
    other = read_identity(arn)
    return caller is not None and other is not None and caller.may_be(other)
