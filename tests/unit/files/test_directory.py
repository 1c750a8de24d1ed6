"""Files in an operator's directory: what may be read or created, and what is left when something fails."""

import errno
import os
import stat
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, RequestInvalid
from awslabs_dsql_mcp.files.directory import MAX_WRITE_SECONDS, NewFile, OperatorDirectory

OPTION = "--export-dir"


def create(root: Path, path: str = "a.csv", *, overwrite: bool = False) -> NewFile:
    """Begin a file with one line."""
    file = OperatorDirectory(root, OPTION).create(path, overwrite=overwrite)
    file.file.write(b"line\n")
    return file


def entries(root: Path) -> list[str]:
    """All that is in a directory, hidden names too."""
    return sorted(entry.name for entry in root.iterdir())


@pytest.mark.parametrize("path", ["a.csv", "Grüße 1.csv", "sub/a.csv"])
def test_a_file_has_its_name_once_it_is_complete(tmp_path: Path, path: str) -> None:
    (tmp_path / "sub").mkdir()
    file, place = create(tmp_path, path), tmp_path / path
    assert not place.exists()
    file.publish()
    assert place.read_bytes() == b"line\n"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600 or os.name == "nt"
    assert (file.uri, file.size) == (place.as_uri(), 5)
    assert entries(place.parent) in ([place.name], [place.name, "sub"])
    file.discard()
    assert place.exists()


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    file = create(tmp_path)
    file.discard()
    file.discard()
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "../a.csv", "sub/../../a.csv", "/a.csv", "sub/../a.csv"),
        *(
            ".a.csv",
            ".dsql-mcp-x.partial",
            ".sub/a.csv",
            "a\nb.csv",
            "a\0.csv",
            "a\x1b[0m.csv",
            "a\u202e.csv",
        ),
        *("a\\b.csv", "c:a.csv", "a.csv:b", "link.csv", "far/a.csv", "sub.csv/a.csv", "dir.csv", "no/a.csv"),
        "x" * 300,
    ],
)
def test_other_names_are_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "sub").mkdir()
    (root / "dir.csv").mkdir()
    (root / "sub.csv").write_text("")
    (root / "far").symlink_to(root / "sub")
    (root / "link.csv").symlink_to(root / "sub.csv")
    before = entries(root)
    for overwrite in (False, True):
        with pytest.raises(RequestInvalid):
            create(root, path, overwrite=overwrite)
    assert (entries(root), entries(root / "sub"), entries(tmp_path)) == (before, [], ["root"])


def test_a_special_file_is_neither_replaced_nor_read(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no special files here")
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(RequestInvalid, match="no regular file"):
        create(tmp_path, overwrite=True)
    with pytest.raises(RequestInvalid, match="no file"):
        OperatorDirectory(tmp_path, "--load-dir").open("a.csv")


def test_a_file_is_replaced_only_when_that_is_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    first, second = create(tmp_path), create(tmp_path)
    first.publish()
    place.write_text("first")
    with pytest.raises(RequestInvalid) as raised:
        second.publish()
    second.discard()
    assert raised.value.code == "file_exists"
    with pytest.raises(RequestInvalid):
        create(tmp_path)
    assert place.read_text() == "first"
    create(tmp_path, overwrite=True).publish()
    assert place.read_text() == "line\n"
    assert entries(tmp_path) == ["a.csv"]


def test_a_link_that_comes_while_the_file_is_written_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    file = create(root, overwrite=True)
    (root / "a.csv").symlink_to(tmp_path / "out.csv")
    with pytest.raises(RequestInvalid, match="no regular file"):
        file.publish()
    file.discard()
    assert entries(tmp_path) == ["root"]


def test_a_file_that_somebody_removes_while_it_is_written_is_said_to_be_gone(tmp_path: Path) -> None:
    file = create(tmp_path)
    (partial,) = tmp_path.iterdir()
    partial.unlink()
    with pytest.raises(NotConfigured, match="was removed or renamed") as gone:
        file.publish()
    assert gone.value.code == "file_vanished"
    assert entries(tmp_path) == []


def test_what_a_crash_has_left_is_removed_by_the_next_file(tmp_path: Path) -> None:
    create(tmp_path).file.close()
    (left,) = entries(tmp_path)
    create(tmp_path).file.close()
    past = (tmp_path / left).stat().st_mtime - MAX_WRITE_SECONDS - 1
    (tmp_path / "old.csv").write_text("")
    for name in (left, "old.csv"):
        os.utime(tmp_path / name, (past, past))
    create(tmp_path).publish()
    assert left not in entries(tmp_path)
    assert len(entries(tmp_path)) == 3


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EFBIG, "disk_full"),
        (errno.EIO, "directory_not_writable"),
        (errno.EROFS, "directory_not_writable"),
    ],
)
def test_errors_of_the_disk_are_the_operators(tmp_path: Path, number: int, code: str) -> None:
    file = create(tmp_path)
    with pytest.raises(NotConfigured) as raised, file.errors():
        raise OSError(number, os.strerror(number), str(tmp_path))
    file.discard()
    assert raised.value.code == code
    assert OPTION in raised.value.message
    assert str(tmp_path) not in f"{raised.value.message}{raised.value.hint}"


def opened(root: Path, path: str) -> bytes:
    """Read a file."""
    with OperatorDirectory(root, "--load-dir").open(path) as file:
        return file.read()


@pytest.mark.parametrize("act", [opened, create])
@pytest.mark.parametrize("name", ["absent", "file", "loop"])
def test_a_directory_that_is_not_there_is_the_operators_business(
    tmp_path: Path, name: str, act: Callable[[Path, str], object]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(NotConfigured, match="is not there"):
        act(tmp_path / name, "rows.csv")


@pytest.mark.parametrize("act", [opened, create])
def test_nothing_outside_is_read_or_created(tmp_path: Path, act: Callable[[Path, str], object]) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "out.csv").write_text("")
    (root / "link.csv").symlink_to(tmp_path / "out.csv")
    for path in ("../out.csv", str(tmp_path / "out.csv"), "link.csv"):
        with pytest.raises(DsqlError):
            act(root, path)


OUTSIDE = (
    "../{}",
    "{root}/../{}",
    "sub/../../{}",
    "rows.csv/../../{}",
    "../{}/../root/rows.csv",
    "../{}/rows.csv",
    "{away}",
    "{away}/rows.csv",
)


def test_nothing_is_told_of_what_is_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "rows.csv").write_text("")
    (tmp_path / "a_file").write_text("")
    (tmp_path / "a_folder").mkdir()
    names = ("a_file", "a_folder", "absent")
    told: dict[str, set[str]] = {}
    for form, name in product(OUTSIDE, names):
        link = root / "away"
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / name)
        path = form.format(name, root=root, away=link.name)
        try:
            text = str(opened(root, path))
        except DsqlError as error:
            text = f"{error.code} {error.message} {error.hint}"
        told.setdefault(form, set()).add(text.replace(name, "NAME"))
    assert {form: texts for form, texts in told.items() if len(texts) > 1} == {}
    assert opened(root, str(root / "sub" / ".." / "rows.csv")) == b""


def test_the_directory_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "rows.csv").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for path in ("rows.csv", str(tmp_path / "link" / "rows.csv")):
        assert opened(tmp_path / "link", path) == b"1"
