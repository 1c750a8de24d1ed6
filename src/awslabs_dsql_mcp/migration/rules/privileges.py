"""Roles, and the privileges that they are granted."""

from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.dsql.settings import may_be_of_role
from awslabs_dsql_mcp.dsql.unsupported import ROLE_OPTIONS
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.objects import POSTGRESQLS, is_postgresqls
from awslabs_dsql_mcp.sql.definitions import is_grantable, items, option
from awslabs_dsql_mcp.sql.parse_tree import Node

_OWN_ROLES: Final = frozenset(("admin",))


def grant(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry GRANT and REVOKE over where Aurora DSQL has privileges."""
    top = draft.top
    kind: str = top.get("objtype", "OBJECT_TABLE")
    if not is_grantable(top):
        public = kind == "OBJECT_SCHEMA" and bool(top.get("is_grant"))
        why = "no privileges there: every role can use public, and AWS IAM GRANT lets a role connect"
        conversion.skip(draft, why, human=not public)
        return
    objects = items(top.get("objects"))
    kept = [item for item in objects if conversion.survey.lacking.subject(kind, item) is None]
    if objects and not kept:
        needed = conversion.survey.lacking.subject(kind, objects[0])
        conversion.skip(draft, f"it is about {needed}, which is left out")
        return
    if any(is_postgresqls(conversion, kind, item) for item in kept):
        conversion.skip(draft, POSTGRESQLS, human=True)
        return
    if kept != objects:
        top["objects"] = kept
        draft.changed("objects left out that are not carried over")
    _needs_roles(conversion, draft, [item["RoleSpec"] for item in items(top.get("grantees"))])
    conversion.statements.append(draft)


def default_privileges(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry ALTER DEFAULT PRIVILEGES over, for what the role makes that runs this."""
    options = items(draft.top.get("options"))
    owners = option(options, "roles")
    roles = [item["RoleSpec"] for item in owners["arg"]["List"]["items"]] if owners else []
    named = sorted(role["rolename"] for role in roles if role.get("roletype") == "ROLESPEC_CSTRING")
    if made := [name for name in named if name in conversion.survey.roles]:
        why = f"it is about what {', '.join(made)} will make: that role has to run it"
        conversion.skip(draft, why, human=True)
        return
    if named and named != ["admin"]:
        draft.top["options"] = [item for item in options if item["DefElem"] is not owners]
        draft.changed(f"FOR ROLE {', '.join(named)} left out: who runs this owns what it makes")
    grantees = items(draft.top["action"].get("grantees"))
    _needs_roles(conversion, draft, [item["RoleSpec"] for item in grantees])
    conversion.statements.append(draft)


def _needs_roles(conversion: Conversion, draft: ConvertedStatement, roles: Iterable[Node]) -> None:
    """Note the roles that have to be there and that the script does not make, each once."""
    named = {role["rolename"] for role in roles if role.get("roletype") == "ROLESPEC_CSTRING"}
    unknown = sorted(named - conversion.survey.roles - conversion.roles - _OWN_ROLES)
    if unknown:
        conversion.roles.update(unknown)
        draft.notes.append(
            f"{BY_HAND}the step fails unless the role {', '.join(unknown)} is there: CREATE ROLE"
        )


def grant_role(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry GRANT of a role over."""
    granted = [
        {"roletype": "ROLESPEC_CSTRING", "rolename": item["AccessPriv"]["priv_name"]}
        for item in items(draft.top.get("granted_roles"))
    ]
    _needs_roles(
        conversion, draft, [*granted, *(item["RoleSpec"] for item in items(draft.top.get("grantee_roles")))]
    )
    conversion.statements.append(draft)


def role(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry CREATE ROLE and ALTER ROLE over, without what IAM has in place of roles."""
    given = items(draft.top.get("options"))
    kept = [item for item in given if item["DefElem"]["defname"] in ROLE_OPTIONS]
    if kept != given:
        draft.top["options"] = kept
        draft.changed("attributes left out that IAM has in place of roles, such as PASSWORD")
    if given and not kept and draft.kind == "AlterRoleStmt":
        conversion.skip(draft, "attributes that IAM has in place of roles, such as PASSWORD")
        return
    conversion.statements.append(draft)


def role_setting(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry ALTER ROLE … SET and RESET over where Aurora DSQL has the setting."""
    change = draft.top["setstmt"]
    resets = str(change.get("kind", "")).startswith("VAR_RESET")
    if "role" not in draft.top or not (resets or may_be_of_role(str(change.get("name", "")))):
        reason = "a role has no such setting: put SET LOCAL first in a transaction"
        conversion.skip(draft, reason, human=True)
        return
    if draft.top.pop("database", None) is not None:
        draft.changed("in the one database")
    conversion.statements.append(draft)
