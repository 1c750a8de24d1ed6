"""Names of tables: read as PostgreSQL reads them, written as SQL, and looked up by resemblance."""

import difflib
import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.errors import RequestInvalid

_PART = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
WRITTEN_NAME = rf"{_PART}(?:\.{_PART})?"
"""Pattern of a relation's name as SQL writes it, with a schema or without."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# Words that PostgreSQL takes as a name only in quotes (its documentation, "SQL Key Words": reserved).
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect
    into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null
    offset on only or order outer overlaps placing primary references returning right select session_user
    similar some symmetric table tablesample then to trailing true union unique user using variadic verbose
    when where window with
    """.split()  # noqa: SIM905 - a wall of quotes reads worse
)
_FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SIMILARITY = 0.6
_MAX_TEXT = 1_000  # characters: two names of doubled quotes, and blanks, have fewer
_MAX_QUOTED = 40  # characters of a name that is too long
_MAX_SHOWN = 5


@dataclass(frozen=True)
class TableName:
    """A table's name as PostgreSQL folds it; without a schema, the one of every schema is meant."""

    schema: str | None
    table: str

    def __str__(self) -> str:
        """Write it as SQL."""
        return qualified_name(self.schema, self.table) if self.schema else quote_identifier(self.table)


def parse_name(text: str) -> TableName:
    """Read ``table``, ``schema.table`` or either part quoted.

    Unquoted parts are folded (PostgreSQL documentation, "Identifiers and Key Words").

    Raises:
        RequestInvalid: It is not a name of one or two parts, or a part is longer than names can be.
    """
    if len(text) > _MAX_TEXT:
        raise _too_long(text[:_MAX_QUOTED] + "…")
    parts: list[str] = []
    rest = text.strip()
    while True:
        part, rest = _next_part(rest)
        parts.append(part)
        if not rest.startswith("."):
            break
        rest = rest[1:]
    if rest or not all(parts) or len(parts) > 2:  # noqa: PLR2004 - schema and table
        raise RequestInvalid(
            f"{text[:80]!r} is not a table's name.",
            hint='Give table or schema.table; quote a part that has capitals: "Order Lines".',
        )
    for part in parts:
        if len(part.encode(errors="replace")) > limits.MAX_IDENTIFIER_BYTES:
            raise _too_long(part[:_MAX_QUOTED] + "…")
    return TableName(parts[0] if len(parts) > 1 else None, parts[-1])


def _too_long(shown: str) -> RequestInvalid:
    return RequestInvalid(
        f"No table has the name {shown!r}: a name has at most {limits.MAX_IDENTIFIER_BYTES} bytes.",
        hint="Give the name as get_schema lists it.",
    )


def fold_identifier(name: str) -> str:
    """Write an unquoted name's ASCII letters in lower case; UTF-8 databases fold no others."""
    return name.translate(_FOLDED)


def quote_identifier(name: str) -> str:
    """Write a name as SQL: in double quotes where it must be."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified_name(schema: str, name: str) -> str:
    """Write a name with its schema as SQL."""
    return f"{quote_identifier(schema)}.{quote_identifier(name)}"


def closest(wanted: str, known: Iterable[str], limit: int = _MAX_SHOWN) -> list[str]:
    """Find the known names that are most like the wanted one, whatever their case; the best first."""
    names = list(dict.fromkeys(known))
    folded = [name.lower() for name in names]
    close = difflib.get_close_matches(wanted.lower(), dict.fromkeys(folded), limit, _SIMILARITY)
    parts = [name for name in folded if len(wanted) > 2 and wanted.lower() in name]  # noqa: PLR2004 - two letters are in too many
    chosen = list(dict.fromkeys([*close, *parts]))[:limit]
    return [name for fold in chosen for name, is_fold in zip(names, folded, strict=True) if is_fold == fold]


def suggestion(wanted: str, known: Sequence[tuple[str, str]]) -> str:
    """List the tables that were probably meant, or those there are.

    Args:
        wanted: The name that no table has, without a schema.
        known: Schema and name of every table.
    """
    if not known:
        return "The database has no tables yet."
    near = closest(wanted, [table for _, table in known])
    if near:
        shown = [qualified_name(schema, table) for name in near for schema, table in known if table == name]
        return f"Did you mean {', '.join(shown[:_MAX_SHOWN])}?"
    shown = [qualified_name(schema, table) for schema, table in known]
    more = f" and {len(shown) - _MAX_SHOWN} more: call get_schema" if len(shown) > _MAX_SHOWN else ""
    return f"There are: {', '.join(shown[:_MAX_SHOWN])}{more}."


def _next_part(text: str) -> tuple[str, str]:
    if not text.startswith('"'):
        end = next((i for i, c in enumerate(text) if c in '."'), len(text))
        return fold_identifier(text[:end].strip()), text[end:]
    end = 1
    while (end := text.find('"', end)) >= 0 and text[end : end + 2] == '""':
        end += 2
    return (text[1:end].replace('""', '"'), text[end + 1 :]) if end >= 0 else ("", text)
