"""Source, kind and expiry of the credentials that sign, without secrets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awslabs_dsql_mcp.aws.credentials import (
    ConfiguredRegion,
    Identity,
    create_session,
    region_in,
    translate_errors,
)

# botocore's names of its providers (botocore.credentials, METHOD).
_SOURCES = {
    "explicit": "the local cluster's own key",
    "env": "environment variables",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS configuration file",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "an assumed role (web identity)",
    "sso": "an SSO login",
    "login": "an `aws login` session",
    "custom-process": "a credential process",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}
# Prefixes of unique identifiers (IAM user guide, "IAM identifiers").
_KINDS = {"AKIA": "an IAM user's long-term key", "ASIA": "a temporary session's key"}


@dataclass(frozen=True)
class CredentialInfo:
    """Description of credentials.

    Attributes:
        source: The provider, in words.
        kind: Which kind of identity the key belongs to.
        key_suffix: The last four characters of the access key's id, which is no secret.
        expires_at: When they end, where the source says so.
        region: The region that the configuration has for requests.
    """

    source: str
    kind: str
    key_suffix: str
    expires_at: datetime | None
    region: ConfiguredRegion


def describe_credentials(identity: Identity) -> CredentialInfo:
    """Load and describe the credentials of an identity; blocks, and uses the network if their source does.

    Raises:
        ConnectionFailed: They are missing, expired or cannot be loaded.
        NotConfigured: The profile is unknown.
    """
    return translate_errors(lambda: _describe(create_session(identity)), identity.profile)


def _describe(session: Any) -> CredentialInfo:  # noqa: ANN401 - botocore has no types
    from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
        NoCredentialsError,
    )

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    frozen = credentials.get_frozen_credentials()
    key = str(frozen.access_key)
    kind = "a temporary session's key" if frozen.token else "a key"
    return CredentialInfo(
        source=_SOURCES.get(method := str(credentials.method), method),
        kind=_KINDS.get(key[:4], kind),
        key_suffix=key[-4:],
        # botocore has no public name for it; credentials that do not expire lack the attribute.
        expires_at=getattr(credentials, "_expiry_time", None),
        region=region_in(session),
    )
