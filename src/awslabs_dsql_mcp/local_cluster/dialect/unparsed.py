"""Texts that are too long, or have too many parts, to be parsed: looked over word by word, without a tree.

Large queries and changes of rows are all that clients send so. Whatever else such a text is, or calls, would
pass by the rules. PostgreSQL's lexical structure: its documentation, chapter 4.1.
"""

import re
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect.model import OWN_PREFIX
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import Refusal, unsupported
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.functions import Effect

_LEXEME: Final = re.compile(
    r"""[eE]'(?:[^'\\]|''|\\.)*'?|'(?:[^']|'')*'?"""
    r"""|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"""
    r"""|--[^\n\r]*|(?P<comment>/\*)"""
    r"""|(?P<name>[uU]&"|"(?:[^"]|"")*"?|[^\W\d][\w$]*)"""
    r"""|(?P<end>;)|[^'"$;/\-\w]+|\d+|.""",
    re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_BEGINNINGS: Final = frozenset(
    ("select", "values", "table", "with", "explain", "insert", "update", "delete", "copy", "create")
)
_CREATED: Final = frozenset(("create", "or", "replace", "view"))
_SETS: Final = (Effect.SETTING, Effect.RUNS_TEXT)
_REFUSED: Final = unsupported(
    "unsupported statement: of more than 1 MB, and not a single query, change of rows or view"
)


def refused(sql: str) -> Refusal | None:
    """Say why a text that is not parsed must not run.

    Args:
        sql: The text.
    """
    at, count, is_ended, is_creation = 0, 0, False, False
    known: set[str] = set()
    while match := _LEXEME.match(sql, at):
        at = match.end()
        if match["comment"]:
            at = _after_comment(sql, at)
        elif match["end"]:
            is_ended = True
        elif name := match["name"]:
            word = name.lower()
            count += 1
            is_creation = word == "create" if count == 1 else is_creation and word != "view"
            if is_ended or (is_creation and word not in _CREATED):
                return _REFUSED
            if word not in known and _is_refused(word, is_first=count == 1):
                return _REFUSED
            known.add(word)
    return None


def _is_refused(word: str, *, is_first: bool) -> bool:
    if is_first:
        return word not in _BEGINNINGS
    name = word.strip('"')
    sets = any(functions.effect([name], arguments) in _SETS for arguments in (1, 2))
    return sets or word.startswith('u&"') or name.startswith(OWN_PREFIX)


def _after_comment(sql: str, at: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, at)):
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return len(sql) if depth else at
