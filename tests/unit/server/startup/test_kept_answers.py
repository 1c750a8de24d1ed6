"""The file of the first answers: made once, for its owner alone, and only for what it was made from."""

import json
import os
import sys
from pathlib import Path

import platformdirs
import pytest

from awslabs_dsql_mcp.server.startup.kept_answers import KeptAnswers, cache_folder

OPTIONS = ("a", 1)


def kept(folder: Path, options: object = OPTIONS) -> KeptAnswers:
    return KeptAnswers(options, folder / "cache")


def file_of(folder: Path) -> Path:
    (file,) = (folder / "cache").iterdir()
    return file


def test_an_answer_is_there_at_the_next_start(tmp_path: Path) -> None:
    kept(tmp_path).keep("question", '{"a":1}')
    assert kept(tmp_path).get("question") == '{"a":1}'
    assert kept(tmp_path).get("another") is None


def test_answers_hold_for_the_options_that_they_were_made_from(tmp_path: Path) -> None:
    kept(tmp_path).keep("question", "1")
    assert kept(tmp_path, ("a", 2)).get("question") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    kept(tmp_path).keep("question", "1")
    assert file_of(tmp_path).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    file_of(tmp_path).chmod(0o620)
    assert kept(tmp_path).get("question") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links, pipes and modes")
@pytest.mark.parametrize("way", ["writable", "link to a folder", "link to the file", "pipe", "folder"])
def test_nothing_is_read_or_written_where_another_user_could_have_a_hand_in_it(
    tmp_path: Path, way: str
) -> None:
    kept(tmp_path).keep("question", "1")
    folder, file = tmp_path / "cache", file_of(tmp_path)
    if way == "writable":
        folder.chmod(0o777)
    elif way == "link to a folder":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        file.rename(tmp_path / "elsewhere")
        if way == "pipe":
            os.mkfifo(file, 0o600)
        elif way == "folder":
            file.mkdir(0o700)
        else:
            file.symlink_to(tmp_path / "elsewhere")
    assert kept(tmp_path).get("question") is None
    before = sorted(tmp_path.rglob("*"))
    if way in {"writable", "link to a folder"}:
        kept(tmp_path, "other").keep("question", "1")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_another_users_says_nothing(tmp_path: Path, what: str) -> None:
    kept(tmp_path).keep("question", "1")
    os.chown(file_of(tmp_path) if what == "file" else tmp_path / "cache", 65534, 65534)
    assert kept(tmp_path).get("question") is None


def test_files_of_others_stay(tmp_path: Path) -> None:
    kept(tmp_path, 0).keep("question", "1")
    for number in range(40):
        (tmp_path / "cache" / f"letter-{number}.txt").write_text("mine")
    for number in range(40):
        kept(tmp_path, number).keep("question", "1")
    assert len(list((tmp_path / "cache").glob("letter-*"))) == 40


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 500_000,
        b"[]",
        b'{"answers": {}}',
        b'{"answers": 5, "made_from": "MADE"}',
        b"\xff",
        b'"' + b"x" * (1 << 20),
    ],
)
def test_a_file_that_is_no_good_is_none(tmp_path: Path, content: bytes) -> None:
    kept(tmp_path).keep("question", "1")
    made_from = json.loads(file_of(tmp_path).read_bytes())["made_from"]
    file_of(tmp_path).write_bytes(content.replace(b'"MADE"', json.dumps(made_from).encode()))
    again = kept(tmp_path)
    assert again.get("question") is None
    again.keep("question", "2")
    assert kept(tmp_path).get("question") == "2"


def test_an_answer_that_was_damaged_is_not_given(tmp_path: Path) -> None:
    kept(tmp_path).keep("question", '{"a":1}')
    file = file_of(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'{\\"a\\":1}', b"garbage"))
    assert b"garbage" in file.read_bytes()
    assert kept(tmp_path).get("question") is None


def test_a_package_that_changes_makes_the_answers_void(tmp_path: Path) -> None:
    kept(tmp_path).keep("question", "1")
    content = json.loads(file_of(tmp_path).read_bytes())
    content["made_from"] = content["made_from"].replace("mcp-", "mcp-0", 1)
    file_of(tmp_path).write_text(json.dumps(content))
    assert kept(tmp_path).get("question") is None


def test_nothing_that_was_discarded_comes_back(tmp_path: Path) -> None:
    answers = kept(tmp_path)
    answers.keep("question", "1")
    answers.discard()
    answers.keep("question", "2")
    assert (answers.get("question"), kept(tmp_path).get("question")) == (None, None)


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, and no folder")
    for answers in (kept(tmp_path), KeptAnswers(OPTIONS, None)):
        answers.keep("question", "1")
    assert kept(tmp_path).get("question") is None


def test_the_files_of_old_versions_go(tmp_path: Path) -> None:
    for number in range(40):
        kept(tmp_path, number).keep("question", "1")
    assert len(list((tmp_path / "cache").iterdir())) <= 32
    assert kept(tmp_path, 39).get("question") == "1"


def test_the_folder_is_in_the_users_cache() -> None:
    usual = platformdirs.user_cache_path("awslabs-dsql-mcp", appauthor=False)
    assert cache_folder(os.environ) == usual / "first-answers"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a home directory of another name")
def test_no_folder_is_made_where_the_server_happens_to_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "here")
    assert cache_folder({"XDG_CACHE_HOME": "here"}) is None
    monkeypatch.setenv("HOME", "/home/of")
    found = cache_folder({"XDG_CACHE_HOME": "here"})
    assert found is not None
    assert found.is_absolute()
