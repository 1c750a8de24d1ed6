"""Put the bundle for Claude Desktop together in a folder: the first argument, for ``mcpb pack``."""

import shutil
import sys
from pathlib import Path

_TOP = Path(__file__).parents[2]
_FILES = (
    "pyproject.toml",
    "requirements.txt",
    "README.md",
    "LICENSE",
    "NOTICE",
    "packaging/mcpb/manifest.json",
)


def assemble(folder: Path) -> None:
    """Copy what the bundle consists of.

    Args:
        folder: Where to; it must not exist.
    """
    shutil.copytree(_TOP / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(_TOP / name, folder)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
