"""The script that makes a role, and the identities that it takes."""

import json

import pytest

from awslabs_dsql_mcp.catalog.role_script import Level, connect_policy, role_script
from awslabs_dsql_mcp.errors import RequestInvalid

ARN = "arn:aws:iam::123456789012:role/app"


def test_a_reader_gets_the_tables_that_are_there_and_those_that_come() -> None:
    assert role_script("app", ARN, "read", ["public", "Shop"]).sql.splitlines() == [
        "CREATE ROLE app WITH LOGIN;",
        f"AWS IAM GRANT app TO '{ARN}';",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app;",
        'GRANT USAGE ON SCHEMA "Shop" TO app;',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "Shop" TO app;',
        'ALTER DEFAULT PRIVILEGES IN SCHEMA "Shop" GRANT SELECT ON TABLES TO app;',
    ]


@pytest.mark.parametrize("level", ["read", "write"])
def test_schema_public_is_never_granted(level: Level) -> None:
    assert "SCHEMA public TO" not in role_script("app", ARN, level, ["public"]).sql.replace(
        "IN SCHEMA public", ""
    )


@pytest.mark.parametrize(
    "arn",
    [ARN, "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:role/a/path/app", f" {ARN} "],
)
def test_roles_and_users_are_taken_as_they_are(arn: str) -> None:
    script = role_script("app", arn, "read", ["public"])
    assert script.statements[1] == f"AWS IAM GRANT app TO '{arn.strip()}'"
    assert len(script.notes) == 1


def test_a_session_stands_for_its_role_and_the_lost_path_is_told() -> None:
    script = role_script("app", "arn:aws:sts::123456789012:assumed-role/app/i-0123", "read", ["public"])
    assert script.statements[1] == f"AWS IAM GRANT app TO '{ARN}'"
    assert "without a path" in script.notes[0]


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123/ann", "single sign-on has a path"),
        ("arn:aws:iam::123456789012:root", "no ARN of an IAM role or user"),
        ("arn:aws:sts::123456789012:federated-user/ann", "no ARN of an IAM role or user"),
        ("app", "no ARN of an IAM role or user"),
        ("arn:aws:iam::123456789012:role/x'; DROP TABLE t; --", "no ARN of an IAM role or user"),
    ],
)
def test_other_identities_are_refused(arn: str, told: str) -> None:
    with pytest.raises(RequestInvalid, match=told):
        role_script("app", arn, "read", ["public"])


@pytest.mark.parametrize(
    ("role", "schema"),
    [
        ("admin", "public"),
        ("pg_x", "public"),
        ("", "public"),
        ("a", "sys"),
        ("public", "s"),
        ("none", "s"),
        ("a" * 64, "s"),
        ("a", ""),
    ],
)
def test_what_is_the_systems_is_refused(role: str, schema: str) -> None:
    with pytest.raises(RequestInvalid):
        role_script(role, ARN, "read", [schema])


def test_the_policy_allows_one_thing_on_one_cluster() -> None:
    (statement,) = json.loads(connect_policy("arn:c"))["Statement"]
    assert statement == {"Effect": "Allow", "Action": "dsql:DbConnect", "Resource": "arn:c"}
