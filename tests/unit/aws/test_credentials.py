"""Every exception that botocore has, told to the operator without a secret."""

import inspect
from pathlib import Path
from string import Formatter

import pytest
from botocore import exceptions as aws  # pyright: ignore[reportMissingTypeStubs] - it has none

from awslabs_dsql_mcp.aws.api_errors import ApiCall, api_error
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


# Fields that name a thing of the user's configuration, which the user has to be told.
NAMES = {"profile", "cred_var", "path", "source_profile", "visited_profiles"}
URLS = {"endpoint_url", "proxy_url"}


def instance_of(kind: type[Exception]) -> Exception:
    """Make one without knowing what its constructor takes; all but names and hosts is secret in it."""
    text: str = getattr(kind, "fmt", SECRET)
    fields = {name for _, name, _, _ in Formatter().parse(text) if name}
    shown = {*NAMES, "error_msg"} if kind is aws.InvalidConfigError else NAMES
    values = {
        name: "work" if name in shown else f"https://u:{SECRET}@work/{SECRET}" if name in URLS else SECRET
        for name in fields
    }
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


def test_a_profile_without_credentials_is_named() -> None:
    error = credential_error(aws.NoCredentialsError(), "work")
    assert error.code == "no_credentials"
    assert "Profile work has no AWS credentials" in error.message
    assert "`aws configure sso --profile work`" in str(error.hint)


@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize("profile", [None, "work"])
def test_a_configuration_that_cannot_be_read_is_why_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, profile: str | None
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))  # a folder, which root cannot read as a file either
    error = credential_error(aws.NoCredentialsError(), profile)
    assert error.code == "no_credentials"
    assert f"{tmp_path} cannot be read (Is a directory)." in error.message
    assert "that file" in str(error.hint)


@pytest.mark.parametrize("error", [aws.CredentialRetrievalError(provider="c", error_msg="x"), ValueError()])
def test_the_container_is_named_where_it_was_asked(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x")
    assert "The container's service" in credential_error(error).message
    assert "The container's service" not in credential_error(error, "work").message


def test_a_configuration_that_is_passed_over_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = aws.ProfileNotFound(profile="work")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert "has no such profile" in credential_error(missing).message
    assert f"add the profile to {tmp_path / 'none'}" in str(credential_error(missing).hint)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))  # a folder: botocore passes it over in silence
    assert f"{tmp_path} cannot be read" in credential_error(missing).message
    assert f"mend {tmp_path}" in str(credential_error(missing).hint)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("InvalidConfigError", "wrong: work."),
        ("PartialCredentialsError", "work is missing"),
        ("ConfigParseError", "cannot be read: work."),
        ("ProxyConnectionError", "(the proxy work)"),
        ("EndpointConnectionError", "(work)"),
        ("SSLError", "(work)"),
    ],
)
def test_the_cause_that_botocore_names_is_told(name: str, says: str) -> None:
    assert says in credential_error(instance_of(getattr(aws, name)), "mine").message


def test_a_role_that_may_not_be_assumed_is_no_matter_of_the_call_that_it_was_for() -> None:
    said = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: sts:AssumeRole"
    refused = aws.ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, "AssumeRole")
    error = api_error(refused, ApiCall("dsql", "ListClusters", "us-east-1"), "mine")
    assert error.message == f"AWS refused the credentials or the role of profile mine (AccessDenied: {said})."
    assert "assume the role" in str(error.hint)
