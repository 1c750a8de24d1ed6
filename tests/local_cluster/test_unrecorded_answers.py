"""What the local cluster answers where no answer of a cluster on AWS is recorded."""

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported


def test_reset_role_is_refused(admin: psycopg.Connection) -> None:
    with pytest.raises(FeatureNotSupported, match='setting configuration parameter "role" not supported'):
        admin.execute("RESET ROLE")


def test_large_objects_work(admin: psycopg.Connection) -> None:
    made = admin.execute("SELECT lo_from_bytea(0, 'kept')").fetchone()
    assert made
    assert admin.execute("SELECT lo_get(%s)", made).fetchone() == (b"kept",)
    assert admin.execute("SELECT lo_unlink(%s)", made).fetchone() == (1,)


def test_pg_notify_is_taken(admin: psycopg.Connection) -> None:
    assert admin.execute("SELECT pg_notify('a', 'b')::text").fetchone() == ("",)
    with pytest.raises(FeatureNotSupported):
        admin.execute("LISTEN a")
