"""Login tokens from AWS credentials, with boto3.

A token is a presigned URL that Aurora DSQL takes as the password. It is made without network access, is
valid for 15 minutes and is checked only while a connection opens (Aurora DSQL user guide, "Generating an
authentication token").
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from awslabs_dsql_mcp.aws.credential_errors import credential_error
from awslabs_dsql_mcp.aws.prompts import without_prompts
from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.errors import DsqlError

_LIFETIME = 900  # seconds
T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """The AWS identity that signs tokens.

    Attributes:
        region: Region of the cluster; ``None`` for the region of the AWS configuration.
        profile: AWS profile; ``None`` for the default credential chain of boto3.
        access_key: A fixed access key instead of a profile or the chain.
        secret_key: The secret of the access key.
    """

    region: str | None = None
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


class TokenSource:
    """Creates tokens for one identity, one at a time, in threads of its own.

    boto3 is imported, and its client made, in the first one. A source of credentials that hangs keeps only
    this identity waiting.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._client: Any = None  # boto3 creates its clients' classes at run time
        self._session: Any = None
        self._attempt: asyncio.Future[Any] | None = None

    async def token(self, host: str, user: str) -> str:
        """Create a token for a host and a role.

        Raises:
            ConnectionFailed: The credentials are missing, expired or cannot be loaded.
            NotConfigured: The profile or the region is unknown.
        """
        return await self._run(lambda: self._token(host, user))

    async def renewed_token(self, host: str, user: str) -> str | None:
        """Create a token from credentials that are loaded anew; ``None`` if they are the same.

        Args:
            host: The host.
            user: The role.
        """
        used = await self._run(self._credentials)
        self._client = None
        token = await self.token(host, user)
        return None if await self._run(self._credentials) == used else token

    async def prepare(self) -> None:
        """Import boto3 and create its client; an error is raised later, by ``token``."""
        with suppress(DsqlError):
            await self._run(self._signer)

    async def _run(self, work: Callable[[], T]) -> T:
        while self._attempt is not None and not self._attempt.done():
            await asyncio.wait((self._attempt,))
        self._attempt = attempt = asyncio.ensure_future(run_in_daemon_thread(work))
        attempt.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(attempt)  # whoever waits for it may give up

    def _token(self, host: str, user: str) -> str:
        signer = self._signer()
        sign: Callable[..., str] = (
            signer.generate_db_connect_admin_auth_token
            if user == "admin"
            else signer.generate_db_connect_auth_token
        )
        try:
            return translate_errors(
                lambda: sign(host, signer.meta.region_name, _LIFETIME), self._identity.profile
            )
        except DsqlError:
            self._client = None  # it would keep to the credentials, or to their absence
            raise

    def _credentials(self) -> object:
        return self._session and translate_errors(
            lambda: self._session.get_credentials().get_frozen_credentials(), self._identity.profile
        )

    def _signer(self) -> Any:  # noqa: ANN401 - see _client
        if self._client is None:
            self._client = translate_errors(self._new_client, self._identity.profile)
        return self._client

    def _new_client(self) -> object:
        self._session = create_session(self._identity)
        return self._session.client("dsql")


def create_session(identity: Identity) -> Any:  # noqa: ANN401 - boto3 has no types
    """Create a boto3 session with the credentials of an identity."""
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - importing it takes 100 ms

    if identity.access_key is not None:
        return _fixed_key_session(identity)
    session = boto3.Session(region_name=identity.region, profile_name=identity.profile)
    without_prompts(session)
    return session


def _fixed_key_session(identity: Identity) -> Any:  # noqa: ANN401 - see _client
    """Create a session for a fixed key, independent of the user's AWS configuration and AWS_PROFILE."""
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - see _new_client
    import botocore.session  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - see _new_client

    unset = (None, None, os.devnull, None)
    variables = {"profile": (None, None, None, None), "config_file": unset, "credentials_file": unset}
    return boto3.Session(
        aws_access_key_id=identity.access_key,
        aws_secret_access_key=identity.secret_key,
        region_name=identity.region,
        botocore_session=botocore.session.Session(variables),
    )


def translate_errors(call: Callable[[], T], profile: str | None = None) -> T:
    """Call a function and translate exceptions of boto3.

    Args:
        call: The function.
        profile: Name of the AWS profile, for advice.

    Raises:
        ConnectionFailed: The credentials are missing, expired or cannot be loaded.
        NotConfigured: The profile, the region or the configuration is wrong.
    """
    try:
        return call()
    except Exception as error:  # what a source of credentials does wrong reaches us as it is
        raise credential_error(error, profile) from error
