"""Statements about objects of any kind: schemas, sequences, types, comments, privileges, roles."""

from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.objects import CATALOG_SCHEMAS, COMMENTED_OBJECTS, is_object
from awslabs_dsql_mcp.dsql.settings import may_be_of_role
from awslabs_dsql_mcp.dsql.unsupported import ROLE_OPTIONS, STATEMENTS
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules import columns, domains, functions
from awslabs_dsql_mcp.migration.script.mentions import Name, object_name, qualified_name, relation_name
from awslabs_dsql_mcp.sql.definitions import is_grantable, items, option
from awslabs_dsql_mcp.sql.functions import is_user_defined
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_NO_COMMENT: Final = "a comment on what is not carried over"
_OF_PARTITION: Final = "a partition owns it, which is no table here: it stays by itself"
_POSTGRESQLS: Final = "it is about what PostgreSQL has itself, which no user owns"
_FUNCTIONS: Final = frozenset(("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"))
_OWN_ROLES: Final = frozenset(("admin",))


def create_schema(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE SCHEMA over."""
    if draft.top.get("schemaname") == "public":
        conversion.skip(draft, "public is there")
        return
    if draft.text is None:
        draft.changed("what it makes inside follows, a step each")
    conversion.statements.append(draft)


def create_sequence(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE SEQUENCE over, or keep its options for an identity."""
    sequence = relation_name(draft.top["sequence"])
    given = items(draft.top.get("options"))
    if (joined := conversion.survey.identities.get(sequence)) is not None:
        conversion.sequences[sequence] = given
        conversion.rename_sequence(joined.table, joined.column, sequence)
        own = conversion.renamed[sequence]
        why = f"it is the identity of {joined.table[1]}.{joined.column}, named {own[1]}"
        conversion.skip(draft, "it is the identity of its column" if own == sequence else why)
        return
    kept = columns.with_cache_size(given)
    owner = option(given, "owned_by")
    if owner is not None and _is_of_a_partition(conversion, owner):
        draft.changed(f"{BY_HAND}{_OF_PARTITION}")
    elif owner is not None:
        kept.append({"DefElem": owner})
    if kept != given:
        draft.top["options"] = kept
        draft.changed(f"a sequence is bigint, its cache {limits.SMALL_CACHE}")
    if draft.top["sequence"].get("relpersistence") == "u":
        draft.top["sequence"]["relpersistence"] = "p"
        draft.changed("UNLOGGED left out")
    conversion.taken(sequence[0]).add(sequence[1])
    conversion.statements.append(draft)


def _is_of_a_partition(conversion: Conversion, owner: Node) -> bool:
    """Say if OWNED BY names a column of a partition."""
    named = strings(owner["arg"]["List"]["items"])
    return len(named) > 1 and qualified_name(named[:-1]) in conversion.survey.partitions.roots


def alter_sequence(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry an ALTER SEQUENCE over; an identity's sequence is owned already."""
    given = items(draft.top.get("options"))
    joined = conversion.statement.mentions.relations
    names = {relation_name(relation) for relation in joined}
    owned = [item for item in given if item["DefElem"].get("defname") == "owned_by"]
    if owned and names & set(conversion.renamed.values()):
        given = [item for item in given if item not in owned]
        draft.top["options"] = given
        if not given:
            conversion.skip(draft, "an identity owns its sequence")
            return
    if any(_is_of_a_partition(conversion, item["DefElem"]) for item in owned):
        given = draft.top["options"] = [item for item in given if item not in owned]
        conversion.skip(draft, _OF_PARTITION, human=True)
        if not given:
            return
        draft.changed("OWNED BY left out")
    kept = [item for item in given if item["DefElem"].get("defname") not in ("as", "logged")]
    if kept == given:
        conversion.statements.append(draft)
    elif kept:
        draft.top["options"] = kept
        draft.changed("a sequence is bigint")
        conversion.statements.append(draft)
    else:
        conversion.skip(draft, "a sequence is bigint")


def create_enum(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Keep an enum's labels for what is made of it."""
    labels = [item["String"].get("sval", "") for item in items(draft.top.get("vals"))]
    conversion.types.enums[qualified_name(strings(draft.top["typeName"]))] = labels
    conversion.skip(draft, "an enum: its columns are varchar with CHECK")


def alter_enum(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Change an enum's labels; what was made of it keeps its CHECK, so a human is asked then."""
    name = qualified_name(strings(draft.top["typeName"]))
    label, old = draft.top.get("newVal"), draft.top.get("oldVal")
    labels = conversion.types.enums.get(name)
    if (
        labels is None
        or label is None
        or (old is not None and (old not in labels or name in conversion.types.used))
    ):
        conversion.skip(draft, "Aurora DSQL has no enums: change the CHECK of the columns", blocks=True)
        return
    if old is not None:
        labels[labels.index(old)] = label
    elif label not in labels:
        neighbor = draft.top.get("newValNeighbor")
        at = (
            labels.index(neighbor) + bool(draft.top.get("newValIsAfter"))
            if neighbor in labels
            else len(labels)
        )
        labels.insert(at, label)
    conversion.types.renew_checks(name)
    conversion.skip(draft, "a label: in the CHECK of the columns")


def create_composite(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Note a row type: its columns hold JSON."""
    conversion.types.composites.add(relation_name(draft.top["typevar"]))
    conversion.skip(draft, "a composite type: its columns are jsonb", human=True)


def define(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Leave a DEFINE-like statement out, with note of a collation that is not deterministic."""
    top = draft.top
    given = items(top.get("definition"))
    kind, flag = top["kind"], option(given, "deterministic")
    copied = qualified_name(
        strings((option(given, "from") or {}).get("arg", {}).get("List", {}).get("items")) or [""]
    )
    is_off = flag is not None and str(constant(flag.get("arg"))).lower() in ("false", "off", "0")
    if kind == "OBJECT_COLLATION" and (is_off or copied in conversion.types.collations):
        conversion.types.collations.add(qualified_name(strings(top["defnames"])))
    conversion.skip(draft, STATEMENTS[draft.kind].dispensable, human=STATEMENTS[draft.kind].needs_review)


def comment(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a COMMENT over if its object is."""
    kind: str = draft.top["objtype"]
    if kind == "OBJECT_MATVIEW":
        draft.top["objtype"] = kind = "OBJECT_VIEW"
        draft.changed("on a plain view")
    if kind == "OBJECT_TYPE" and qualified_name(object_name(draft.top["object"])) in conversion.types.domains:
        draft.top["objtype"] = kind = "OBJECT_DOMAIN"
        draft.changed("on a domain")
    if kind.removeprefix("OBJECT_") not in COMMENTED_OBJECTS:
        conversion.skip(draft, _NO_COMMENT)
        return
    if (needed := conversion.survey.lacking.subject(kind, draft.top["object"])) is not None:
        conversion.skip(draft, f"it is about {needed}, which is left out")
        return
    if kind in ("OBJECT_TABCONSTRAINT", "OBJECT_DOMCONSTRAINT", "OBJECT_INDEX") and not _is_there(
        conversion, kind, draft.top["object"]
    ):
        conversion.skip(draft, _NO_COMMENT)
        return
    if _is_postgresqls(conversion, kind, draft.top["object"]):
        conversion.skip(draft, _POSTGRESQLS, human=True)
        return
    if kind == "OBJECT_SEQUENCE":
        _rename(conversion, draft, draft.top["object"])
    elif kind == "OBJECT_ROLE" and not conversion.survey.roles.intersection(object_name(draft.top["object"])):
        conversion.skip(
            draft, "the script does not make the role, and who has not made it may not", human=True
        )
        return
    conversion.statements.append(draft)


def _is_postgresqls(conversion: Conversion, kind: str, named: Node) -> bool:
    """Say if a statement is about an object of PostgreSQL's own."""
    parts = [named["RangeVar"].get("schemaname", "")] if "RangeVar" in named else object_name(named)
    if kind == "OBJECT_SCHEMA":
        return any(part in CATALOG_SCHEMAS for part in parts)
    if kind in _FUNCTIONS and len(parts) == 1:
        return parts[0] not in conversion.survey.functions and not is_user_defined(parts)
    return any(part in CATALOG_SCHEMAS for part in parts[:1])


def _is_there(conversion: Conversion, kind: str, named: Node) -> bool:
    """Say if an index or constraint was not left out, as far as the script can tell."""
    parts = object_name(named)
    if kind == "OBJECT_INDEX":
        return parts[-1] in conversion.taken(qualified_name(parts)[0])
    if kind == "OBJECT_DOMCONSTRAINT":
        return not domains.lacks(conversion, named)
    return parts[-1] not in conversion.lost_constraints.get(qualified_name(parts[:-1]), ())


def _rename(conversion: Conversion, draft: ConvertedStatement, named: Node) -> None:
    """Name an identity's sequence in a statement that names it by a list."""
    if "List" in named and (new := conversion.renamed.get(qualified_name(object_name(named)))) is not None:
        named["List"]["items"] = [{"String": {"sval": part}} for part in new]
        draft.changed("the sequence is an identity's")


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
    if any(_is_postgresqls(conversion, kind, item) for item in kept):
        conversion.skip(draft, _POSTGRESQLS, human=True)
        return
    if kept != objects:
        top["objects"] = kept
        draft.changed("objects left out that are not carried over")
    needs_roles(conversion, draft, [item["RoleSpec"] for item in items(top.get("grantees"))])
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
    needs_roles(conversion, draft, [item["RoleSpec"] for item in grantees])
    conversion.statements.append(draft)


def needs_roles(conversion: Conversion, draft: ConvertedStatement, roles: Iterable[Node]) -> None:
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
    needs_roles(
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


def drop(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a DROP over if there can be something to drop."""
    top = draft.top
    kind: str = top["removeType"]
    if kind == "OBJECT_MATVIEW":
        top["removeType"] = kind = "OBJECT_VIEW"
        draft.changed("of a plain view")
    for item in items(top.get("objects")):
        conversion.lost.drop(kind, item)
    if not is_object(top) and (top.get("missing_ok") or _all_left_out(conversion, top)):
        conversion.skip(draft, "Aurora DSQL has none of its kind")
        return
    objects = items(top.get("objects"))
    kept = [item for item in objects if conversion.survey.lacking.subject(kind, item) is None]
    if kind == "OBJECT_TABLE" and _are_partitions(conversion, objects, draft.line):
        conversion.skip(draft, "one plain table has the rows of the partition: DELETE them", blocks=True)
        return
    if objects and not kept:
        conversion.skip(draft, "it is about what is left out")
        return
    if any(_is_postgresqls(conversion, kind, item) for item in kept):
        conversion.skip(draft, _POSTGRESQLS, blocks=True)
        return
    if kept != objects:
        top["objects"] = kept
        draft.changed("objects left out that are not carried over")
    if top.pop("concurrent", None):
        draft.changed("CONCURRENTLY left out")
    for item in kept:
        _forget(conversion, kind, item)
    conversion.statements.append(draft)


def _are_partitions(conversion: Conversion, objects: Iterable[Node], line: int) -> bool:
    """Say if one of some tables is a partition that is made before a line."""
    names = [qualified_name(object_name(item)) for item in objects]
    lines = conversion.survey.partitions.lines
    return any(lines.get(name, line) < line for name in names)


def _all_left_out(conversion: Conversion, top: Node) -> bool:
    """Say if a DROP is about types, triggers or the like that the script itself has made."""
    if top["removeType"] == "OBJECT_TYPE":
        names = [qualified_name(object_name(item)) for item in items(top.get("objects"))]
        types = conversion.types
        return all(
            n in types.enums or n in types.composites or n in conversion.survey.lacking.types for n in names
        )
    return top["removeType"] in (
        "OBJECT_TRIGGER",
        "OBJECT_RULE",
        "OBJECT_POLICY",
        "OBJECT_EXTENSION",
        "OBJECT_AGGREGATE",
    )


def _forget(conversion: Conversion, kind: str, named: Node) -> None:
    functions.forget(conversion, named)
    parts = object_name(named)
    if not parts:
        return
    name: Name = qualified_name(parts)
    if kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"):
        conversion.free(name[0], [name[1]])
    if kind == "OBJECT_TABLE":
        made = conversion.tables.pop(name, None)
        conversion.free(name[0], made.relations if made else [f"{name[1]}_pkey"])
        gone = conversion.constraints.get(name, set[str]()) | (made.constraint_names if made else set[str]())
        conversion.constraints_of(name[0]).difference_update(gone)
        conversion.columns.pop(name, None)
        conversion.constraints.pop(name, None)
        conversion.not_null.pop(name, None)
    elif kind == "OBJECT_VIEW":
        conversion.views.discard(name)
        conversion.columns.pop(name, None)
        conversion.view_columns.pop(name, None)
        conversion.other_rows.pop(name, None)
    elif kind == "OBJECT_DOMAIN":
        conversion.types.domains.pop(name, None)
        conversion.lost_constraints.pop(name, None)
