"""Sources of credentials as people have them: files and programs that are wrong, slow, renewed or ask."""

import asyncio
import hashlib
import json
import os
import re
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.errors import DsqlError
from support.wire.harness import until

HOST, USER = "abc.dsql.us-east-1.on.aws", "admin"
ROLE, DEVICE = "arn:aws:iam::123456789012:role/agent", "arn:aws:iam::123456789012:mfa/me"
SIGNED_AT = re.compile(r"X-Amz-Date=\w+")
KEYS = "aws_access_key_id = {0}\naws_secret_access_key = s3cr3t\n"
BASE = "[profile base]\n" + KEYS.format("AKIABASE")
ROLE_ALONE = f"[profile mine]\nrole_arn = {ROLE}\n"
ASSUMED = f"{BASE}{ROLE_ALONE}source_profile = base\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder whose AWS configuration is the only one."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    return folder


def source(profile: str | None = "mine") -> TokenSource:
    return TokenSource(Identity("us-east-1", profile))


def key_in(token: str) -> str:
    (key,) = re.findall(r"X-Amz-Credential=(\w+)", token)
    return key


async def refusal(tokens: TokenSource) -> DsqlError:
    with pytest.raises(DsqlError) as raised:
        await tokens.token(HOST, USER)
    return raised.value


@pytest.mark.parametrize(
    ("config", "code", "reason", "advice"),
    [
        (
            f"{ASSUMED}mfa_serial = {DEVICE}\n",
            "mfa_required",
            "MFA code",
            "get-caller-identity --profile mine",
        ),
        (
            f"[profile mine]\nrole_arn = {ROLE}\nsource_profile = nobody\n",
            "aws_configuration",
            'source_profile "nobody"',
            "profile mine",
        ),
        (
            f"[profile mine]\nrole_arn = {ROLE}\n",
            "no_credentials",
            "source_profile or credential_source is missing",
            "profile mine",
        ),
        ("[profile mine\nregion = x\n", "aws_configuration", "config, line 1", "~/.aws/config"),
        (
            "[profile mine]\ncredential_process = /nowhere/keys\n",
            "credentials_failed",
            "/nowhere/keys: No such file or directory",
            "credential_process",
        ),
        (
            "[profile mine]\ncredential_process = /bin/echo keys\n",
            "credentials_failed",
            "its output",
            "credential_process",
        ),
        (
            "[profile mine]\ncredential_process = /bin/echo []\n",
            "credentials_failed",
            "profile mine",
            "credential_process",
        ),
        (
            "[profile mine]\ncredential_process = /bin/false\n",
            "credentials_expired",
            "profile mine",
            "credential_process",
        ),
        (
            """[profile mine]\ncredential_process = /bin/echo '{"Version": 1, "AccessKeyId": "s3cr3t"}'\n""",
            "credentials_expired",
            "SecretAccessKey",
            "credential_process",
        ),
        (
            f"{ROLE_ALONE}web_identity_token_file = /nowhere/token\n",
            "credentials_failed",
            "/nowhere/token: No such file or directory",
            "files that profile mine names",
        ),
        (
            "[profile mine]\nlogin_session = arn:aws:iam::123456789012:user/me\n",
            "credentials_failed",
            "aws login",
            "export-credentials --profile mine",
        ),
        (
            "[profile mine]\nsso_session = none\nsso_account_id = 1\nsso_role_name = r\n",
            "aws_configuration",
            '"none"',
            "profile mine",
        ),
    ],
)
async def test_each_broken_source_is_told_with_its_cause_and_its_own_remedy(
    home: Path, config: str, code: str, reason: str, advice: str
) -> None:
    (home / "config").write_text(config)
    error = await refusal(source())
    assert error.code == code
    assert reason in error.message
    assert advice in str(error.hint)
    assert "s3cr3t" not in f"{error.message} {error.hint}"


async def test_a_profile_that_nobody_named_is_the_default_one(home: Path) -> None:
    (home / "config").write_text(f"{ASSUMED}mfa_serial = {DEVICE}\n".replace("profile mine", "default"))
    error = await refusal(source(None))
    assert error.message.startswith("The default profile needs an MFA code")
    assert "`aws sts get-caller-identity`" in str(error.hint)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSLKEYLOGFILE", "/nowhere/s3cr3t"),
        ("AWS_MAX_ATTEMPTS", "s3cr3t"),
        ("AWS_RETRY_MODE", "s3cr3t"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "s3cr3t"),
        ("AWS_DEFAULTS_MODE", "s3cr3t"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "s3cr3t"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "s3cr3t"),
        ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "s3cr3t"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "s3cr3t"),
        ("AWS_RESPONSE_CHECKSUM_VALIDATION", "s3cr3t"),
        ("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "s3cr3t"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "s3cr3t"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "s3cr3t"),
        ("AWS_ENDPOINT_URL_STS", "s3cr3t"),
        ("HTTPS_PROXY", "http://s3cr3t:x"),
        ("AWS_CA_BUNDLE", "/nowhere/s3cr3t"),
    ],
)
async def test_a_variable_that_cannot_be_used_is_named_and_not_the_credentials(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    (home / "config").write_text(ASSUMED)
    if variable != "AWS_ENDPOINT_URL_STS":
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:1")
    monkeypatch.setenv(variable, value)
    error = await refusal(source())
    assert (error.code, error.remedy) == ("environment", "ask_operator")
    assert variable in error.message
    assert variable in str(error.hint)
    assert "s3cr3t" not in f"{error.message} {error.hint}"


async def test_aws_that_cannot_be_reached_is_no_expired_login(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config").write_text(ASSUMED)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    error = await refusal(source())
    assert (error.code, "HTTPS_PROXY" in str(error.hint)) == ("aws_unreachable", True)
    assert "profile mine (127.0.0.1:1: Connection refused)" in error.message


async def test_a_proxy_that_is_down_is_named_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config").write_text(ASSUMED)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.us-east-1.amazonaws.com")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cr3t@127.0.0.1:1")
    error = await refusal(source())
    assert error.code == "aws_unreachable"
    assert "the proxy 127.0.0.1:1: Connection refused" in error.message
    assert "HTTPS_PROXY" in str(error.hint)
    assert "s3cr3t" not in f"{error.message} {error.hint}"


async def test_the_session_of_the_aws_cli_stands_in_for_the_code(home: Path) -> None:
    (home / "config").write_text(f"{ASSUMED}mfa_serial = {DEVICE}\n")
    cache = home / "cli" / "cache"
    cache.mkdir(parents=True)
    arguments = json.dumps({"RoleArn": ROLE, "SerialNumber": DEVICE}, sort_keys=True)
    session = cache / (hashlib.sha1(arguments.encode(), usedforsecurity=False).hexdigest() + ".json")
    ends = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    keys = {"AccessKeyId": "ASIACACHED", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}
    session.write_text(json.dumps({"Credentials": keys}))
    assert key_in(await source().token(HOST, USER)) == "ASIACACHED"
    assert [file.name for file in cache.iterdir()] == [session.name]


async def test_keys_that_were_added_later_are_read(home: Path) -> None:
    tokens = source(None)
    assert (await refusal(tokens)).code == "no_credentials"
    (home / "credentials").write_text("[default]\n" + KEYS.format("AKIANEW"))
    assert key_in(await tokens.token(HOST, USER)) == "AKIANEW"


async def test_renewed_keys_are_read_after_a_refusal(home: Path) -> None:
    tokens = source(None)
    (home / "credentials").write_text("[default]\n" + KEYS.format("AKIAOLD"))
    await tokens.token(HOST, USER)
    assert await tokens.renewed_token(HOST, USER) is None
    (home / "credentials").write_text("[default]\n" + KEYS.format("AKIANEW"))
    assert key_in(await tokens.renewed_token(HOST, USER) or "") == "AKIANEW"


async def test_another_source_is_read_after_one_that_fails(home: Path) -> None:
    ends = (datetime.now(timezone.utc) + timedelta(seconds=30)).isoformat()  # so that each look asks again
    keys: dict[str, object] = {"Version": 1, "Expiration": ends}
    keys |= {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t"}
    (home / "works").touch()
    (home / "ask").write_text(f"#!/bin/sh\n[ -e {home}/works ] && echo '{json.dumps(keys)}'\n")
    (home / "ask").chmod(0o700)
    (home / "config").write_text(f"[profile mine]\ncredential_process = {home}/ask\n")
    tokens = source()
    assert key_in(await tokens.token(HOST, USER)) == "ASIA"
    (home / "works").unlink()
    assert (await refusal(tokens)).code.startswith("credentials_")
    (home / "config").write_text("[profile mine]\n" + KEYS.format("AKIANEW"))
    assert key_in(await tokens.token(HOST, USER)) == "AKIANEW"


async def test_a_source_that_hangs_is_asked_once_and_holds_up_no_other(home: Path) -> None:
    (home / "ask").write_text(f"#!/bin/sh\necho asked >> {home}/asked\nexec /bin/sleep 30\n")
    (home / "ask").chmod(0o700)
    (home / "config").write_text(f"{BASE}[profile mine]\ncredential_process = {home}/ask\n")
    hung = source()
    waiting = [asyncio.ensure_future(hung.token(HOST, USER)) for _ in range(40)]
    await until((home / "asked").exists)
    others = [source("base").token(HOST, USER) for _ in range(3)]
    assert {key_in(token) for token in await asyncio.gather(*others)} == {"AKIABASE"}
    for call in waiting:
        call.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(hung.token(HOST, USER), 0.1)
    assert (home / "asked").read_text() == "asked\n"


async def test_sources_that_hang_take_no_thread_that_others_need(home: Path) -> None:
    many = 2 + min(32, (os.cpu_count() or 1) + 4)  # more than asyncio's own threads
    (home / "ask").write_text(f"#!/bin/sh\necho >> {home}/asked\nexec /bin/sleep 30\n")
    (home / "ask").chmod(0o700)
    profiles = [f"[profile p{n}]\ncredential_process = {home}/ask\n" for n in range(many)]
    (home / "config").write_text("".join(profiles))
    waiting = [asyncio.ensure_future(source(f"p{n}").token(HOST, USER)) for n in range(many)]
    await until((home / "asked").exists)
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "a thread"), 5) == "a thread"
    for call in waiting:
        call.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("runs", range(6))
async def test_a_source_that_fails_at_any_run_is_told_as_one(home: Path, runs: int) -> None:
    """Short-lived keys are loaded anew at each look at them."""
    ends = (datetime.now(timezone.utc) + timedelta(seconds=30)).isoformat()
    keys = {
        "Version": 1,
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": ends,
    }
    (home / "ask").write_text(
        f"#!/bin/sh\necho >> {home}/asked\n"
        f"[ $(wc -l < {home}/asked) -le {runs} ] && echo '{json.dumps(keys)}'\n"
    )
    (home / "ask").chmod(0o700)
    (home / "config").write_text(f"[profile mine]\ncredential_process = {home}/ask\n")
    tokens = source()

    async def renew() -> None:
        while True:
            await tokens.token(HOST, USER)
            await tokens.renewed_token(HOST, USER)

    with pytest.raises(DsqlError) as raised:
        await renew()
    assert raised.value.code == "credentials_expired"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("user", "method"), [("admin", "admin_auth_token"), ("app", "auth_token")])
@pytest.mark.parametrize("session_token", ["", "a/+=token"])
async def test_a_token_is_that_of_a_client_of_boto3(
    monkeypatch: pytest.MonkeyPatch, user: str, method: str, session_token: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s/+3cr3t")
    monkeypatch.setenv("AWS_SESSION_TOKEN", session_token)
    boto3: Any = import_module("boto3")  # untyped
    sign = getattr(boto3.Session().client("dsql", region_name="us-east-1"), f"generate_db_connect_{method}")
    ours = await source(None).token(HOST, user)
    theirs: str = sign(HOST, "us-east-1", 900)
    while SIGNED_AT.findall(ours) != SIGNED_AT.findall(theirs):  # the second may have passed between them
        ours, theirs = await source(None).token(HOST, user), sign(HOST, "us-east-1", 900)
    assert ours == theirs


async def test_keys_of_the_environment_come_before_the_default_profile_and_behind_a_chosen_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config").write_text(BASE.replace("profile base", "default") + BASE)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    assert key_in(await source(None).token(HOST, USER)) == "AKIAENV"
    assert key_in(await source("base").token(HOST, USER)) == "AKIABASE"


async def test_the_default_profile_may_be_named_where_there_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "default")
    assert (await refusal(source("default"))).code == "no_credentials"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    assert key_in(await source("default").token(HOST, USER)) == "AKIAENV"
    (home / "config").write_text(BASE.replace("profile base", "default"))
    assert key_in(await source("default").token(HOST, USER)) == "AKIABASE"


@pytest.mark.parametrize("keys", ["file", "environment"])
async def test_the_region_of_the_configuration_signs_where_none_is_chosen(
    home: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    if keys == "file":
        (home / "credentials").write_text("[default]\n" + KEYS.format("AKIAFILE"))
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    tokens = TokenSource(Identity())
    assert (await refusal(tokens)).code == "no_region"
    (home / "config").write_text("[default]\nregion = eu-west-2\n")
    assert "%2Feu-west-2%2Fdsql%2F" in await tokens.token(HOST, USER)
    (home / "config").write_text("[default]\nregion = eu west\n")
    error = await refusal(TokenSource(Identity()))
    assert (error.code, error.remedy) == ("no_region", "ask_operator")
    assert "config is 'eu west', which is no Region's name" in error.message
