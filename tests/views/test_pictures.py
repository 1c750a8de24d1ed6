"""The documents' pictures of the views: one of each, light, told in words, taken by the command."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from awslabs_dsql_mcp.views.table import VIEWS
from support.png import size
from views.browser import TOP, Absent, browser_program, driver
from views.pictures import PICTURES, SHOTS, WIDTH

NAMES = [view.name for view in VIEWS]


def is_light(picture: Path) -> bool:
    """Tell whether a file is a picture of the documents' width, cropped, of at most 60 kB."""
    width, height = size(picture.read_bytes())
    return width == WIDTH and 200 < height < 800 and picture.stat().st_size <= 60_000


def test_each_view_has_a_picture_and_no_other_is_there() -> None:
    assert sorted(SHOTS) == sorted(NAMES)
    assert sorted(path.stem for path in PICTURES.glob("*.png")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_light_and_shown_with_what_is_seen(name: str) -> None:
    assert is_light(PICTURES / f"{name}.png")
    page = (TOP / "docs" / "views.md").read_text(encoding="utf-8")
    (told,) = re.findall(rf"!\[([^\]]+)\]\(pictures/{name}\.png\)", page)
    assert len(told.split()) > 10


@pytest.mark.skipif(sys.platform == "win32", reason="a script for the shell")
@pytest.mark.timeout(400)  # the first test brings a browser
def test_the_command_takes_a_picture_of_each_view(tmp_path: Path) -> None:
    try:
        browser_program()
        driver()
    except Absent as reason:
        pytest.skip(str(reason))
    done = subprocess.run([TOP / ".ci" / "pictures", tmp_path], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    taken = sorted(tmp_path.iterdir())
    assert [path.name for path in taken] == sorted(f"{name}.png" for name in NAMES)
    assert all(is_light(path) for path in taken)
