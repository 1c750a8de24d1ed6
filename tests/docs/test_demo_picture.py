"""The README's picture shows what the demo prints."""

import re
from xml.etree import ElementTree as ET

from docs.demo_picture import PICTURE, SHOWN, calls, chosen, picture, printed

_SVG = {"svg": "http://www.w3.org/2000/svg"}


def frames(text: str) -> list[list[str]]:
    """Lines of each call that is shown; of a plan its beginning without figures, which are estimates."""
    found = ET.fromstring(text).findall("svg:g", _SVG)  # noqa: S314 - our own file
    lines = [["".join(line.itertext()) for line in frame.iterfind(".//svg:tspan", _SVG)] for frame in found]
    return [
        [re.sub(r"\d+", "0", line) for line in each[:6]] if start.startswith("explain_query") else each
        for start, each in zip(SHOWN, lines, strict=True)
    ]


def test_the_picture_shows_what_the_demo_prints() -> None:
    now = picture(chosen(list(calls(printed()))))
    assert frames(PICTURE.read_text(encoding="utf-8")) == frames(now)


def test_a_picture_is_light_to_load() -> None:
    assert PICTURE.stat().st_size < 60_000
