"""``.ci/uv`` on machines that lack what it runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci/uv"
# A pip whose uv says what it is asked.
BROUGHT = r"""#!/bin/sh
for target; do :; [ "${target##*/}" = .uv ] && break; done
mkdir -p "$target/bin"
printf '#!/bin/sh\necho "brought: $*"\n' >"$target/bin/uv"
chmod +x "$target/bin/uv"
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for sh")


def run(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run it in a checkout of its own, where PATH has the shell's programs and these."""
    for name in ("checkout/.ci", "bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(SCRIPT, folder / "checkout/.ci/uv")
    for name in ("dirname", "mkdir", "chmod"):
        found = shutil.which(name)
        assert found
        (folder / "bin" / name).symlink_to(found)
    for name, text in programs.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", folder / "checkout/.ci/uv", "tool", "list"],
        env={"PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_uv_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    done = run(tmp_path, uv="#!/bin/sh\necho 'error: unrecognized subcommand' >&2; exit 2\n", python3=BROUGHT)
    assert (done.returncode, done.stdout) == (0, "brought: tool list\n"), done.stderr
    assert done.stderr.splitlines()[0] == "The uv on PATH is older than this needs"


def test_the_uv_on_path_is_taken(tmp_path: Path) -> None:
    done = run(tmp_path, uv='#!/bin/sh\necho "path: $* --constraints"\n')
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "path: tool list --constraints\n"


@pytest.mark.parametrize(
    "programs",
    [{}, {"python3": "#!/bin/sh\necho 'No module named pip' >&2; exit 1\n"}],
    ids=["none", "no pip"],
)
def test_without_pip_it_says_how_to_get_uv(tmp_path: Path, programs: dict[str, str]) -> None:
    done = run(tmp_path, **programs)
    assert (done.returncode, done.stdout) == (1, "")
    assert "install uv (https://docs.astral.sh/uv/)" in done.stderr.splitlines()[-1]
