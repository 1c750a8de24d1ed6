"""Roles, and the IAM identities that may connect as them."""

from awslabs_dsql_mcp.local_cluster.postgres import server, superuser
from support.superuser import Connection, connected, refusal, rows

ARN = "arn:aws:iam::123456789012:role/reader"


async def test_only_admin_makes_schemas_and_tables_in_public(admin: Connection, inner: server.Server) -> None:
    assert await rows(admin, "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'admin'") == [
        (False, True)
    ]
    await admin.execute("CREATE ROLE plain WITH LOGIN")
    async with connected(inner, "plain") as plain:
        assert await refusal(plain.execute("CREATE SCHEMA mine")) == (
            "42501",
            "permission denied for database postgres",
            None,
        )
        assert (await refusal(plain.execute("CREATE TABLE mine (v int)")))[0] == "42501"


async def test_a_role_is_mapped_to_iam_identities(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE ROLE reader WITH LOGIN")
    async with await superuser.connect(inner.address) as connection:
        boss = superuser.Superuser(connection)
        assert [await boss.is_mapped(role) for role in ("admin", "reader")] == [True, False]
        await admin.execute("SELECT pg_catalog._dsql_iam_grant('reader', %s)", [[ARN, ARN]])
        mapping = "SELECT arn, pg_role_name, grantor_pg_role_name FROM sys.iam_pg_role_mappings"
        assert await rows(admin, mapping) == [(ARN, "reader", "admin")]
        assert await boss.is_mapped("reader")
        words = 'role "reader" cannot be dropped because some objects depend on it'
        assert (await refusal(admin.execute("DROP ROLE reader")))[:2] == ("2BP01", words)
        await admin.execute("SELECT pg_catalog._dsql_iam_revoke('reader', %s)", [[ARN]])
        assert not await boss.is_mapped("reader")
    await admin.execute("DROP ROLE reader")


async def test_a_mapping_is_refused(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE ROLE writer WITH LOGIN")
    await admin.execute("CREATE ROLE nologin")
    grant = "SELECT pg_catalog._dsql_iam_grant(%s, %s)"
    for role, arn, expected in (
        ("nobody", ARN, ("42704", 'role "nobody" does not exist', None)),
        ("writer", "reader", ("22023", "IAM role must look like an IAM ARN", None)),
        ("nologin", ARN, ("22023", "role nologin must have the LOGIN attribute", None)),
    ):
        assert await refusal(admin.execute(grant, [role, [arn]])) == expected
    async with connected(inner, "writer") as writer:
        words = "permission denied to grant IAM trust with role nologin"
        assert await refusal(writer.execute(grant, ["nologin", [ARN]])) == ("42501", words, None)
