"""Names of commands, as the headings of PostgreSQL's manual have them."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from awslabs_dsql_mcp.sql.parse_tree import Node, Tree

_IRREGULAR: Final = {
    "SelectStmt": "SELECT",
    "VariableShowStmt": "SHOW",
    "VariableSetStmt": "SET",
    "ConstraintsSetStmt": "SET CONSTRAINTS",
    "CreateStmt": "CREATE TABLE",
    "IndexStmt": "CREATE INDEX",
    "ViewStmt": "CREATE VIEW",
    "RuleStmt": "CREATE RULE",
    "CreateSeqStmt": "CREATE SEQUENCE",
    "AlterSeqStmt": "ALTER SEQUENCE",
    "CreateStatsStmt": "CREATE STATISTICS",
    "AlterStatsStmt": "ALTER STATISTICS",
    "AlterRoleSetStmt": "ALTER ROLE",
    "GrantRoleStmt": "GRANT",
    "CreatedbStmt": "CREATE DATABASE",
    "DropdbStmt": "DROP DATABASE",
    "AlterDatabaseSetStmt": "ALTER DATABASE",
    "AlterDatabaseRefreshCollStmt": "ALTER DATABASE",
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
    "DropTableSpaceStmt": "DROP TABLESPACE",
    "CreateEnumStmt": "CREATE TYPE",
    "CreateRangeStmt": "CREATE TYPE",
    "CompositeTypeStmt": "CREATE TYPE",
    "AlterEnumStmt": "ALTER TYPE",
    "CreateTrigStmt": "CREATE TRIGGER",
    "CreateEventTrigStmt": "CREATE EVENT TRIGGER",
    "AlterEventTrigStmt": "ALTER EVENT TRIGGER",
    "CreatePLangStmt": "CREATE LANGUAGE",
    "CreateAmStmt": "CREATE ACCESS METHOD",
    "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
    "AlterFdwStmt": "ALTER FOREIGN DATA WRAPPER",
    "CreateForeignServerStmt": "CREATE SERVER",
    "AlterForeignServerStmt": "ALTER SERVER",
    "CreateOpClassStmt": "CREATE OPERATOR CLASS",
    "CreateOpFamilyStmt": "CREATE OPERATOR FAMILY",
    "AlterOpFamilyStmt": "ALTER OPERATOR FAMILY",
    "AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION",
    "AlterTSDictionaryStmt": "ALTER TEXT SEARCH DICTIONARY",
    "AlterExtensionContentsStmt": "ALTER EXTENSION",
    "SecLabelStmt": "SECURITY LABEL",
    "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
    "LockStmt": "LOCK TABLE",
    "CheckPointStmt": "CHECKPOINT",
    "ClosePortalStmt": "CLOSE",
    "DropOwnedStmt": "DROP OWNED",
}
"""Node types that are not the command's words run together, as ``CreateSchemaStmt`` is."""

_ABOUT_OBJECTS: Final = {
    "DropStmt": ("DROP", "removeType"),
    "AlterTableStmt": ("ALTER", "objtype"),
    "RenameStmt": ("ALTER", "renameType"),
    "AlterOwnerStmt": ("ALTER", "objectType"),
    "AlterObjectSchemaStmt": ("ALTER", "objectType"),
    "DefineStmt": ("CREATE", "kind"),
}
"""Node types for all kinds of objects: the verb, and the field that tells the kind."""

_OBJECTS: Final = {
    "MATVIEW": "MATERIALIZED VIEW",
    "STATISTIC EXT": "STATISTICS",
    "TABCONSTRAINT": "TABLE",
    "DOMCONSTRAINT": "DOMAIN",
    "ATTRIBUTE": "TYPE",
    "FDW": "FOREIGN DATA WRAPPER",
    "OPCLASS": "OPERATOR CLASS",
    "OPFAMILY": "OPERATOR FAMILY",
    "TSCONFIGURATION": "TEXT SEARCH CONFIGURATION",
    "TSDICTIONARY": "TEXT SEARCH DICTIONARY",
    "TSPARSER": "TEXT SEARCH PARSER",
    "TSTEMPLATE": "TEXT SEARCH TEMPLATE",
}

_TRANSACTION: Final = {
    "START": "START TRANSACTION",
    "PREPARE": "PREPARE TRANSACTION",
    "RELEASE": "RELEASE SAVEPOINT",
    "ROLLBACK TO": "ROLLBACK TO SAVEPOINT",
}

_VARIANTS: Final[Mapping[str, tuple[str, Callable[[Node], bool]]]] = {
    "SelectStmt": ("VALUES", lambda top: "valuesLists" in top),
    "GrantStmt": ("REVOKE", lambda top: not top.get("is_grant")),
    "GrantRoleStmt": ("REVOKE", lambda top: not top.get("is_grant")),
    "VacuumStmt": ("ANALYZE", lambda top: not top.get("is_vacuumcmd")),
    "CreateTableAsStmt": ("CREATE MATERIALIZED VIEW", lambda top: top.get("objtype") == "OBJECT_MATVIEW"),
    "CreateFunctionStmt": ("CREATE PROCEDURE", lambda top: top.get("is_procedure", False)),
    "FetchStmt": ("MOVE", lambda top: top.get("ismove", False)),
    "VariableSetStmt": ("RESET", lambda top: str(top.get("kind")).startswith("VAR_RESET")),
}
"""Node types that serve two commands: the rarer one, and its mark."""


def command(tree: Tree) -> str:
    """Name a statement: ``CREATE TABLE``, ``DROP VIEW``, ``SELECT``."""
    return name(tree.kind, tree.root)


def name(kind: str, top: Node) -> str:
    """Name a statement inside another one.

    Args:
        kind: Its node type.
        top: Its fields.
    """
    if kind in _ABOUT_OBJECTS:
        verb, field = _ABOUT_OBJECTS[kind]
        return f"{verb} {_object(top, field)}"
    if (variant := _variant(kind, top)) is not None:
        return variant
    return _IRREGULAR.get(kind) or _regular(kind)


@cache
def _regular(kind: str) -> str:
    return " ".join(re.findall("[A-Z][a-z]*", kind.removesuffix("Stmt"))).upper()


def _object(top: Node, field: str) -> str:
    text = _words(top.get(field, "OBJECT_TABLE"))
    if text == "COLUMN":
        text = _words(top.get("relationType", "OBJECT_TABLE"))
    return _OBJECTS.get(text, text)


def _words(constant: Any) -> str:  # noqa: ANN401 - a field of the tree
    return str(constant).removeprefix("OBJECT_").replace("_", " ")


def _variant(kind: str, top: Node) -> str | None:
    """Node types that serve two commands or more."""
    if kind == "TransactionStmt":
        verb = str(top["kind"]).removeprefix("TRANS_STMT_").replace("_", " ")
        return _TRANSACTION.get(verb, verb)
    if kind not in _VARIANTS:
        return None
    other, holds = _VARIANTS[kind]
    return other if holds(top) else None
