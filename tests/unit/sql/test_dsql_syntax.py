"""Aurora DSQL's own syntax: the guard and the local cluster read it alike, alone and in a script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.guard.guard import check_statement
from awslabs_dsql_mcp.local_cluster.dialect.model import TranslatedStatement
from awslabs_dsql_mcp.local_cluster.dialect.translate import translate
from awslabs_dsql_mcp.sql.dsql_syntax import IamStatement, parse
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.sql.parser import ParseError

LETTERS = "abzAZ_éÉßİ\u212aжλ字"
PLAIN = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + "059$", max_size=5))
QUOTED = st.text(LETTERS + " .;'-0$\"", max_size=5).map(lambda name: '"' + name.replace('"', '""') + '"')
WORDS = ["async", "ASYNC", "Aws", "iam", "validate", "select", "user", "public", "7", "a.b", "'r'", 'U&"x"']
NAMES = st.one_of(PLAIN, QUOTED, st.sampled_from(WORDS))
BLANKS = st.sampled_from([" ", "\n", "\t", "\r\n", "\f", " -- é ; async\n", "/* aws /* ; */ iam */", "/**/ "])
ARNS = st.sampled_from(["'a'", "'it''s ;'", "'é'", "''", "E'a'", '"a"', "a", "$$a$$"])
FORMS = st.one_of(
    st.builds("AWS IAM GRANT {} TO {}".format, NAMES, ARNS),
    st.builds("aws iam revoke {} FROM {} , 'b'".format, NAMES, ARNS),
    st.builds("AWS IAM GRANT {} FROM {}".format, NAMES, ARNS),
    st.builds("CREATE INDEX {} ON {} ( a )".format, NAMES, NAMES),
    st.builds("CREATE INDEX ASYNC {} ON {} ( a )".format, NAMES, NAMES),
    st.builds("CREATE UNIQUE INDEX async IF NOT EXISTS {} ON {} ( a )".format, NAMES, NAMES),
    st.builds("ALTER TABLE {} VALIDATE CONSTRAINT {}".format, NAMES, NAMES),
    st.builds("ALTER TABLE ASYNC {} VALIDATE CONSTRAINT {}".format, NAMES, NAMES),
    st.builds("ALTER TABLE ASYNC {} ADD COLUMN {} int".format, NAMES, NAMES),
    st.builds("ALTER TABLE Async {} RENAME TO {}".format, NAMES, NAMES),
    st.sampled_from(["CREATE INDEX ASYNC ON t ( a )", "AWS IAM", "AWS IAM GRANT", "SELECT 'async' AS aws"]),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Forms with any blanks between their words."""
    form = draw(FORMS)
    words = form.split(" ") if '"' not in form and "'" not in form else [form]
    blanks = [draw(BLANKS) for _ in range(len(words) + 1)]
    return "".join(map(str.__add__, blanks, [*words, ""])) + draw(st.sampled_from(["", ";", " ; ;"]))


def kinds(sql: str) -> list[str] | None:
    try:
        return [statement.kind for statement in parse(sql)]
    except ParseError:
        return None


def is_dsql(translated: TranslatedStatement) -> bool:
    return any(name in translated.sql for name in ("_dsql_iam_", "_async("))


@given(texts())
def test_guard_and_local_cluster_agree(sql: str) -> None:
    found = check_statement(sql, writes=True).statement
    (translated,) = translate(sql, "nonce")
    assert kinds(sql) == (None if found is None else [found.kind])
    if found is None:
        assert translated.sql == sql or "syntax error" in translated.sql
    elif found.kind.startswith("AWS IAM"):
        assert translated.tag == found.kind
    elif is_dsql(translated):
        assert found.kind.endswith(" ASYNC")


@given(st.lists(texts(), min_size=2, max_size=4))
def test_many_statements_are_what_each_is_alone(statements: list[str]) -> None:
    alone = [kinds(sql) for sql in statements]
    together = kinds(" ; ".join(statements))
    if None in alone:
        assert together is None
    else:
        assert together == [kind for found in alone for kind in found or ()]


@pytest.mark.parametrize(
    ("written", "name"),
    [("été", "été"), ("R$1", "r$1"), ("_É", "_É"), ('"It""s"', 'It"s'), ("字", "字"), ('U&"\\00e9"', "é")],
)
def test_a_role_is_named_as_postgresql_reads_it(written: str, name: str) -> None:
    sql = f"/* é */ AWS IAM GRANT {written} TO 'arn'"
    (statement,) = parse(sql)
    assert isinstance(statement, IamStatement)
    assert (statement.role, statement.arns) == (name, ("'arn'",))
    assert check_statement(sql, writes=True).refusal is None
    (translated,) = translate(sql, "nonce")
    assert translated.sql == f"SELECT pg_catalog._dsql_iam_grant('{name}', ARRAY['arn'])"


@pytest.mark.parametrize("role", ["select", "user", "current_user", "public", '""', "7", "'r'", "a.b", "a b"])
def test_what_postgresql_takes_for_no_role_is_none(role: str) -> None:
    sql = f"AWS IAM GRANT {role} TO 'arn'"
    assert check_statement(sql, writes=True).refusal is not None
    assert [translated.sql for translated in translate(sql, "nonce")] == [sql]


def test_only_a_form_of_aurora_dsql_is_asynchronous() -> None:
    found = parse(
        "ALTER TABLE async RENAME TO b; CREATE INDEX ASYNC ON async (a);"
        "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c;"
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"
    )
    assert [one.asynchronous for one in found if isinstance(one, ParsedStatement)] == [
        False,
        True,
        True,
        False,
    ]


def test_faults_are_located_in_characters() -> None:
    with pytest.raises(ParseError) as caught:
        parse("/* é€ */ AWS IAM BAN r TO 'a'")
    assert (caught.value.code, caught.value.offset) == ("aws-iam", 17)
