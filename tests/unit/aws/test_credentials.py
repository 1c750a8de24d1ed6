"""Every exception that botocore has, told to the operator without a secret."""

import inspect
from string import Formatter

import pytest
from botocore import exceptions as aws  # pyright: ignore[reportMissingTypeStubs] - it has none

from awslabs_dsql_mcp.aws.credentials import credential_error
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, NotConfigured

CLASSES = [
    found
    for _, found in inspect.getmembers(aws, inspect.isclass)
    if issubclass(found, Exception) and found.__module__ == aws.__name__
]
SECRET = "s3cr3t"  # noqa: S105 - none
CODES = {
    "ProfileNotFound": "unknown_profile",
    "NoRegionError": "no_region",
    "InvalidRegionError": "no_region",
    "NoCredentialsError": "no_credentials",
    "PartialCredentialsError": "no_credentials",
    "CredentialRetrievalError": "credentials_expired",
    "SSOTokenLoadError": "credentials_expired",
    "UnauthorizedSSOTokenError": "credentials_expired",
    "TokenRetrievalError": "credentials_expired",
}


def instance_of(kind: type[Exception]) -> Exception:
    """Make one without knowing what its constructor takes; all but a profile's name is secret in it."""
    text: str = getattr(kind, "fmt", SECRET)
    names = {name for _, name, _, _ in Formatter().parse(text) if name}
    values = {name: "work" if name == "profile" else SECRET for name in names}
    error = kind.__new__(kind)
    Exception.__init__(error, text.format(**values))
    error.__dict__.update(kwargs=values, response={})
    return error


def test_botocore_has_exceptions() -> None:
    assert len(CLASSES) > 80


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_has_its_error(kind: type[Exception]) -> None:
    error: DsqlError = credential_error(instance_of(kind))
    assert isinstance(error, ConnectionFailed | NotConfigured)
    assert error.hint
    assert SECRET not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_code(name: str, code: str) -> None:
    assert credential_error(instance_of(getattr(aws, name))).code == code
