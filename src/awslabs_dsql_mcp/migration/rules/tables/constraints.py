"""Constraints in the forms that Aurora DSQL has: none of PostgreSQL 18, no DEFERRABLE keys, no EXCLUDE.

(PostgreSQL documentation, CREATE TABLE; AWS: Aurora DSQL user guide, CREATE TABLE: keys with NULLS NOT
DISTINCT and INCLUDE, foreign keys with DEFERRABLE.)
"""

from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, SkippedStatement
from awslabs_dsql_mcp.migration.rules.expressions import changed_results, obstacle, unknown_function
from awslabs_dsql_mcp.migration.rules.operations import differences
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.sql.parse_tree import Node

KEYS: Final = {"CONSTR_PRIMARY": "PRIMARY KEY", "CONSTR_UNIQUE": "UNIQUE"}
_EXPRESSIONS: Final = {"CONSTR_DEFAULT": "DEFAULT", "CONSTR_CHECK": "CHECK", "CONSTR_GENERATED": "GENERATED"}
_DEFERRED: Final = frozenset(("CONSTR_ATTR_DEFERRABLE", "CONSTR_ATTR_DEFERRED"))
_DEFERRAL: Final = _DEFERRED | {"CONSTR_ATTR_NOT_DEFERRABLE", "CONSTR_ATTR_IMMEDIATE"}
LACKING_DEFERRAL: Final = "DEFERRABLE left out: each statement is checked, not the whole transaction"
_NOT_ENFORCED: Final = "a constraint that is NOT ENFORCED left out: it checks nothing"


def settle(conversion: Conversion, table: Name, constraints: Iterable[Node]) -> tuple[list[Node], list[str]]:
    """Give constraints the form that Aurora DSQL has.

    Args:
        conversion: The conversion.
        table: The table that they are of.
        constraints: Those of a table, or of one of its columns, in order, each wrapped by its node's name.

    Returns:
        Those that stay, and notes on what was changed.
    """
    kept: list[Node] = []
    notes: list[str] = []
    before, stayed = "", False  # the constraint that an attribute is about
    for item in constraints:
        constraint: Node = item["Constraint"]
        kind: str = constraint["contype"]
        if kind == "CONSTR_ATTR_NOT_ENFORCED" and stayed:
            kept.pop()
            stayed = False
            notes.append(_NOT_ENFORCED)
        elif kind in _DEFERRAL and before in KEYS and kind in _DEFERRED:
            notes.append(f"{BY_HAND}{LACKING_DEFERRAL}")
        elif kind in _DEFERRAL and stayed and before not in KEYS:
            kept.append(item)
        elif not kind.startswith("CONSTR_ATTR"):
            stayed, note = _settled(conversion, table, constraint)
            before = kind
            if not stayed and "conname" in constraint:
                conversion.lost_constraints.setdefault(table, set()).add(constraint["conname"])
            kept += [item] if stayed else []
            notes += [note] if note else []
    return kept, list(dict.fromkeys(notes))


def folded_key(conversion: Conversion, table: Name, columns: Iterable[str]) -> list[str]:
    """Write notes on columns of a key that took values for equal which differ in their bytes."""
    changed = conversion.columns.get(table, {})
    return [
        f"{BY_HAND}{name} was {changed[name].former}: its uniqueness is that of bytes here"
        for name in columns
        if name in changed and changed[name].folds
    ]


def plain_key(key: Node) -> list[str]:
    """Take from a key the clauses that Aurora DSQL lacks.

    Returns:
        Notes on them.
    """
    notes: list[str] = []
    if key.pop("deferrable", None):
        key.pop("initdeferred", None)
        notes.append(f"{BY_HAND}{LACKING_DEFERRAL}")
    if key.pop("options", None) or key.pop("indexspace", None):
        key.pop("indexspace", None)
        notes.append("storage parameters and tablespaces of keys left out")
    return notes


def _settled(conversion: Conversion, table: Name, constraint: Node) -> tuple[bool, str]:
    """Say if a constraint stays, with a note on what was changed."""
    kind: str = constraint["contype"]
    named = f" {constraint['conname']}" if "conname" in constraint else ""
    if kind in _EXPRESSIONS:
        return _expression(conversion, table, constraint, named)
    if kind == "CONSTR_FOREIGN":
        return _foreign_key(conversion, table, constraint, named)
    if kind == "CONSTR_EXCLUSION":
        return False, f"{BY_HAND}EXCLUDE{named} left out: check it in the transaction, with FOR UPDATE"
    if kind in KEYS and constraint.get("without_overlaps"):
        spelled = f"{KEYS[kind]}{named} … WITHOUT OVERLAPS"
        return False, f"{BY_HAND}{spelled} left out: check it in the transaction"
    return True, "; ".join(plain_key(constraint)) if kind in KEYS else ""


def _expression(conversion: Conversion, table: Name, constraint: Node, named: str) -> tuple[bool, str]:
    kind: str = constraint["contype"]
    if kind == "CONSTR_CHECK" and is_unenforced(constraint):
        return False, _NOT_ENFORCED
    changed = differences(conversion, "", constraint.get("raw_expr"), [table])
    if (other := next((one for one in changed if not one.is_form), None)) is not None:
        if kind == "CONSTR_GENERATED":  # without it, stored rows lack its values
            why = f"{other.clause}: write the generated column for that"
            line = conversion.statement.item.line
            left = SkippedStatement(line, "GENERATED", why, needs_review=True, is_blocking=True)
            conversion.skipped.append(left)
        return False, f"{BY_HAND}{_EXPRESSIONS[kind]}{named} left out: {other.clause}: write it for that"
    if (why := obstacle(conversion, constraint.get("raw_expr"), [table])) is not None:
        return False, f"{BY_HAND}{_EXPRESSIONS[kind]}{named} left out: {why}"
    unknown = unknown_function(conversion, constraint.get("raw_expr"))
    note = "; ".join([*changed_results(changed), *unknown])
    if kind == "CONSTR_GENERATED" and constraint.get("generated_kind") == "v":
        constraint["generated_kind"] = "s"
        note = "a virtual generated column is STORED"
    if constraint.pop("is_no_inherit", None):
        note = "NO INHERIT left out: there is no inheritance"
    return True, note


def _foreign_key(conversion: Conversion, table: Name, constraint: Node, named: str) -> tuple[bool, str]:
    if constraint.get("fk_with_period") or constraint.get("pk_with_period"):
        return False, f"{BY_HAND}FOREIGN KEY{named} … PERIOD left out: check it in the transaction"
    if is_unenforced(constraint):
        return False, _NOT_ENFORCED
    target = relation_name(constraint["pktable"])
    if (line := conversion.survey.lacking.relations.get(target)) is not None:
        return (
            False,
            f"{BY_HAND}FOREIGN KEY{named} left out: it needs {target[1]} of line {line}, which is left out",
        )
    conversion.lost.add_cascade(table, constraint)
    return True, ""


def is_unenforced(constraint: Node) -> bool:
    """Say if a CHECK or foreign key of a table is NOT ENFORCED."""
    return not constraint.get("is_enforced") and bool(constraint.get("skip_validation"))
