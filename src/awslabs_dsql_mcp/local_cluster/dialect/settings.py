"""SET, RESET, SHOW, and the modes of a transaction.

Recorded on clusters: the texts for SET, for SET TRANSACTION, for isolation levels, and that SET ROLE is
refused (AWS's own list of parameters has it, though). By likeness: RESET of a parameter that cannot be set.
"""

import re
from typing import Final, cast

from awslabs_dsql_mcp.dsql.settings import is_settable
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import Refusal, unsupported
from awslabs_dsql_mcp.sql.parse_tree import Node, constant
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_UNKNOWN_TO_POSTGRES: Final = "disable_sync_create_index"

_SHOWN: Final = {"server_version": "16.15", "server_version_num": "160015", "max_connections": "20"}
"""Values that clusters show, whatever PostgreSQL runs here; ``_dsql_shown_setting`` has them for queries."""

_SHOW_ALL: Final = (
    "SELECT name, pg_catalog.current_setting(name) AS setting, short_desc AS description "
    "FROM pg_catalog.pg_settings"
)


_ASCII_INSIDE: Final = re.compile(
    "(big5|gb18030|gbk|johab|mskanji|shiftjis.*|sjis|uhc|win(dows)?(932|936|949|950))"
)
"""Encodings in which a byte of ASCII, a backslash for one, may be the second of a character, with their other
names (PostgreSQL documentation, "Character Set Support"): a text would be read in another way than here.
"""


def refused_setting(name: str, value: str | None) -> Refusal | None:
    """Say why a parameter cannot be set.

    Args:
        name: The parameter.
        value: Its new value, if it is known.
    """
    if name.lower() == "client_encoding" and value is not None:
        encoding = "".join(filter(str.isalnum, value)).lower()
        if _ASCII_INSIDE.fullmatch(encoding):
            return unsupported(f'setting configuration parameter "{name}" to "{value}" not supported')
    if is_settable(name):
        return None
    return unsupported(f'setting configuration parameter "{name}" not supported')


def change(statement: ParsedStatement) -> Refusal | None:
    """SET and RESET."""
    return refused_change(statement.tree.root)


def refused_change(top: Node) -> Refusal | None:
    """Say why a parameter cannot be set in the way of a ``VariableSetStmt``."""
    kind, name = str(top.get("kind", "VAR_SET_VALUE")), str(top.get("name", ""))
    if kind == "VAR_RESET_ALL" or (kind, name) in _ACCEPTED:
        return None
    if (found := _refused_level(top.get("args"))) is not None or name == _CHARACTERISTICS:
        return found
    return refused_setting(name, next(map(constant, top.get("args", ())), None))


_CHARACTERISTICS: Final = "SESSION CHARACTERISTICS"
_ACCEPTED: Final = frozenset(
    (
        ("VAR_RESET", "session_authorization"),
        ("VAR_SET_DEFAULT", "session_authorization"),
        ("VAR_RESET", "transaction_isolation"),
    )
)
"""Forms that AWS's grammar of DSQL has, though their parameters cannot be set."""


def transaction(statement: ParsedStatement) -> Refusal | None:
    """BEGIN, COMMIT, ROLLBACK, SAVEPOINT and the like."""
    top = statement.tree.root
    name = str(top.get("kind", "")).removeprefix("TRANS_STMT_").replace("_", " ")
    if name in ("BEGIN", "START"):
        return _refused_level(top.get("options"))
    if top.get("chain"):
        return unsupported(f"unsupported transaction statement: {name} AND CHAIN")
    if name in ("COMMIT", "ROLLBACK"):
        return None
    return unsupported(f"unsupported transaction statement: {_TWO_PHASE.get(name, name)}")


_TWO_PHASE: Final = {"PREPARE": "PREPARE TRANSACTION"}


def edits(statement: ParsedStatement) -> list[tuple[int, int, str]]:
    """List the edits that make a parameter that only Aurora DSQL has a custom one.

    PostgreSQL cannot reset the level of a transaction; there is only one.
    """
    top = statement.tree.root
    top = top.get("setstmt", top)
    if (top.get("kind"), top.get("name")) == ("VAR_RESET", "transaction_isolation"):
        return [(statement.tokens[1].start, statement.tokens[-1].end, "dsql.transaction_isolation")]
    if top.get("name") != _UNKNOWN_TO_POSTGRES:
        return []
    return [
        (token.start, token.end, f"dsql.{_UNKNOWN_TO_POSTGRES}")
        for token in statement.tokens
        if token.word.strip('"') == _UNKNOWN_TO_POSTGRES
    ]


def shown(statement: ParsedStatement) -> str | None:
    """The query that answers a SHOW in place of PostgreSQL; ``None`` for what PostgreSQL answers."""
    name: str = statement.tree.root.get("name", "").lower()
    if name == _UNKNOWN_TO_POSTGRES:
        return f"SELECT current_setting('dsql.{name}') AS {name}"
    if name == "all":
        return _SHOW_ALL
    return f"SELECT '{_SHOWN[name]}'::text AS {name}" if name in _SHOWN else None


def _refused_level(modes: object) -> Refusal | None:
    for mode in cast("list[Node]", modes or []):
        fields: Node = mode.get("DefElem", {})
        level = (constant(fields.get("arg")) or "").upper()
        if fields.get("defname") == "transaction_isolation" and level != "REPEATABLE READ":
            return unsupported(f"Unsupported isolation level: {level}")
    return None
