"""The notebook beside an agent runs on a local cluster, and prints what it has printed before."""

import os
import subprocess
import sys
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.client_env import client_env
from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

NOTEBOOK: Final = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
_RUN: Final = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=60).execute()
for cell in notebook.cells:
    cell.metadata.clear()
    cell.get("outputs") and [output.pop("execution_count", None) for output in cell.outputs]
nbformat.write(notebook, sys.argv[2])
"""
nbformat: Any = import_module("nbformat")  # it ships no types


def printed(notebook: Path) -> list[str]:
    """What each of its cells prints."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    return ["".join(output.get("text", output.get("ename", "")) for output in cell.outputs) for cell in cells]


async def test_the_notebook_prints_what_it_shows(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("own")
    async with local_cluster(folder / "data") as cluster:
        now = datetime.now(timezone.utc)
        ran = run(folder, client_env(DataDir.of(folder / "data"), cluster.port, None, "admin", now))
    assert printed(ran) == printed(NOTEBOOK)


def run(folder: Path, environment: dict[str, str]) -> Path:
    """Run the notebook, in the environment that ``local --env`` gives."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    around = {"PATH": path, "DSQL_LOCAL_DATA": str(folder / "data"), "JUPYTER_PLATFORM_DIRS": "1"}
    command = [sys.executable, "-c", _RUN, str(NOTEBOOK), str(folder / "ran.ipynb")]
    subprocess.run(command, env=os.environ | environment | around, check=True, capture_output=True)
    return folder / "ran.ipynb"
