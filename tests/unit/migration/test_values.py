"""Values of columns whose type is converted: written for the new type, or what stops the script."""

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan

TABLE = (
    "CREATE TYPE addr AS (street text, n int[]); CREATE DOMAIN host AS inet; CREATE TABLE t "
    "(id int, tags text[], m money, ip inet, a addr, r int4range, n numeric, l host, b bit(3));"
)


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def last(statement: str) -> str:
    """The statement as it runs on the table above."""
    plan = planned(TABLE + statement)
    assert not plan.blocked, plan.blocked
    return plan.steps[-1].queries[-1]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO t (tags) VALUES ('{a,b}')", """'["a", "b"]'"""),
        ("INSERT INTO t (tags) VALUES ('{}')", "'[]'"),
        ("INSERT INTO t (tags) VALUES (ARRAY['a', NULL])", """'["a", null]'"""),
        ("INSERT INTO t (tags) VALUES (ARRAY[]::text[])", "'[]'"),
        ("INSERT INTO t (tags) VALUES ('{{a,b},{c,d}}'::text[])", """'[["a", "b"], ["c", "d"]]'"""),
        ("INSERT INTO t (id, tags) VALUES (1, NULL), (2, DEFAULT)", "(1, NULL), (2, DEFAULT)"),
        ('INSERT INTO t VALUES (1, \'{"a,\\"b"}\')', """'["a,\\\\"b"]'"""),
        ("INSERT INTO t (tags) SELECT '{q}'", """'["q"]'::jsonb"""),
        ("INSERT INTO t (tags) SELECT tags FROM t", "SELECT tags FROM t"),
        ("INSERT INTO t (l) VALUES ('::1/128')", "'::1'"),
        ("INSERT INTO t (m) VALUES ('$1,234.50')", "'1234.50'"),
        ("INSERT INTO t (m) VALUES (12.345::money)", "'12.35'"),
        ("INSERT INTO t (m) VALUES ('($5)'), (-3)", "('-5.00'), ('-3.00')"),
        ("INSERT INTO t (ip) VALUES ('10.0.0.1'::inet), ('10.0.0.1/32')", "('10.0.0.1'), ('10.0.0.1')"),
        ("INSERT INTO t (a) VALUES (ROW('x', ARRAY[1]))", """'{"street": "x", "n": [1]}'"""),
        ("INSERT INTO t (a) VALUES ('(x,\"{1}\")'::addr)", """'{"street": "x", "n": [1]}'"""),
        ("INSERT INTO t (r) VALUES ('[1,5]')", "'[1,6)'"),
        ("INSERT INTO t (b) VALUES (B'101')", "'101'"),
        ("INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET tags = '{z}'", """tags = '["z"]'"""),
        ("UPDATE t SET tags = '{z}', ip = '::1/128'", """tags = '["z"]', ip = '::1'"""),
        ("UPDATE t SET (tags, id) = (ARRAY['z'], 1)", """('["z"]', 1)"""),
        (
            "UPDATE t SET id = 1 WHERE tags = '{z}' AND ip IN ('1.2.3.4/32')",
            """tags = '["z"]' AND ip IN ('1.2.3.4')""",
        ),
        (
            "DELETE FROM t WHERE ip = '1.2.3.4'::inet AND tags IS NOT NULL",
            "ip = '1.2.3.4' AND tags IS NOT NULL",
        ),
        ("COPY t (id, tags, m) FROM stdin;\n1\t{a}\t$2.00\n\\.\n", """('1', '["a"]', '2.00')"""),
        ("INSERT INTO t (n) VALUES (123456789012.123456)", "123456789012.123456"),
        ("CREATE DOMAIN d AS money CHECK (VALUE > '$1'::money) DEFAULT 2::money", "> '1.00') DEFAULT '2.00"),
        ("ALTER DOMAIN host SET DEFAULT '10.0.0.1/32'", "SET DEFAULT '10.0.0.1'"),
        ("ALTER DOMAIN host RENAME TO h; CREATE TABLE u (i h); INSERT INTO u VALUES ('::1/128')", "('::1')"),
        ("CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s; INSERT INTO s.t (m) VALUES ('$1')", "'1.00'"),
        ("ALTER TYPE addr RENAME TO b; CREATE TABLE u (a b); INSERT INTO u VALUES ('(x,)')", '"street": "x'),
    ],
)
def test_a_constant_is_written_for_the_new_type(statement: str, expected: str) -> None:
    assert expected in last(statement)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("tags text[] DEFAULT '{}' NOT NULL", "tags jsonb DEFAULT '[]' NOT NULL"),
        ("tags int[] DEFAULT ARRAY[1, 2]", "tags jsonb DEFAULT '[1, 2]'"),
        ("m money DEFAULT '$1.50'", "DEFAULT '1.50'"),
        ("ip inet DEFAULT '::1/128'::inet", "DEFAULT '::1'"),
    ],
)
def test_a_default_is_written_for_the_new_type(column: str, expected: str) -> None:
    assert expected in planned(f"CREATE TABLE d ({column})").steps[0].queries[0]
    name, *kind = column.split(" DEFAULT", 1)[0].split()
    default = column.split("DEFAULT", 1)[1].removesuffix(" NOT NULL")
    script = (
        f"CREATE TABLE d (id int, {name} {' '.join(kind)}); ALTER TABLE d ALTER {name} SET DEFAULT {default}"
    )
    assert expected.split("DEFAULT", 1)[1].removesuffix(" NOT NULL") in planned(script).steps[-1].queries[0]


@pytest.mark.parametrize(
    "statement",
    [
        *("INSERT INTO t (tags) VALUES ('{a')", "INSERT INTO t (tags) VALUES (string_to_array('a', ','))"),
        *("INSERT INTO t (m) VALUES ('1.234,50 €')", "INSERT INTO t (ip) VALUES ('10')"),
        *(
            "INSERT INTO t (r) VALUES ('[a,b]')",
            "INSERT INTO t (a) VALUES ('(x)')",
            "INSERT INTO t (b) VALUES ('1')",
        ),
        *("UPDATE t SET tags[1] = 'x'", "UPDATE t SET tags = array_append(tags, 'x')"),
        *("DELETE FROM t WHERE tags @> ARRAY['a']", "SELECT * FROM t WHERE 'a' = ANY(tags)"),
        *("DELETE FROM t WHERE ip << '10.0.0.0/8'", "UPDATE t SET id = 1 WHERE tags[1] = 'a'"),
        "DELETE FROM t WHERE array_length(tags, 1) = 2",
        "INSERT INTO elsewhere VALUES (ARRAY['a'])",
        "INSERT INTO elsewhere VALUES ('10.0.0.1'::inet)",
        "ALTER TABLE t ALTER tags SET DEFAULT string_to_array('a', ',')",
        "COPY t (id, tags) FROM stdin;\n1\t{a\n\\.\n",
        "COPY t (id, r) FROM stdin;\n1\tx\n\\.\n",
    ],
)
def test_what_cannot_be_written_stops_the_script(statement: str) -> None:
    assert planned(TABLE + statement).blocked


def test_a_row_is_named_by_its_line_and_column() -> None:
    (left,) = planned(f"{TABLE}\nCOPY t (id, tags) FROM stdin;\n1\t{{a}}\n2\t{{a\n\\.\n").blocked
    assert (left.line, left.why.split(":")[0]) == (4, "tags")


def test_columns_are_known_as_they_are_renamed_and_changed() -> None:
    script = (
        "CREATE TABLE a (id int, x text[]); CREATE TABLE b (LIKE a); ALTER TABLE b RENAME COLUMN x TO y;"
        "ALTER TABLE b RENAME TO c; INSERT INTO c (y) VALUES ('{q}')"
    )
    assert """'["q"]'""" in planned(script).steps[-1].queries[-1]


def test_a_column_that_is_added_after_rows_is_known_too() -> None:
    script = (
        "CREATE TABLE a (id int, x text[]); INSERT INTO a (x) VALUES ('{p}');"
        "ALTER TABLE a ADD COLUMN y text[];"
        "INSERT INTO a (y) VALUES ('{q}'); ALTER TABLE a DROP COLUMN y; ALTER TABLE a ADD COLUMN y text;"
        "INSERT INTO a (y) VALUES ('{r}')"
    )
    written = " ".join(query for step in planned(script).steps for query in step.queries)
    assert """'["p"]'""" in written
    assert """'["q"]'""" in written
    assert "'{r}'" in written
