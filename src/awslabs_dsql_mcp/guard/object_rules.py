"""Rules for DDL about domains, sequences, views, functions, privileges and roles (see `table_rules`)."""

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.clauses import COLUMN_CLAUSES
from awslabs_dsql_mcp.dsql.objects import GRANTED_OBJECTS, SYSTEM_SCHEMAS, object_kind
from awslabs_dsql_mcp.dsql.settings import is_settable, may_be_of_role
from awslabs_dsql_mcp.dsql.unsupported import DOMAIN_FORMS, ROLE_OPTIONS
from awslabs_dsql_mcp.guard.ddl_violations import no_cache_size, not_persistent, unsupported, unusable_type
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.definitions import has_cache_size, is_builtin, option
from awslabs_dsql_mcp.sql.parse_tree import constant, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement


def domain(source: ParsedStatement) -> Violation | None:
    """CREATE DOMAIN: over the types of columns."""
    top = source.tree.root
    if "collClause" in top:
        clause = COLUMN_CLAUSES["collClause"]
        return unsupported(
            "table", source.word_after(source.start, "collate"), clause.spelled, clause.instead
        )
    return next(unusable_type(top["typeName"], source.start), None)


def altered_domain(source: ParsedStatement) -> Violation | None:
    """ALTER DOMAIN: its default, and taking its constraints away."""
    form = DOMAIN_FORMS.get(source.tree.root.get("subtype", ""))
    instead = "Make a new domain, and a column of it."
    return (
        unsupported("unsupported-statement", source.start, f"ALTER DOMAIN … {form}", instead)
        if form
        else None
    )


def sequence(source: ParsedStatement) -> Violation | None:
    """CREATE SEQUENCE: with the size of its cache."""
    top = source.tree.root
    if (found := not_persistent(source, top["sequence"], "sequences")) is not None:
        return found
    if not has_cache_size(top.get("options")):
        return no_cache_size("a sequence", source.start)
    return _sequence_type(source)


def altered_sequence(source: ParsedStatement) -> Violation | None:
    """ALTER SEQUENCE: its cache and type keep to the rules of CREATE SEQUENCE."""
    options = source.tree.root.get("options")
    if option(options, "cache") is not None and not has_cache_size(options):
        return no_cache_size("a sequence", source.start)
    return _sequence_type(source)


def _sequence_type(source: ParsedStatement) -> Violation | None:
    given = option(source.tree.root.get("options"), "as")
    if given is None or is_builtin(given.get("arg", {}).get("TypeName", {}), "int8"):
        return None
    location = source.word_after(source.start, "as")
    return unsupported(
        "column-type", location, "sequences of a type but bigint", "Write AS bigint, or nothing."
    )


def view(source: ParsedStatement) -> Violation | None:
    """CREATE VIEW: no temporary ones."""
    if len(source.written()) > limits.MAX_VIEW_CHARACTERS:
        why = f"The definition of a view has at most {limits.MAX_VIEW_CHARACTERS:,} characters."
        return Violation("limit", source.start, why, "Build it from smaller views.")
    return not_persistent(source, source.tree.root["view"], "views")


def function(source: ParsedStatement) -> Violation | None:
    """CREATE FUNCTION: in LANGUAGE SQL; no procedures."""
    if source.tree.root.get("is_procedure"):
        instead = "Send the statements themselves, in one list to `transact`."
        return unsupported("no-procedures", source.tree.start, "procedures", instead)
    for place in source.tree.find("DefElem"):
        language = constant(place.node.get("arg")) if place.node.get("defname") == "language" else None
        if language and language.lower() != "sql":
            instead = "Write it as LANGUAGE SQL: one or more statements, of which the last gives the result."
            return unsupported("function-language", place.location, f"LANGUAGE {language}", instead)
    return None


def grant(source: ParsedStatement) -> Violation | None:
    """GRANT and REVOKE: on tables, sequences, functions, domains and schemas of one's own."""
    top = source.tree.root
    kind = object_kind(top)
    location = source.word_after(source.start, kind.split("_")[0].lower())
    if kind not in GRANTED_OBJECTS:
        instead = "Leave it out: to connect, a role needs AWS IAM GRANT."
        return unsupported("grant", location, f"GRANT ON {kind.replace('_', ' ')}", instead)
    on_objects = top.get("targtype", "ACL_TARGET_OBJECT") == "ACL_TARGET_OBJECT"
    if kind == "SCHEMA" and on_objects and (named := SYSTEM_SCHEMAS & {*strings(top["objects"])}):
        what = f"GRANT ON SCHEMA {min(named)}"
        return unsupported("grant", location, what, "Leave it out: every role can use it.")
    return None


def role(source: ParsedStatement) -> Violation | None:
    """CREATE ROLE and ALTER ROLE: LOGIN and memberships."""
    for item in source.tree.root.get("options", ()):
        if (name := item["DefElem"]["defname"]) not in ROLE_OPTIONS:
            instead = "Leave it out: IAM decides who may connect; AWS IAM GRANT ties a role to an identity."
            return unsupported("role-option", source.start, f"the role option {name.upper()}", instead)
    return None


def role_setting(source: ParsedStatement) -> Violation | None:
    """ALTER ROLE … SET and RESET: what a cluster lets a session set, but how later ones read texts."""
    change = source.tree.root["setstmt"]
    name = str(change.get("name", ""))
    if str(change.get("kind", "")).startswith("VAR_RESET") or may_be_of_role(name):
        return None
    location = source.word_after(source.start, "set")
    instead = "Put SET LOCAL first in `transact`."
    if is_settable(name):
        why = f"{name} of a role would change how statements of later sessions are read."
        return Violation("setting", location, why, instead)
    return unsupported("setting", location, f"the setting {name} of a role", instead)
