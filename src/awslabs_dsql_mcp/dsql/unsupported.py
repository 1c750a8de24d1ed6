"""Statements that Aurora DSQL lacks, by the parser's node, and what to do instead.

Sources: Aurora DSQL user guide, "Supported SQL commands", "CREATE TABLE", "CREATE INDEX", "Migrating from
PostgreSQL to Aurora DSQL"; messages of clusters recorded from July to October 2026; dsql-lint 0.2.22 (ALTER
FUNCTION, ALTER ROLE … SET, policies). Statements that no source names are taken to be unsupported.
"""

from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.dsql import limits


@dataclass(frozen=True)
class Unsupported:
    """A statement that Aurora DSQL refuses.

    Attributes:
        rule: A stable id of the reason, in kebab case.
        why: What is wrong, as a sentence; ``{}`` stands for the command.
        instead: What to do instead, as one or two sentences.
        dispensable: The reason why a script works without it, as a clause; empty when it does not.
        needs_review: Somebody has to make up for it when it is left out of a script.
        in_script: The same for a statement of a script; empty where it reads as `instead`.
    """

    rule: str
    why: str
    instead: str
    dispensable: str = ""
    needs_review: bool = False
    in_script: str = ""


SUPPORTED_STATEMENTS: Final = frozenset(
    (
        *("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "CopyStmt", "ExplainStmt", "CallStmt"),
        *("TransactionStmt", "VariableSetStmt", "VariableShowStmt", "ConstraintsSetStmt", "DeallocateStmt"),
        *("VacuumStmt", "CreateStmt", "AlterTableStmt", "IndexStmt", "CreateDomainStmt", "AlterDomainStmt"),
        *("CreateSeqStmt", "AlterSeqStmt", "ViewStmt", "CreateFunctionStmt", "CreateSchemaStmt"),
        *("CreateStatsStmt", "AlterStatsStmt", "DropStmt", "RenameStmt", "AlterOwnerStmt"),
        *("AlterObjectSchemaStmt", "CommentStmt", "GrantStmt", "GrantRoleStmt"),
        *(
            "AlterDefaultPrivilegesStmt",
            "CreateRoleStmt",
            "AlterRoleStmt",
            "AlterRoleSetStmt",
            "DropRoleStmt",
        ),
    )
)
"""Statements of which Aurora DSQL has at least one form: VACUUM's node stands for ANALYZE too."""

_CURSOR: Final = Unsupported(
    "session-state",
    "{} is about cursors, which Aurora DSQL does not have.",
    "SELECT with ORDER BY a key and LIMIT; for the next page, add WHERE key > the last one you saw.",
)
_CHANNEL: Final = Unsupported(
    "session-state",
    "{} is about notifications, which Aurora DSQL does not have.",
    "Write messages to a table with `transact`, and read them from there.",
    "Aurora DSQL has no notifications",
)
_PREPARED: Final = Unsupported(
    "session-state",
    "{} is about prepared statements, which live in a session; none is kept here.",
    "Send the statement itself, with %s for each value and the values as parameters.",
    in_script="Write the statement itself where it is executed, with its values.",
)
_SECURITY: Final = Unsupported(
    "unsupported-statement",
    "Aurora DSQL does not have {}: it has no row-level security.",
    "Filter in views, and grant on those.",
    "Aurora DSQL has no row-level security: filter in views",
    needs_review=True,
)

CREATE_FROM_QUERY: Final = Unsupported(
    "create-from-query",
    "{} makes a table from a query, which Aurora DSQL does not have.",
    "Two calls of `transact`, in this order: CREATE TABLE with its columns; then INSERT INTO … SELECT …, at "
    f"most {limits.MAX_ROWS:,} rows a call. `batch_write` splits a larger INSERT.",
    in_script="Write CREATE TABLE with its columns, then INSERT INTO … SELECT ….",
)
MATERIALIZED: Final = Unsupported(
    "no-materialized-views",
    "{}: Aurora DSQL has no materialized views.",
    "Use CREATE VIEW, or a table that you fill with INSERT … SELECT.",
    "a plain view needs no refresh",
)
PROCEDURE: Final = Unsupported(
    "no-procedures",
    "{} runs code that Aurora DSQL does not have: it has functions in LANGUAGE SQL and no procedures.",
    "Send the statements themselves, in one list to `transact`.",
    in_script="Write the statements that it runs in its place.",
)
UPKEEP: Final = Unsupported(
    "maintenance",
    "{} is upkeep, which Aurora DSQL does by itself.",
    "Leave it out; statistics follow changes of the data (jobs of type ANALYZE in sys.jobs).",
    "upkeep, which Aurora DSQL does by itself",
)
TYPE: Final = Unsupported(
    "no-types",
    "Aurora DSQL has no types of your own.",
    "Use text or varchar with CHECK (column IN ('a', 'b')), or a domain: CREATE DOMAIN.",
)
TEMPORARY: Final = Unsupported(
    "temporary",
    "Aurora DSQL does not have {}.",
    "Use a WITH query inside of the statement, or a plain table that you drop afterwards.",
)
OTHER: Final = Unsupported(
    "unsupported-statement",
    "{} is not a statement that Aurora DSQL has.",
    "Leave it out; the documentation tools find what Aurora DSQL has for the purpose.",
)


def _lacking(reason: str, *, needs_review: bool = False) -> Unsupported:
    return replace(OTHER, dispensable=reason, needs_review=needs_review)


_NO_RULES: Final = "Aurora DSQL has no rules: do their work in the statements that change the table"
_NO_TEXT_SEARCH: Final = "Aurora DSQL has no text search configurations: search outside of the database"
_NO_REPLICATION: Final = "Aurora DSQL has no logical replication: a CDC stream carries changes on"
_NO_FOREIGN_DATA: Final = "Aurora DSQL has no foreign data wrappers: copy the data"
_NO_SETTINGS: Final = "a database has no settings of its own: put SET LOCAL first in a transaction"
_NO_TABLESPACES: Final = "Aurora DSQL has no tablespaces"
_NO_EXTENSIONS: Final = "Aurora DSQL has no extensions"
_NO_OPERATORS: Final = "Aurora DSQL has none of its kind"
_NO_EVENTS: Final = "Aurora DSQL has no event triggers"

STATEMENTS: Final = {
    **dict.fromkeys(("RuleStmt",), _lacking(_NO_RULES, needs_review=True)),
    **dict.fromkeys(
        ("DefineStmt", "CreateCastStmt", "CreateOpClassStmt", "CreateOpFamilyStmt", "AlterOpFamilyStmt"),
        _lacking(_NO_OPERATORS, needs_review=True),
    ),
    **dict.fromkeys(
        ("AlterOperatorStmt", "CreateConversionStmt", "CreateTransformStmt"), _lacking(_NO_OPERATORS)
    ),
    **dict.fromkeys(("AlterTSConfigurationStmt", "AlterTSDictionaryStmt"), _lacking(_NO_TEXT_SEARCH)),
    **dict.fromkeys(("CreateEventTrigStmt", "AlterEventTrigStmt"), _lacking(_NO_EVENTS, needs_review=True)),
    **dict.fromkeys(
        ("CreatePublicationStmt", "CreateSubscriptionStmt"), _lacking(_NO_REPLICATION, needs_review=True)
    ),
    **dict.fromkeys(
        ("AlterPublicationStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt"), _lacking(_NO_REPLICATION)
    ),
    **dict.fromkeys(
        ("CreateFdwStmt", "CreateForeignServerStmt", "CreateForeignTableStmt"),
        _lacking(_NO_FOREIGN_DATA, needs_review=True),
    ),
    **dict.fromkeys(
        (
            *("AlterFdwStmt", "AlterForeignServerStmt", "CreateUserMappingStmt"),
            *("AlterUserMappingStmt", "DropUserMappingStmt"),
        ),
        _lacking(_NO_FOREIGN_DATA),
    ),
    **dict.fromkeys(
        ("CreateTableSpaceStmt", "DropTableSpaceStmt", "AlterTableSpaceOptionsStmt"),
        _lacking(_NO_TABLESPACES),
    ),
    **dict.fromkeys(("AlterExtensionStmt", "AlterExtensionContentsStmt"), _lacking(_NO_EXTENSIONS)),
    **dict.fromkeys(("AlterDatabaseStmt", "AlterDatabaseRefreshCollStmt"), _lacking(_NO_SETTINGS)),
    "AlterDatabaseSetStmt": _lacking(_NO_SETTINGS, needs_review=True),
    "AlterSystemStmt": _lacking("AWS runs the server", needs_review=True),
    "SecLabelStmt": _lacking("Aurora DSQL has no security labels"),
    "CreateAmStmt": _lacking("Aurora DSQL has one way to store a table"),
    "CreatePLangStmt": _lacking("functions are in LANGUAGE SQL"),
    "AlterObjectDependsStmt": _lacking(_NO_EXTENSIONS),
    "ReassignOwnedStmt": _lacking("who runs this owns what it makes"),
    "DropdbStmt": _lacking("a cluster has one database, postgres"),
    "DeclareCursorStmt": _CURSOR,
    "FetchStmt": _CURSOR,
    "ClosePortalStmt": _CURSOR,
    "ListenStmt": _CHANNEL,
    "UnlistenStmt": _CHANNEL,
    "NotifyStmt": _CHANNEL,
    "PrepareStmt": _PREPARED,
    "ExecuteStmt": _PREPARED,
    "DoStmt": PROCEDURE,
    "CreateTableAsStmt": CREATE_FROM_QUERY,
    "RefreshMatViewStmt": MATERIALIZED,
    "LockStmt": Unsupported(
        "lock-table",
        "{}: Aurora DSQL locks no tables.",
        "Leave it out: conflicts are found at COMMIT and the transaction is run again. SELECT … FOR UPDATE "
        "protects rows.",
        "Aurora DSQL locks no tables; conflicts are found at COMMIT",
    ),
    "TruncateStmt": Unsupported(
        "truncate",
        "Aurora DSQL has no TRUNCATE.",
        "Give `batch_write` DELETE FROM the table, which it splits. By hand, in calls of `transact`: DELETE "
        "by ranges of the key, under 3,000 rows a call, until none is left; or, if nothing depends on the "
        "table, DROP TABLE, then CREATE TABLE.",
        in_script="Write DELETE FROM the table in parts of under 3,000 rows; or, if nothing depends on the "
        "table, DROP TABLE and CREATE TABLE.",
    ),
    "MergeStmt": Unsupported(
        "merge",
        "Aurora DSQL has no MERGE.",
        "INSERT … ON CONFLICT (key) DO UPDATE SET …; or an UPDATE and an INSERT … WHERE NOT EXISTS, in one "
        "list to `transact`.",
        in_script="Write INSERT … ON CONFLICT (key) DO UPDATE SET …; or UPDATE, and INSERT … WHERE NOT "
        "EXISTS.",
    ),
    "ReindexStmt": UPKEEP,
    "ClusterStmt": UPKEEP,
    "CheckPointStmt": UPKEEP,
    "CreateTrigStmt": Unsupported(
        "no-triggers",
        "Aurora DSQL has no triggers.",
        "Do the work in the statements that change the table: all in one list to `transact`.",
        "Aurora DSQL has no triggers: do its work in the statements that change the table",
        needs_review=True,
    ),
    "CreateExtensionStmt": Unsupported(
        "no-extensions",
        "Aurora DSQL has no extensions.",
        "Use what is built in: gen_random_uuid(), for instance, needs none.",
        "Aurora DSQL has no extensions",
        needs_review=True,
    ),
    "CreateEnumStmt": TYPE,
    "AlterEnumStmt": TYPE,
    "AlterTypeStmt": TYPE,
    "CreateRangeStmt": TYPE,
    "CompositeTypeStmt": Unsupported(
        "no-types", "Aurora DSQL has no composite types.", "Use columns, or one of type jsonb."
    ),
    "CreatedbStmt": Unsupported(
        "one-database",
        "A cluster has one database, postgres.",
        f"CREATE SCHEMA (up to {limits.MAX_SCHEMAS} a cluster) keeps things apart; another "
        "database is another cluster.",
        "a cluster has one database, postgres",
    ),
    "CreatePolicyStmt": _SECURITY,
    "AlterPolicyStmt": _SECURITY,
    "AlterFunctionStmt": Unsupported(
        "unsupported-statement",
        "Aurora DSQL changes no properties of a function.",
        "CREATE OR REPLACE FUNCTION with the properties that it is to have.",
        "Aurora DSQL changes no properties of a function: give them in CREATE FUNCTION",
        needs_review=True,
    ),
}
"""Statements of which Aurora DSQL has no form, with advice of their own."""


DOMAIN_FORMS: Final = {"C": "ADD CONSTRAINT", "O": "SET NOT NULL", "V": "VALIDATE CONSTRAINT"}
"""Refused forms of ALTER DOMAIN, by the parser's letter; taken to be so, as those of ALTER TABLE are."""

ROLE_OPTIONS: Final = frozenset(
    ("canlogin", "inherit", "addroleto", "rolemembers", "adminmembers", "createrole", "createdb")
)
"""Options of CREATE ROLE and ALTER ROLE that are accepted: passwords and the like are IAM's business."""

LOCK_STRENGTHS: Final = frozenset(("LCS_FORUPDATE", "LCS_FORKEYSHARE"))
"""Row locks that Aurora DSQL has."""
