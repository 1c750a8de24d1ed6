"""A command that asks AWS, in an environment with a wrong value: the message names what is wrong."""

import subprocess
from pathlib import Path

import pytest

from conftest import server

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
PROXY = "HTTPS_PROXY has to be a proxy's address, such as http://proxy.example:3128."


def said(*words: str, home: Path, **environment: str) -> str:
    quiet = {"HOME": str(home), "USERPROFILE": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    start = server(*words, **KEYS, **quiet, **environment)
    done = subprocess.run(
        [start.command, *start.args], env=start.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert len(done.stderr.splitlines()) == 2, done.stderr
    assert "s3cr3t" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("variable", ["AWS_DEFAULT_REGION", "AWS_REGION"])
@pytest.mark.parametrize("words", [("list",), ("create", "orders")], ids=" ".join)
def test_a_variable_that_is_no_region_is_named(tmp_path: Path, variable: str, words: tuple[str, ...]) -> None:
    text = said("clusters", *words, home=tmp_path, **{variable: "Virginia"})
    assert f"No Region is named, and {variable} is 'Virginia', which is no Region's name." in text
    assert "Give --region, such as us-east-1" in text


def test_a_profile_s_region_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[default]\nregion = Virginia\n")
    text = said("clusters", home=tmp_path, AWS_CONFIG_FILE=str(file))
    assert f"and region in {file} is 'Virginia', which is no Region's name." in text


def test_a_region_of_the_other_sdks_variable_is_asked(tmp_path: Path) -> None:
    nowhere = {"AWS_ENDPOINT_URL_DSQL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    text = said("clusters", home=tmp_path, AWS_REGION="us-east-2", **nowhere)
    assert "dsql:ListClusters in us-east-2 (127.0.0.1:1: Connection refused)" in text


@pytest.mark.parametrize(
    "proxy",
    ["foo:bar:s3cr3t", "http://", "http://127.0.0.1:99999", "socks5://127.0.0.1:1", "http://s3cr3t:x"],
)
def test_a_proxy_that_is_none_is_named(tmp_path: Path, proxy: str) -> None:
    text = said("clusters", "--region", "us-east-1", home=tmp_path, HTTPS_PROXY=proxy)
    assert PROXY in text


def test_a_proxy_that_is_down_is_named_and_nothing_else(tmp_path: Path) -> None:
    text = said("clusters", "--region", "us-east-1", home=tmp_path, HTTPS_PROXY="http://127.0.0.1:1")
    assert "(the proxy 127.0.0.1:1: Connection refused)" in text
    assert text.endswith("Correct HTTPS_PROXY of this server, or start the proxy.\n")


def test_a_file_of_roots_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = said("clusters", "--region", "us-east-1", home=tmp_path, AWS_CA_BUNDLE=str(tmp_path / "none"))
    assert "AWS_CA_BUNDLE has to be a file or directory that can be read" in text


def test_a_cluster_that_nobody_named_is_asked_for(tmp_path: Path) -> None:
    text = said("clusters", "show", "--region", "us-east-1", home=tmp_path)
    assert "No cluster is named, and --cluster_endpoint tells none: give its id, ARN or endpoint." in text
    assert "clusters list` lists them." in text


def test_a_region_nearly_right_is_asked_about(tmp_path: Path) -> None:
    text = said("clusters", "--region", "us-esat-1", home=tmp_path)
    if "could not be reached" in text:  # a network may answer any name
        assert "us-east-1" in text.splitlines()[1]
