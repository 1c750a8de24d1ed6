"""What CONTRIBUTING, AGENTS and SECURITY say of the tree is there, and their commands run as they stand."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import awslabs_dsql_mcp
from docs.packages import TOP

PACKAGE = TOP / "src" / "awslabs_dsql_mcp"
DOCUMENTS = {
    name: (TOP / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "AGENTS.md", "SECURITY.md")
}
COMMANDS = {
    line.split("`")[1]
    for name in ("CONTRIBUTING.md", "AGENTS.md")
    for line in DOCUMENTS[name].splitlines()
    if line.startswith("| `.ci/")
}
LONG = DOCUMENTS["CONTRIBUTING.md"].partition("### Long runs")[2].partition("\n#")[0]
HERE = {".ci/lint", ".ci/release-notes 0.1.0"}
GENERATE = ".ci/generate"
NEEDS_A_BROWSER = {".ci/pictures"}  # tests/views/test_pictures.py
NEEDS_THE_INDEX = {".ci/pin"}
GENERATED = ("README.md", "docs", "config-examples", "packaging", "src/awslabs_dsql_mcp/documentation/pages")
SHELL = pytest.mark.skipif(sys.platform == "win32", reason="scripts for the shell")


def paths(text: str) -> set[str]:
    """Paths, perhaps with ``::`` and a name, that stand between backticks."""
    spans = set(re.findall(r"`([\w./-]+(?:::\w+)?)`", text))
    return {span for span in spans if re.search(r"\w/|\.(py|md|toml|yml|txt|sql)(::|$)", span)}


def place_of(path: str) -> Path | None:
    return next((top / path for top in (TOP, PACKAGE) if (top / path).exists()), None)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_points_to_is_there(document: str) -> None:
    missing = list[str]()
    for found in paths(DOCUMENTS[document]):
        path, _, symbol = found.partition("::")
        place = place_of(path)
        definition = rf"^(?:class |def |async def )?{symbol}\b(?=[(:\[ ]|$)"
        if place is None or (
            symbol and not re.search(definition, place.read_text(encoding="utf-8"), re.MULTILINE)
        ):
            missing.append(found)
    assert missing == []
    assert len(paths(DOCUMENTS[document])) > 2


def test_the_map_has_each_package_and_module() -> None:
    listed = re.findall(r"^    ([\w/]+)  ", awslabs_dsql_mcp.__doc__ or "", re.MULTILINE)
    there = {
        f"{path.name}/" if path.is_dir() else path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" or path.is_dir()) and not path.name.startswith("__")
    }
    assert sorted(listed) == sorted(there)


def test_every_command_is_run_by_ci_or_here() -> None:
    seen, todo = set[str](), {".github/workflows/ci.yml", ".github/workflows/release.yml", "README.md"}
    while todo:
        name = todo.pop()
        seen.add(name)
        text = (TOP / name).read_text(encoding="utf-8")
        todo |= {script for script in re.findall(r"\.ci/[\w-]+", text) if script not in seen}
    scripts = {command: command.split()[0] for command in COMMANDS}
    assert [script for script in scripts.values() if not os.access(TOP / script, os.X_OK)] == []
    assert {command for command, script in scripts.items() if script not in seen} <= {
        *HERE,
        GENERATE,
        *NEEDS_THE_INDEX,
        *NEEDS_A_BROWSER,
    }
    arguments = [word for command in COMMANDS for word in command.split()[1:] if "/" in word]
    assert [path for path in arguments if not (TOP / path).exists()] == []
    assert {*HERE, GENERATE} <= COMMANDS
    assert len(COMMANDS) > 10


@SHELL
@pytest.mark.timeout(180)
@pytest.mark.parametrize("command", sorted(HERE))
def test_a_command_runs_as_it_stands(command: str) -> None:
    done = subprocess.run(shlex.split(command), cwd=TOP, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_long_run_names_what_reads_its_count() -> None:
    shown = re.findall(r"^\| `((?:DSQL_TEST_\w+=\S+ )?\.ci/test --thorough [^`]+)`", LONG, re.MULTILINE)
    assert len(shown) > 3
    for command in shown:
        count, _, rest = command.rpartition(".ci/test --thorough ")
        for path in rest.split():
            assert (TOP / path).exists(), command
            text = (TOP / path).read_text(encoding="utf-8")
            assert count.partition("=")[0].strip() in text, command


@SHELL
def test_each_benchmark_starts_as_it_is_shown() -> None:
    """Its modules are found by the command that CONTRIBUTING gives; what it measures takes too long here."""
    found = sorted((TOP / "benchmarks").glob("*.py"))
    listed = re.search(r"`\.ci/in-env (python benchmarks/)NAME\.py`", DOCUMENTS["CONTRIBUTING.md"])
    assert listed
    imports = "import runpy, sys; sys.path[0] = 'benchmarks'; [runpy.run_path(p) for p in sys.argv[1:]]"
    command = [TOP / ".ci/in-env", "python", "-c", imports, *found]
    done = subprocess.run(command, cwd=TOP, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(found) > 10
    shown = [re.findall(r"^    (.*python benchmarks/.*)$", path.read_text(), re.MULTILINE) for path in found]
    assert [line for lines in shown for line in lines if not line.startswith(".ci/in-env ")] == []


@SHELL
def test_generate_writes_what_is_generated_anew(tmp_path: Path) -> None:
    for name in (".ci", "tests", "pyproject.toml", *GENERATED):
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / ".venv").symlink_to(TOP / ".venv")
    spoilt = {
        "docs/options.md": "| `--max-rows N`",
        "packaging/server.json": '"version"',
        "config-examples/codex.config.toml": "args",
        "src/awslabs_dsql_mcp/documentation/pages/local-cluster.md": "- On AWS",
    }
    for name, word in spoilt.items():
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert word in text
        (tmp_path / name).write_text(text.replace(word, "spoilt"), encoding="utf-8")
    subprocess.run([tmp_path / GENERATE], check=True, capture_output=True)
    for name in spoilt:
        assert (tmp_path / name).read_text(encoding="utf-8") == (TOP / name).read_text(encoding="utf-8"), name
