"""Login tokens from AWS credentials, signed by botocore.

A token is a presigned URL that Aurora DSQL takes as the password. It is made without network access, is
valid for 15 minutes and is checked only while a connection opens (Aurora DSQL user guide, "Generating an
authentication token"). botocore's signer alone makes it: a client of boto3 does the same with it, and takes
longer to be made than all else here.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from awslabs_dsql_mcp.aws.credential_errors import credential_error
from awslabs_dsql_mcp.aws.credential_reasons import why_configuration_unread
from awslabs_dsql_mcp.aws.prompts import without_prompts
from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.dsql.cluster_names import is_region
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured
from awslabs_dsql_mcp.text import as_line

_LIFETIME = 900  # seconds
_SCHEME = "https://"
_DEFAULT_PROFILE = "default"  # used, where there is one, also if none is named (AWS SDKs, "Profiles")
_NOT_SET = (None, None, os.devnull, None)
# Keeps a session from the user's AWS configuration and AWS_PROFILE.
_WITHOUT_CONFIGURATION: Mapping[str, object] = {
    "profile": (None, None, None, None),
    "config_file": _NOT_SET,
    "credentials_file": _NOT_SET,
}
T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """The AWS identity that signs tokens.

    Attributes:
        region: Region of the cluster; ``None`` for the region of the AWS configuration.
        profile: AWS profile; ``None`` for the default credential chain of botocore.
        access_key: A fixed access key instead of a profile or the chain.
        secret_key: The secret of the access key.
    """

    region: str | None = None
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


class TokenSource:
    """Creates tokens for one identity, one at a time, in threads of its own.

    botocore is imported, and the credentials are loaded, in the first one. A source of credentials that hangs
    keeps only this identity waiting.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._signer: _Signer | None = None
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
        used = await self._run(self._keys)
        self._signer = None
        token = await self.token(host, user)
        return None if await self._run(self._keys) == used else token

    async def prepare(self) -> None:
        """Import botocore and load the credentials; an error is raised later, by ``token``."""
        with suppress(DsqlError):
            await self._run(self._loaded)

    async def _run(self, work: Callable[[], T]) -> T:
        while self._attempt is not None and not self._attempt.done():
            await asyncio.wait((self._attempt,))
        self._attempt = attempt = asyncio.ensure_future(run_in_daemon_thread(work))
        attempt.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(attempt)  # whoever waits for it may give up

    def _token(self, host: str, user: str) -> str:
        signer = self._loaded()
        try:
            return translate_errors(lambda: signer.token(host, user), self._identity.profile)
        except DsqlError:
            self._signer = None  # it would keep to the credentials, or to their absence
            raise

    def _keys(self) -> object:
        return self._signer and translate_errors(self._signer.keys, self._identity.profile)

    def _loaded(self) -> "_Signer":
        if self._signer is None:
            self._signer = translate_errors(lambda: _load(self._identity), self._identity.profile)
        return self._signer


@dataclass(frozen=True)
class _Signer:
    """Credentials of botocore, which renew themselves, and the region that they sign for."""

    credentials: Any  # botocore has no types
    region: str

    def keys(self) -> Any:  # noqa: ANN401 - as above
        """Return what signs now."""
        return self.credentials.get_frozen_credentials()

    def token(self, host: str, user: str) -> str:
        """Create a token."""
        from botocore.auth import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - takes 300 ms
            SigV4QueryAuth,
        )
        from botocore.awsrequest import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as above
            AWSRequest,
        )

        action = "DbConnectAdmin" if user == "admin" else "DbConnect"
        request: Any = AWSRequest("GET", f"{_SCHEME}{host}/", params={"Action": action})
        signer: Any = SigV4QueryAuth(self.keys(), "dsql", self.region, expires=_LIFETIME)
        signer.add_auth(request)
        return request.prepare().url.removeprefix(_SCHEME)


def _load(identity: Identity) -> _Signer:
    """Load the credentials; those in the environment come first, as in botocore's own chain."""
    from botocore.credentials import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as above
        Credentials,
        EnvProvider,
    )
    from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as above
        NoCredentialsError,
        NoRegionError,
    )

    credentials, region = None, identity.region
    if region is not None and identity.access_key is not None:
        credentials = Credentials(identity.access_key, identity.secret_key)
    elif region is not None and identity.profile is None:
        credentials = EnvProvider().load()
    if credentials is None:
        session = create_session(identity)
        credentials = session.get_credentials()
        region = region or _required(region_in(session))
    if region is None:
        raise NoRegionError
    if credentials is None:
        raise NoCredentialsError
    return _Signer(credentials, region)


def create_session(identity: Identity) -> Any:  # noqa: ANN401 - botocore has no types
    """Create a session of botocore with the credentials of an identity."""
    from botocore.session import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - takes 450 ms
        Session,
    )

    if identity.access_key is not None:
        session: Any = Session(_WITHOUT_CONFIGURATION)
        session.set_credentials(identity.access_key, identity.secret_key)
    else:
        session = Session()
        if identity.profile == _DEFAULT_PROFILE and _DEFAULT_PROFILE not in session.available_profiles:
            session = Session({"profile": (None, None, None, None)})  # as if nobody had named it
        elif identity.profile is not None:
            session.set_config_variable("profile", identity.profile)
        without_prompts(session)
    if identity.region is not None:
        session.set_config_variable("region", identity.region)
    return session


@dataclass(frozen=True)
class ConfiguredRegion:
    """The Region of an AWS configuration.

    Attributes:
        name: Its name; empty if there is none that can be used.
        problem: Why there is none, a clause.
    """

    name: str
    problem: str = ""


def configured_region(identity: Identity) -> ConfiguredRegion:
    """Find the Region of an identity's AWS configuration; blocks.

    Raises:
        NotConfigured: The profile is unknown.
    """
    return translate_errors(lambda: region_in(create_session(identity)), identity.profile)


def region_in(session: Any) -> ConfiguredRegion:  # noqa: ANN401 - botocore has no types
    """Find the Region of a session of botocore.

    ``AWS_REGION``, which most of AWS's SDKs read and botocore does not, holds where nothing else names one.
    """
    environ = os.environ  # noqa: TID251 - botocore reads it itself
    name = str(session.get_config_variable("region") or environ.get("AWS_REGION") or "")
    if not name:
        return ConfiguredRegion("", why_configuration_unread(environ) or "the AWS configuration has none")
    if is_region(name):
        return ConfiguredRegion(name)
    variables = (each for each in ("AWS_DEFAULT_REGION", "AWS_REGION") if environ.get(each) == name)
    source = next(variables, f"region in {environ.get('AWS_CONFIG_FILE') or '~/.aws/config'}")
    return ConfiguredRegion("", f"{source} is {as_line(name, 60)!r}, which is no Region's name")


def _required(region: ConfiguredRegion) -> str:
    if not region.name:
        raise NotConfigured(
            f"The region of the cluster is unknown: it is not in the endpoint's name, and {region.problem}.",
            code="no_region",
            hint="Give --region, such as us-east-1.",
        )
    return region.name


def translate_errors(call: Callable[[], T], profile: str | None) -> T:
    """Call a function and translate exceptions of botocore.

    Args:
        call: The function.
        profile: Name of the AWS profile, for advice.

    Raises:
        ConnectionFailed: The credentials are missing, expired or cannot be loaded.
        NotConfigured: The profile, the region or the configuration is wrong.
    """
    try:
        return call()
    except DsqlError:
        raise
    except Exception as error:  # what a source of credentials does wrong reaches us as it is
        raise credential_error(error, profile) from error
