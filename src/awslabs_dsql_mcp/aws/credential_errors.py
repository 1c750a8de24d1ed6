"""Errors of AWS credentials in words, without secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from shlex import quote

from awslabs_dsql_mcp.aws.credential_reasons import reason_of, why_configuration_unread, why_unread
from awslabs_dsql_mcp.aws.environment import unusable_variables
from awslabs_dsql_mcp.aws.prompts import CodeRequiredError
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, NotConfigured


@dataclass(frozen=True)
class _Rule:
    """An error for some exceptions of botocore.

    Attributes:
        exceptions: Names in ``botocore.exceptions``; their subclasses are meant, too.
        code: Code of the error.
        message: Its text; ``{name}`` is the exception's class, ``{reason}`` what it says of its cause.
        hint: The next step; ``{profile}`` is the profile's name.
        is_setting: The configuration is wrong, rather than the credentials.
    """

    exceptions: tuple[str, ...]
    code: str
    message: str
    hint: str
    is_setting: bool = False


_CODE_REQUIRED = _Rule(
    ("RefreshWithMFAUnsupportedError",),
    "mfa_required",
    "{profile} needs an MFA code, for which a server cannot ask.",
    "Run `aws sts get-caller-identity --profile NAME` in a terminal, which asks for it and keeps the "
    "session, and try again.",
)
_UNREACHABLE = (
    "AWS could not be reached for the credentials of {profile} ({reason}); the cluster was not contacted."
)
_RULES = (
    _CODE_REQUIRED,
    _Rule(
        ("NoRegionError", "InvalidRegionError"),
        "no_region",
        "The region of the cluster is unknown: it is not in the endpoint's name.",
        "Give --region, such as us-east-1.",
        is_setting=True,
    ),
    _Rule(
        ("NoCredentialsError",),
        "no_credentials",
        "No AWS credentials were found.",
        "Give --profile, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where the client "
        "starts this server.",
    ),
    _Rule(
        ("PartialCredentialsError",),
        "no_credentials",
        "The AWS credentials are incomplete: {reason}.",
        "Complete {profile} in ~/.aws/config and ~/.aws/credentials, or the AWS_ variables.",
    ),
    _Rule(
        ("ConfigParseError", "ConfigNotFound"),
        "aws_configuration",
        "The AWS configuration cannot be read: {reason}.",
        "Correct that file: ~/.aws/config has lines `[profile NAME]` and `key = value`.",
        is_setting=True,
    ),
    _Rule(
        ("InvalidConfigError",),
        "aws_configuration",
        "The AWS configuration is wrong: {reason}.",
        "Correct {profile} in ~/.aws/config.",
        is_setting=True,
    ),
    _Rule(
        ("MissingDependencyException",),
        "credentials_failed",
        "{profile} was made by `aws login`, whose sessions this server cannot read.",
        "Give a profile that has `credential_process = aws configure export-credentials --profile NAME "
        "--format process`.",
        is_setting=True,
    ),
    _Rule(
        ("ProxyConnectionError",),
        "aws_unreachable",
        _UNREACHABLE,
        "Correct HTTPS_PROXY where the client starts this server, or start the proxy.",
    ),
    _Rule(
        ("SSLError",),
        "aws_unreachable",
        _UNREACHABLE,
        "If a proxy inspects TLS (HTTPS_PROXY), set AWS_CA_BUNDLE to the file of its root certificate.",
    ),
    _Rule(
        ("HTTPClientError", "ConnectionError"),
        "aws_unreachable",
        _UNREACHABLE,
        "Check the network and HTTPS_PROXY: roles need STS, and SSO logins the SSO endpoint.",
    ),
    _Rule(
        ("LoginError",),
        "credentials_expired",
        "The login of {profile} has expired ({name}).",
        "Renew it with `aws login --profile NAME` and try again.",
    ),
    _Rule(
        ("SSOError", "TokenRetrievalError", "UnauthorizedSSOTokenError"),
        "credentials_expired",
        "{profile} is not logged in, or its login has expired ({name}).",
        "Run `aws sso login --profile NAME` and try again.",
    ),
    _Rule(
        ("MetadataRetrievalError",),
        "credentials_failed",
        "The metadata service of this machine gave no AWS credentials ({name}).",
        "Check the role of the instance or container, or give --profile.",
    ),
    _Rule(
        ("CredentialRetrievalError",),
        "credentials_expired",
        "The source of the AWS credentials of {profile} returned none ({reason}).",
        "Renew them at their source (such as `aws sso login --profile NAME`); a credential_process says in a "
        "terminal what is wrong.",
    ),
    _Rule(
        ("ClientError",),
        "credentials_failed",
        "AWS refused the credentials or the role of {profile} ({reason}).",
        "Renew them, and check that they may assume the role.",
    ),
)
_UNREAD = _Rule((), "no_credentials", "", "Correct the permissions of that file.")
_NONE_OF_PROFILE = _Rule(
    (),
    "no_credentials",
    "{profile} has no AWS credentials, or not all that its kind needs.",
    "Run `aws configure sso --profile NAME` or `aws configure --profile NAME`, which asks for what is "
    "missing, or give another --profile.",
)
_NONE_OF_CONTAINER = _Rule(
    (),
    "credentials_failed",
    "The container's service for AWS credentials gave none ({name}).",
    "Check AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI and the role of the container, or give "
    "--profile.",
)
_OTHER = _Rule(
    (),
    "credentials_failed",
    "The AWS credentials of {profile} could not be used ({name}).",
    "`aws sts get-caller-identity --profile NAME` names the fault, or tells that the AWS CLI can use them.",
)
_BROKEN_SOURCE = _Rule(
    (),
    "credentials_failed",
    "The source of the AWS credentials of {profile} could not be run or read ({reason}).",
    "Correct the credential_process or the files that {profile} names in ~/.aws/config; what an SSO login "
    "has left is written anew by `aws sso login --profile NAME`.",
)
_EXPIRED = _Rule(
    (),
    "credentials_expired",
    "The AWS credentials of {profile} have expired, and their source returns no newer ones.",
    "Renew them at their source (such as `aws sso login --profile NAME`) and try again.",
)


_MAY_BE_OF_VARIABLES = (
    *(rule for rule in _RULES if rule.code in ("aws_configuration", "aws_unreachable")),
    *(_OTHER, _BROKEN_SOURCE),
)


def credential_error(error: Exception, profile: str | None = None) -> DsqlError:
    """Translate an exception of botocore, or of a source of credentials, without secrets.

    Args:
        error: The exception; of its text the error has what `reason_of` lets pass.
        profile: Name of the AWS profile; ``None`` for the default one.
    """
    from botocore import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
        exceptions as aws,
    )

    environ = os.environ  # noqa: TID251 - botocore reads it itself
    if isinstance(error, aws.ProfileNotFound):
        file = environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
        why = why_unread(file)
        return NotConfigured(
            f"{str(error).rstrip('.')}: {why or 'the AWS configuration has no such profile'}.",
            code="unknown_profile",
            hint=f"Correct --profile or AWS_PROFILE, or {'mend' if why else 'add the profile to'} {file}.",
        )
    named = (rule for rule in _RULES if isinstance(error, tuple(getattr(aws, n) for n in rule.exceptions)))
    rule = next(named, None) or _rule_of_others(error, is_botocores=type(error).__module__ == aws.__name__)
    rule = _narrowed(rule, profile, environ)
    if rule in _MAY_BE_OF_VARIABLES and (unusable := unusable_environment(environ)):
        return unusable
    if rule.code == "no_credentials" and (why := why_configuration_unread(environ)):
        rule = replace(_UNREAD, message=f"{rule.message.rstrip('.')}: {why}.")
    words = {
        "name": type(error).__name__,
        "reason": reason_of(error),
        "profile": f"profile {profile}" if profile else "the default profile",
    }
    message = rule.message.format(**words)
    # Without a profile, the commands of the AWS CLI take the same one as botocore.
    hint = rule.hint.format(**words).replace(
        " --profile NAME", f" --profile {quote(profile)}" if profile else ""
    )
    kind = NotConfigured if rule.is_setting else ConnectionFailed
    return kind(message[0].upper() + message[1:], code=rule.code, hint=hint)


def unusable_environment(environ: Mapping[str, str]) -> NotConfigured | None:
    """Name the variables that cannot be used; `None` if there are none.

    Args:
        environ: The environment.
    """
    if not (unusable := dict(unusable_variables(environ))):
        return None
    # The first of them alone may be the cause, and all have to be mended.
    wrong = "; ".join(f"{name} has to be {expected}" for name, expected in unusable.items())
    return NotConfigured(
        f"The environment of this server has a value that cannot be used: {wrong}.",
        code="environment",
        hint=f"The operator can correct or unset {', '.join(unusable)} where the client starts it.",
    )


def _narrowed(rule: _Rule, profile: str | None, environ: Mapping[str, str]) -> _Rule:
    """Take a rule for the source that was asked where the exception does not tell it."""
    if profile:
        return _NONE_OF_PROFILE if "NoCredentialsError" in rule.exceptions else rule
    of_container = any(name.startswith("AWS_CONTAINER_CREDENTIALS_") for name in environ)
    return _NONE_OF_CONTAINER if of_container and rule.code.startswith("credentials_") else rule


def _rule_of_others(error: Exception, *, is_botocores: bool) -> _Rule:
    if isinstance(error, CodeRequiredError):
        return _CODE_REQUIRED
    # botocore raises RuntimeError when credentials that it refreshed have expired already.
    if isinstance(error, RuntimeError):
        return _EXPIRED
    return _OTHER if is_botocores else _BROKEN_SOURCE
