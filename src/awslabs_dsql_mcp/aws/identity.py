"""What can be told of the credentials that sign, without their secret: source, form, expiry."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awslabs_dsql_mcp.aws.credentials import Identity, describe_error, session_of

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
# Unique identifiers' prefixes (IAM user guide, "IAM identifiers").
_FORMS = {"AKIA": "an IAM user's long-term key", "ASIA": "a temporary session's key"}


@dataclass(frozen=True)
class CredentialInfo:
    """What is known of credentials.

    Attributes:
        source: Where they come from, in words.
        form: Which kind of identity the key belongs to.
        key_end: The last four characters of the access key's id, which is no secret.
        expires: When they end, where the source says so.
        region: The region that requests will be signed for; ``None`` when nothing names one.
    """

    source: str
    form: str
    key_end: str
    expires: datetime | None
    region: str | None


def describe_credentials(who: Identity) -> CredentialInfo:
    """Find the credentials of an identity; blocks, and asks the network only where their source does.

    Raises:
        ConnectionFailed: They are missing, expired or cannot be had.
        NotConfigured: The profile is unknown.
    """
    return describe_error(lambda: _known(session_of(who)))


def _known(session: Any) -> CredentialInfo:  # noqa: ANN401 - boto3 has no types
    from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as boto3
        NoCredentialsError,
    )

    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    key = str(frozen.access_key)
    kind = "a temporary session's key" if frozen.token else "a key"
    return CredentialInfo(
        source=_SOURCES.get(method := str(found.method), method),
        form=_FORMS.get(key[:4], kind),
        key_end=key[-4:],
        # Without public name; credentials that do not expire have none.
        expires=getattr(found, "_expiry_time", None),
        region=session.region_name,
    )
