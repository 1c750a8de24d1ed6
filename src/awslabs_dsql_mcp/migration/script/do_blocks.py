"""DO blocks that define something unless it is there: on a new cluster, their statements alone do the same.

Drizzle and others write ``DO $$ BEGIN ALTER TABLE … EXCEPTION WHEN duplicate_object THEN null; END $$``, or
ask the catalog with IF NOT EXISTS, as ADD CONSTRAINT and CREATE TYPE have no such clause.
"""

import re
from typing import Final

from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_DUPLICATE: Final = r"(?:duplicate_\w+|SQLSTATE\s+'42(?:710|P0[67]|701)')"
_NOTHING: Final = r"(?:NULL\s*;|RAISE\s+(?:NOTICE|INFO|DEBUG|LOG)\b[^;]*;)"
_BLOCK: Final = re.compile(
    rf"\s*BEGIN\s+(?P<body>.+;)\s*EXCEPTION\s+WHEN\s+{_DUPLICATE}(?:\s+OR\s+{_DUPLICATE})*\s+THEN\s+"
    rf"{_NOTHING}\s*END\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_IF: Final = re.compile(
    r"\s*BEGIN\s+IF\s+NOT\s+EXISTS\s*\(\s*SELECT\b(?:(?!\bTHEN\b)[^;])*?\b(?:pg_\w+|information_schema)\b"
    r"(?:(?!\bTHEN\b)[^;])*\)\s*THEN\s+(?P<body>(?:(?!\b(?:ELSE|ELSIF)\b).)+;)\s*END\s+IF\s*;\s*END\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)

NOTE: Final = "taken out of its DO block: where the block does nothing if the object is there, this fails"


def guarded_statements(block: Node) -> str | None:
    """Find the statements of a DO block that runs them unless what they make is there.

    Args:
        block: The fields of a ``DoStmt``.

    Returns:
        Their text, which may be of PL/pgSQL; ``None`` for any other block.
    """
    given = {item["DefElem"].get("defname"): item["DefElem"].get("arg", {}) for item in block.get("args", ())}
    texts, languages = strings([given.get("as", {})]), strings([given.get("language", {})])
    if len(texts) != 1 or languages not in ([], ["plpgsql"], [""]):
        return None
    found = _BLOCK.fullmatch(texts[0]) or _IF.fullmatch(texts[0])
    return found["body"] if found else None
