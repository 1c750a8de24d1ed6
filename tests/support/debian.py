"""Programs that tests use, brought from Debian where a machine has none: as root, with apt-get."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.local_cluster.daemon.file_lock import locked

BROUGHT: Final = Path(os.environ.get("DSQL_TEST_CLIENTS", Path(__file__).parents[2] / ".clients"))
"""Folder of what tests bring."""

_MAX_BRINGING: Final = 380  # seconds


def program(*names: str, package: str) -> str | None:
    """Find a program by one of its names; on Debian, as root, bring it. `None` if there is none.

    Args:
        names: Names, or paths.
        package: The package of Debian that has it.
    """

    def installed() -> str | None:
        return next((found for name in names if (found := shutil.which(name))), None)

    if installed() is None and shutil.which("apt-get") and os.name == "posix" and os.geteuid() == 0:
        BROUGHT.mkdir(parents=True, exist_ok=True)
        with locked(BROUGHT / "apt.lock", timeout=_MAX_BRINGING):  # one worker brings it for all
            if installed() is None:
                subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
                flags = ("-y", "-qq", "--no-install-recommends")
                subprocess.run(["apt-get", "install", *flags, package], capture_output=True, check=False)
    return installed()
