"""Forms of ALTER TABLE: which Aurora DSQL accepts, and what to do instead of the others.

Forms are named by the parser's subtype without ``AT_``. RENAME and SET SCHEMA are statements
of their own.

Sources: Aurora DSQL user guide, "ALTER TABLE" (the accepted forms); messages of clusters recorded in
September and October 2026 (``unsupported ALTER TABLE … statement``); AWS's cluster tests of dsql-lint,
2026-08-07 (TRIGGER ALL and USER); PostgreSQL 16, ``alter_table_type_to_string`` in tablecmds.c (how a
form is spelled).
"""

from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.dsql.limits import MAX_ROWS


@dataclass(frozen=True)
class AlterTableForm:
    """A form that Aurora DSQL refuses.

    Attributes:
        spelled: The form as PostgreSQL's messages spell it, without ALTER TABLE.
        instead: What to do instead, as one or two sentences.
        dispensable: The reason why a script works without it, as a clause; empty when it does not.
        needs_review: Somebody has to make up for it when it is left out of a script.
        in_script: The same for a statement of a script; empty where it reads as `instead`.
    """

    spelled: str
    instead: str
    dispensable: str = ""
    needs_review: bool = False
    in_script: str = ""


def _left_out(spelled: str, why: str) -> AlterTableForm:
    return AlterTableForm(spelled, f"Leave it out: {why}.", why)


_NO_TRIGGERS: Final = "there are no triggers"
_NO_RULES: Final = "there are no rules"
_STORAGE: Final = "Aurora DSQL has no storage parameters"
_NO_SECURITY: Final = "Aurora DSQL has no row-level security"
_FILTER: Final = "Filter in views, and grant on those."
_FLAT: Final = "Use separate tables, and a view with UNION ALL."
_ONE_TABLE: Final = "Use one table: Aurora DSQL splits it by its key."
_IN_ORDER: Final = "Write in its place, in this order:"
_PARTS: Final = f"under {MAX_ROWS:,} rows a transaction"
_SPLITS: Final = "`batch_write` splits a larger UPDATE."
_TRIGGER: Final = "Do the work in the statements that change the table."

ACCEPTED: Final = frozenset(
    (
        *("AddColumn", "DropColumn", "ColumnDefault", "DropNotNull", "DropExpression", "SetStorage"),
        *("AddIdentity", "SetIdentity", "DropIdentity", "AddConstraint", "DropConstraint", "AlterConstraint"),
        *("ChangeOwner", "EnableTrigAll", "DisableTrigAll", "EnableTrigUser", "DisableTrigUser"),
    )
)
"""Forms that Aurora DSQL has; ADD COLUMN takes a name and a type, ADD CONSTRAINT a few kinds."""

REFUSED: Final = {
    "AlterColumnType": AlterTableForm(
        "ALTER COLUMN ... SET DATA TYPE",
        "Calls of `transact`, in this order: ADD COLUMN of the new type; UPDATE it from the old one, under "
        f"{MAX_ROWS:,} rows a call; DROP COLUMN; RENAME COLUMN. {_SPLITS}",
        in_script=f"{_IN_ORDER} ADD COLUMN of the new type; UPDATE it from the old one, {_PARTS}; DROP "
        "COLUMN; RENAME COLUMN.",
    ),
    "SetNotNull": AlterTableForm(
        "ALTER COLUMN ... SET NOT NULL",
        "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID; then ALTER TABLE ASYNC … VALIDATE "
        "CONSTRAINT: one call each.",
    ),
    "SetExpression": AlterTableForm(
        "ALTER COLUMN ... SET EXPRESSION",
        "Calls of `transact`, in this order: ALTER COLUMN … DROP EXPRESSION; UPDATE the column, under "
        f"{MAX_ROWS:,} rows a call. {_SPLITS}",
        in_script=f"{_IN_ORDER} ALTER COLUMN … DROP EXPRESSION; UPDATE the column, {_PARTS}.",
    ),
    "SetStatistics": _left_out(
        "ALTER COLUMN ... SET STATISTICS",
        "Aurora DSQL has no such setting; CREATE STATISTICS covers columns that depend on each other",
    ),
    "SetOptions": _left_out("ALTER COLUMN ... SET", _STORAGE),
    "ResetOptions": _left_out("ALTER COLUMN ... RESET", _STORAGE),
    "SetCompression": _left_out("ALTER COLUMN ... SET COMPRESSION", "Aurora DSQL chooses compression"),
    "AlterColumnGenericOptions": _left_out(
        "ALTER COLUMN ... OPTIONS", "Aurora DSQL has no foreign data wrappers"
    ),
    "ValidateConstraint": AlterTableForm(
        "VALIDATE CONSTRAINT", "Write ALTER TABLE ASYNC … VALIDATE CONSTRAINT …, alone in its call."
    ),
    "ClusterOn": _left_out("CLUSTER ON", "a table is kept in the order of its primary key"),
    "DropCluster": _left_out("SET WITHOUT CLUSTER", "a table is kept in the order of its primary key"),
    "SetAccessMethod": _left_out("SET ACCESS METHOD", "Aurora DSQL has one way to store a table"),
    "SetLogged": _left_out("SET LOGGED", "every table is logged"),
    "SetUnLogged": _left_out("SET UNLOGGED", "every table is logged"),
    "DropOids": _left_out("SET WITHOUT OIDS", "no table has such a column"),
    "SetTableSpace": _left_out("SET TABLESPACE", "Aurora DSQL has no tablespaces"),
    "SetRelOptions": _left_out("SET", _STORAGE),
    "ResetRelOptions": _left_out("RESET", _STORAGE),
    "EnableTrig": AlterTableForm("ENABLE TRIGGER", _TRIGGER, _NO_TRIGGERS),
    "EnableAlwaysTrig": AlterTableForm("ENABLE ALWAYS TRIGGER", _TRIGGER, _NO_TRIGGERS),
    "EnableReplicaTrig": AlterTableForm("ENABLE REPLICA TRIGGER", _TRIGGER, _NO_TRIGGERS),
    "DisableTrig": _left_out("DISABLE TRIGGER", _NO_TRIGGERS),
    "EnableRule": _left_out("ENABLE RULE", _NO_RULES),
    "EnableAlwaysRule": _left_out("ENABLE ALWAYS RULE", _NO_RULES),
    "EnableReplicaRule": _left_out("ENABLE REPLICA RULE", _NO_RULES),
    "DisableRule": _left_out("DISABLE RULE", _NO_RULES),
    "AddInherit": AlterTableForm("INHERIT", _FLAT),
    "DropInherit": AlterTableForm("NO INHERIT", _FLAT),
    "AddOf": AlterTableForm("OF", "Write the columns out in CREATE TABLE."),
    "DropOf": _left_out("NOT OF", "no table is tied to a type"),
    "ReplicaIdentity": _left_out("REPLICA IDENTITY", "Aurora DSQL has no logical replication"),
    "EnableRowSecurity": AlterTableForm("ENABLE ROW SECURITY", _FILTER, _NO_SECURITY, needs_review=True),
    "ForceRowSecurity": AlterTableForm("FORCE ROW SECURITY", _FILTER, _NO_SECURITY, needs_review=True),
    "DisableRowSecurity": _left_out("DISABLE ROW SECURITY", _NO_SECURITY),
    "NoForceRowSecurity": _left_out("NO FORCE ROW SECURITY", _NO_SECURITY),
    "GenericOptions": _left_out("OPTIONS", "Aurora DSQL has no foreign data wrappers"),
    "AttachPartition": AlterTableForm("ATTACH PARTITION", _ONE_TABLE),
    "DetachPartition": AlterTableForm("DETACH PARTITION", _ONE_TABLE),
    "DetachPartitionFinalize": AlterTableForm("DETACH PARTITION ... FINALIZE", _ONE_TABLE),
}
"""Forms that Aurora DSQL refuses, by name."""


def refused_form(subtype: str) -> AlterTableForm | None:
    """Find why a form is refused.

    Args:
        subtype: The parser's name of the form, with or without ``AT_``.

    Returns:
        ``None`` for a form that is accepted; a row without advice for one that is not listed.
    """
    name = subtype.removeprefix("AT_")
    if name in ACCEPTED:
        return None
    return REFUSED.get(name) or AlterTableForm(name, "Make a new table, copy the rows, and rename it.")
