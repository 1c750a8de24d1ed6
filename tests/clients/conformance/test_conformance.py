"""The public conformance suite, in both eras of the protocol, against our server behind HTTP."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.conformance.table import ERAS, load

SUITE = "@modelcontextprotocol/conformance/dist/index.js"
pytestmark = pytest.mark.timeout(400)  # the first test may bring the suite


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that may write, on a local cluster, behind HTTP."""
    data = tmp_path_factory.mktemp("conformance")
    script = Path(__file__).with_name("over_http.py")
    command = [sys.executable, script, "--local", "--local-data", data, "--allow-writes"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdin
        assert server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.mark.parametrize("era", ERAS)
def test_each_scenario_ends_as_the_table_says(
    era: str, url: str, node: Path, programs: Path, tmp_path: Path
) -> None:
    suite = (node, programs.parent / SUITE, "server", "--url", url, "--requirements", era, "-o", tmp_path)
    subprocess.run(suite, capture_output=True, check=False)  # its status counts what does not apply to us
    assert dict(map(outcome, tmp_path.iterdir())) == load().expected[era]


def outcome(folder: Path) -> tuple[str, tuple[str, ...]]:
    """A scenario, and those of its checks that did not succeed."""
    name = re.sub(r"^server-(.+)-\d{4}-\d{2}-\d{2}T.*", r"\1", folder.name)
    checks = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
    assert checks, name
    return name, tuple(sorted({one["id"] for one in checks if one["status"] not in {"SUCCESS", "INFO"}}))


def test_the_table_has_every_scenario(node: Path, programs: Path) -> None:
    told = subprocess.run(
        [node, programs.parent / SUITE, "list", "--server"], capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"^  - (\S+)", told.stdout, re.MULTILINE)) == load().scenarios


def test_what_is_not_passed_has_a_reason() -> None:
    assert all(reason.endswith(".") for reason in load().reasons)
