"""Which passwords open a local cluster."""

from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials, TokenRefused, check, issue

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2999, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001  what datetimes() takes
KEYS = Credentials("LOCALKEY", "a secret", "us-east-1")


def refusal_of(token: str, user: str = "admin", host: str = "localhost", now: datetime = NOW) -> str | None:
    with pytest.raises(TokenRefused) as refused:
        check(token, [host], user, KEYS, now)
    return refused.value.hint


@pytest.mark.parametrize(("user", "action"), [("admin", "DbConnectAdmin"), ("app", "DbConnect")])
def test_a_token_opens_the_door_for_its_kind_of_role(user: str, action: str) -> None:
    token = issue("localhost", user, KEYS, NOW)
    assert f"?Action={action}&" in token
    check(token, ["localhost"], user, KEYS, NOW)


@pytest.mark.parametrize("user", ["admin", "app"])
def test_what_boto3_makes_is_accepted(user: str) -> None:
    boto3: Any = import_module("boto3")  # untyped
    client = boto3.client(
        "dsql",
        region_name=KEYS.region,
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key,
    )
    kind = "admin_auth" if user == "admin" else "auth"
    token: str = getattr(client, f"generate_db_connect_{kind}_token")("localhost", KEYS.region)
    check(token, ["localhost"], user, KEYS, datetime.now(timezone.utc))


@given(st.permutations(issue("localhost", "admin", KEYS, NOW).partition("?")[2].split("&")))
def test_parameters_come_in_any_order(parts: list[str]) -> None:
    """AWS's SDK for JavaScript sorts them, which puts the signature before the signed headers."""
    check("localhost/?" + "&".join(parts), ["localhost"], "admin", KEYS, NOW)


def test_a_token_that_would_last_longer_than_a_week_says_so() -> None:
    token = issue("localhost", "admin", KEYS, NOW, lifetime=limits.MAX_TOKEN_SECONDS + 1)
    assert refusal_of(token) == "X-Amz-Expires must be less than a week (in seconds)"


def test_host_names_are_compared_without_case() -> None:
    check(issue("LocalHost", "admin", KEYS, NOW), ["localhost"], "admin", KEYS, NOW)


def test_an_expired_token_says_so() -> None:
    token = issue("localhost", "admin", KEYS, NOW, lifetime=60)
    check(token, ["localhost"], "admin", KEYS, NOW + timedelta(seconds=60))
    assert refusal_of(token, now=NOW + timedelta(seconds=61)) == (
        "Signature expired: 20261124T120000Z is now earlier than 20261124T120001Z (20261124T120101Z - 60 s.)"
    )


def test_a_token_from_the_future_says_so() -> None:
    token = issue("localhost", "admin", KEYS, NOW)
    check(token, ["localhost"], "admin", KEYS, NOW - timedelta(minutes=5))
    assert (refusal_of(token, now=NOW - timedelta(minutes=6)) or "").startswith("Signature not yet current: ")


@pytest.mark.parametrize(
    ("issued_for", "used_by", "action"),
    [("admin", "app", "DbConnectAdmin"), ("app", "admin", "DbConnect")],
)
def test_a_token_for_the_other_kind_of_role_says_so(issued_for: str, used_by: str, action: str) -> None:
    token = issue("localhost", issued_for, KEYS, NOW)
    assert refusal_of(token, used_by) == (f"Wrong user to action mapping. user: {used_by}, action: {action}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "password",
        "localhost/?Action=DbConnectAdmin",
        issue("other.example", "admin", KEYS, NOW),
        issue("localhost", "admin", Credentials("ANOTHERKEY", KEYS.secret_key, KEYS.region), NOW),
        issue("localhost", "admin", Credentials(KEYS.access_key, "another", KEYS.region), NOW),
        issue("localhost", "admin", Credentials(KEYS.access_key, KEYS.secret_key, "eu-west-1"), NOW),
        issue("localhost", "admin", KEYS, NOW, lifetime=0),
        issue("localhost", "admin", KEYS, NOW) + "&X-Amz-Signature=0",
        issue("localhost", "admin", KEYS, NOW) + "&Action=DbConnectAdmin",
        issue("localhost", "admin", KEYS, NOW).replace("X-Amz-Signature=", "X-Amz-Signed="),
    ],
    ids=[
        *("empty", "word", "unsigned", "host", "key", "secret", "region", "no time"),
        *("two signatures", "twice", "no signature"),
    ],
)
def test_anything_else_is_refused_without_a_hint(token: str) -> None:
    assert refusal_of(token) is None


@given(st.text())
def test_no_text_but_a_token_opens_the_door(text: str) -> None:
    assert refusal_of(text) is None


@given(st.data())
def test_no_changed_token_opens_the_door(data: st.DataObject) -> None:
    token = issue("localhost", "admin", KEYS, NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("aZ09&=%/-").filter(lambda letter: letter != token[at]))
    changed = token[:at] + letter + token[at + 1 :]
    if changed.lower() != token.lower():  # a host name's case means nothing
        refusal_of(changed)


@given(TIMES, st.integers(1, limits.MAX_TOKEN_SECONDS), st.text())
def test_every_token_is_good_from_its_first_second_on(now: datetime, lifetime: int, user: str) -> None:
    token = issue("localhost", user, KEYS, now, lifetime)
    check(token, ["localhost"], user, KEYS, now)


def test_the_secret_is_neither_in_a_token_nor_in_what_is_logged() -> None:
    assert KEYS.secret_key not in issue("localhost", "admin", KEYS, NOW)
    assert KEYS.secret_key not in repr(KEYS)
