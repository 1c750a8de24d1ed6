"""Login tokens from AWS credentials, with boto3.

A token is a presigned URL that Aurora DSQL takes as the password. It is made without network access, is
valid for 15 minutes and is checked only while a connection opens (Aurora DSQL user guide, "Generating an
authentication token").
"""

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, NotConfigured

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
    """Creates tokens for one identity. boto3 is imported, and its client made, once and in a thread."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._client: Any = None  # boto3 creates its clients' classes at run time

    async def token(self, host: str, user: str) -> str:
        """Create a token for a host and a role.

        Raises:
            ConnectionFailed: The credentials are missing, expired or cannot be loaded.
            NotConfigured: The profile or the region is unknown.
        """
        return await asyncio.to_thread(self._token, host, user)

    def prepare(self) -> None:
        """Import boto3 and create its client; an error is raised later, by ``token``."""
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
        return translate_errors(lambda: sign(host, signer.meta.region_name, _LIFETIME))

    def _signer(self) -> Any:  # noqa: ANN401 - see _client
        with self._lock:
            if self._client is None:
                self._client = translate_errors(self._new_client)
            return self._client

    def _new_client(self) -> object:
        return create_session(self._identity).client("dsql")


def create_session(identity: Identity) -> Any:  # noqa: ANN401 - boto3 has no types
    """Create a boto3 session with the credentials of an identity."""
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - importing it takes 100 ms

    if identity.access_key is not None:
        return _fixed_key_session(identity)
    return boto3.Session(region_name=identity.region, profile_name=identity.profile)


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


def translate_errors(call: Callable[[], T]) -> T:
    """Call a function and translate exceptions of botocore.

    Raises:
        ConnectionFailed: The credentials are missing, expired or cannot be loaded.
        NotConfigured: The profile or the region is unknown.
    """
    from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as boto3
        BotoCoreError,
        ClientError,
    )

    try:
        return call()
    # botocore raises RuntimeError when credentials that it refreshed have expired already.
    except (BotoCoreError, ClientError, RuntimeError) as error:
        raise credential_error(error) from error


def credential_error(error: Exception) -> DsqlError:
    """Translate an exception of botocore, without secrets.

    Args:
        error: Any exception of botocore; without a rule for it, the error names its class.
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
            "The region of the cluster is unknown: it is not in the endpoint's name.",
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
            "The AWS credentials have expired, and their source returns no newer ones.",
            code="credentials_expired",
            hint="Renew them at their source (such as `aws sso login --profile NAME`) and try again.",
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
        hint="Renew them (such as `aws sso login --profile NAME`) and try again.",
    )
