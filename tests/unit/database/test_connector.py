"""Login tokens that do not come in time."""

import asyncio

import pytest

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.database.connector import Connector, Target
from awslabs_dsql_mcp.errors import ConnectionFailed


class Hanging(TokenSource):
    """A source of tokens that gives none."""

    async def token(self, host: str, user: str) -> str:
        await asyncio.Event().wait()
        raise AssertionError(host, user)


@pytest.mark.parametrize(
    ("identity", "said", "advice"),
    [
        (Identity("us-east-1", "work"), "Loading the AWS credentials took longer than 0.01 s.", "SSO login"),
        (
            Identity("us-east-1", None, "key", "secret"),
            "Signing a login token took longer than 0.01 s.",
            "machine is busy",
        ),
    ],
)
async def test_what_takes_too_long_is_named(identity: Identity, said: str, advice: str) -> None:
    connector = Connector(Target("host", "admin", identity, "ca.pem"), timeout=0.01, tokens=Hanging)
    with pytest.raises(ConnectionFailed) as late:
        await connector.connect()
    assert (late.value.message, late.value.code) == (said, "credentials_timeout")
    assert advice in (late.value.hint or "")
