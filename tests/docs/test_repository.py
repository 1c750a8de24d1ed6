"""The repository's own files are what GitHub, pre-commit and their readers take."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml

from docs.packages import TOP

GITHUB = TOP / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
FORMS = sorted(set((GITHUB / "ISSUE_TEMPLATE").iterdir()) - {GITHUB / "ISSUE_TEMPLATE" / "config.yml"})
PROJECT: dict[str, Any] = tomlkit.parse((TOP / "pyproject.toml").read_text(encoding="utf-8")).unwrap()[
    "project"
]


def check(schema: str, *files: Path) -> str:
    """What a schema that check-jsonschema brings along says against files; empty if it says nothing."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        *map(str, files),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("dependabot", [GITHUB / "dependabot.yml"]),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
    ],
)
def test_github_takes_its_files(schema: str, files: list[Path]) -> None:
    assert files
    assert check(schema, *files) == ""


def test_the_check_sees_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "ci.yml"
    wrong.write_text(
        WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on:", "runs-in:"), encoding="utf-8"
    )
    assert "runs-in" in check("github-workflows", wrong)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_may_do_no_more_than_they_need(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", each)] == []
    assert yaml.safe_load(text)["permissions"] in ({}, {"contents": "read"})


def test_ci_runs_on_each_system_with_the_oldest_and_the_newest_python() -> None:
    matrix = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())["jobs"]["run"]["strategy"][
        "matrix"
    ]
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == [versions[0], versions[-1]]
    assert PROJECT["requires-python"] == f">={versions[0]}"


def test_pre_commit_and_ci_call_scripts_that_are_there() -> None:
    hooks = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    called = {hook["entry"] for hook in hooks}
    for workflow in WORKFLOWS:
        called |= set(re.findall(r"\.ci/[\w-]+", workflow.read_text(encoding="utf-8")))
    assert {".ci/run", ".ci/lint", ".ci/types", ".ci/audit", ".ci/secrets"} <= called
    assert [script for script in called if not os.access(TOP / script, os.X_OK)] == []


def test_the_changelog_has_the_version_and_what_is_not_released_stands_above_it() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (TOP / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    version = headings[1]
    assert headings[0] == "Unreleased"
    printed = subprocess.run(
        [sys.executable, "-m", "awslabs_dsql_mcp", "--version"], check=True, capture_output=True
    )
    assert printed.stdout.decode().strip() == version


@pytest.mark.skipif(sys.platform == "win32", reason="a script for the shell")
def test_the_notes_of_a_release_are_its_section_of_the_changelog() -> None:
    notes = [str(TOP / ".ci" / "release-notes")]
    section = subprocess.run([*notes, "0.1.0"], check=True, capture_output=True, encoding="utf-8").stdout
    assert section.lstrip().startswith("### Added")
    assert section.strip() in (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n## " not in section
    assert subprocess.run([*notes, "0.0.1"], check=False, capture_output=True).returncode == 1


def test_the_addresses_of_the_project_are_of_one_repository() -> None:
    source = PROJECT["urls"]["Source"]
    assert all(url == source or url.startswith(f"{source}/") for url in PROJECT["urls"].values())
    for name in ("SECURITY.md", "CHANGELOG.md", ".github/ISSUE_TEMPLATE/config.yml"):
        urls = re.findall(r"https://github\.com/awslabs/[\w-]+", (TOP / name).read_text(encoding="utf-8"))
        assert set(urls) == {source}, name
