"""Login tokens from AWS credentials, with boto3.

A token is a presigned URL that Aurora DSQL takes as the password; it is made without network, is valid
for 15 minutes and is looked at only while a connection opens (Aurora DSQL user guide, "Generating an
authentication token").
"""

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, NotConfigured

_LIFETIME = 900
T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """Who signs.

    Attributes:
        region: Region of the cluster; ``None`` for the one of the AWS configuration.
        profile: Named profile; ``None`` for boto3's own search for credentials.
        access_key: A fixed key instead of that search.
        secret_key: Its secret.
    """

    region: str | None = None
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


class TokenSource:
    """Makes tokens for one identity; boto3 is imported and its client made once, off the event loop."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._client: Any = None  # boto3 makes its clients' classes at run time

    async def token(self, host: str, user: str) -> str:
        """Make a token for a host and a role.

        Raises:
            ConnectionFailed: The credentials are missing, expired or cannot be had.
            NotConfigured: The profile or the region is unknown.
        """
        return await asyncio.to_thread(self._token, host, user)

    def prepare(self) -> None:
        """Import boto3 and make its client; what fails here fails again, with its reason, in ``token``."""
        try:
            self._signer()
        except DsqlError:
            return

    def _token(self, host: str, user: str) -> str:
        signer = self._signer()
        sign: Callable[..., str] = (
            signer.generate_db_connect_admin_auth_token
            if user == "admin"
            else signer.generate_db_connect_auth_token
        )
        return describe_error(lambda: sign(host, signer.meta.region_name, _LIFETIME))

    def _signer(self) -> Any:  # noqa: ANN401 - see _client
        with self._lock:
            if self._client is None:
                self._client = describe_error(self._new_client)
            return self._client

    def _new_client(self) -> object:
        return session_of(self._identity).client("dsql")


def session_of(who: Identity) -> Any:  # noqa: ANN401 - boto3 has no types
    """Make the session of boto3 that has an identity's credentials; importing boto3 takes 100 ms."""
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - see above

    if who.access_key is not None:
        return _is_credential_error(who)
    return boto3.Session(region_name=who.region, profile_name=who.profile)


def _is_credential_error(who: Identity) -> Any:  # noqa: ANN401 - see _client
    """Make a session for a fixed key, whatever the AWS configuration and AWS_PROFILE of this user say."""
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - see _new_client
    import botocore.session  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - see _new_client

    nowhere = (None, None, os.devnull, None)
    variables = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    return boto3.Session(
        aws_access_key_id=who.access_key,
        aws_secret_access_key=who.secret_key,
        region_name=who.region,
        botocore_session=botocore.session.Session(variables),
    )


def describe_error(work: Callable[[], T]) -> T:
    """Do something with botocore; its exceptions become ours.

    Raises:
        ConnectionFailed: The credentials are missing, expired or cannot be had.
        NotConfigured: The profile or the region is unknown.
    """
    from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as boto3
        BotoCoreError,
        ClientError,
    )

    try:
        return work()
    except (BotoCoreError, ClientError, RuntimeError) as error:  # its word for "fresh, yet expired"
        raise error_of_credentials(error) from error


def error_of_credentials(error: Exception) -> DsqlError:
    """Say what a botocore exception means for the operator, without its secrets.

    Args:
        error: Any exception of botocore; one that no rule names is told by its class.
    """
    from botocore import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as boto3
        exceptions as aws,
    )

    if isinstance(error, aws.ProfileNotFound):
        return NotConfigured(
            f"{str(error).rstrip('.')}: the AWS configuration has no such profile.",
            code="unknown_profile",
            hint="Correct --profile or AWS_PROFILE, or add the profile to ~/.aws/config.",
        )
    if isinstance(error, aws.NoRegionError | aws.InvalidRegionError):
        return NotConfigured(
            "The region of the cluster is not known: the endpoint's name does not tell it.",
            code="no_region",
            hint="Give --region, such as us-east-1.",
        )
    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError):
        return ConnectionFailed(
            "No AWS credentials were found."
            if isinstance(error, aws.NoCredentialsError)
            else "The AWS credentials are incomplete.",
            code="no_credentials",
            hint="Give --profile, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where "
            "the client starts this server.",
        )
    if isinstance(error, RuntimeError):
        return ConnectionFailed(
            "The AWS credentials have expired, and their source gives no newer ones.",
            code="credentials_expired",
            hint="Renew them where they come from (such as `aws sso login --profile NAME`) and ask again.",
        )
    expired = (
        aws.SSOError,
        aws.TokenRetrievalError,
        aws.UnauthorizedSSOTokenError,
        aws.CredentialRetrievalError,
    )
    return ConnectionFailed(
        f"The AWS credentials could not be used ({type(error).__name__}).",
        code="credentials_expired" if isinstance(error, expired) else "credentials_failed",
        hint="Renew them (such as `aws sso login --profile NAME`) and ask again.",
    )
