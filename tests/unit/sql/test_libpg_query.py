"""libpg_query as we load it, beside postgast's own functions, which use its generated classes."""

import subprocess
import sys

import postgast
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.sql import libpg_query
from awslabs_dsql_mcp.sql.libpg_query import QueryError

PIECES = ["SELECT", "aws", "'", "''", '"', "$$", "$1", "/*", "*/", "--", "\n", " ", "ä", "𝄞", "1.5e3", "%s"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(TEXTS.map("".join))
@example("SELECT 1" + ", 'é'" * 20_000)
@example("")
def test_tokens_are_those_of_postgast(sql: str) -> None:
    try:
        expected = [(token.start, token.end) for token in postgast.scan(sql).tokens]
    except postgast.PgQueryError:
        with pytest.raises(QueryError):
            libpg_query.scan(sql.encode())
        return
    assert libpg_query.scan(sql.encode()) == expected
    assert libpg_query.count_tokens(sql.encode()) == len(expected)


@given(TEXTS.map(" ".join))
@example("SELECT a FROM t WHERE b = 'ü'")
def test_a_fingerprint_is_that_of_postgast(sql: str) -> None:
    try:
        expected = postgast.fingerprint(sql).fingerprint
    except postgast.PgQueryError:
        with pytest.raises(QueryError):
            libpg_query.fingerprint(sql.encode())
        return
    assert libpg_query.fingerprint(sql.encode()) == expected


def test_judging_a_statement_makes_no_generated_classes() -> None:
    program = (
        "import sys; from awslabs_dsql_mcp.guard.guard import check; "
        "print(check('SELECT 1', writes=False), check('CREATE INDEX ASYNC ON t (a)', writes=True), "
        "[name for name in sys.modules if name.startswith(('postgast', 'google'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None None []"
