"""Scripts in the manner of the tools that write them are carried over, or refused for what they hold."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

from support.migration.carried import Outcome, Target
from support.migration.difference import compared
from support.migration.oracle import Oracle, ScriptInvalid

TOML: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
SCRIPTS: Final = Path(__file__).with_name("scripts")
EXPECTED: Final[dict[str, dict[str, Any]]] = TOML.loads((SCRIPTS / "expected.toml").read_text())


def test_each_script_has_an_expectation() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in SCRIPTS.glob("*.sql"))


def _marks(expected: dict[str, Any]) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(strict=True, reason=expected["fault"])] if "fault" in expected else []


@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(row)) for name, row in EXPECTED.items()])
async def test_a_script_is_carried_over_or_refused_for_what_it_holds(
    name: str, oracle: Oracle, target: Target
) -> None:
    script = (SCRIPTS / name).read_text()
    expected = EXPECTED[name]
    if expected["state"] == "refused":
        await _refused(script, expected, oracle, target)
        return
    found = await compared(script, oracle, target)
    assert not found.faults, "\n".join([*found.faults, found.outcome.plan])
    assert found.outcome.state == expected["state"], f"{found.outcome.error}\n{found.outcome.plan}"
    _says(found.outcome, expected)


async def _refused(script: str, expected: dict[str, Any], oracle: Oracle, target: Target) -> None:
    """What PostgreSQL does not run either, and what the refusal says of it."""
    with pytest.raises(ScriptInvalid):
        oracle.run(script)
    outcome = await target.carry_over(script)
    assert outcome.state == "blocked"
    _says(outcome, expected)


def _says(outcome: Outcome, expected: dict[str, Any]) -> None:
    words = f"{outcome.plan}\n{outcome.error}"
    for pattern in expected.get("says", ()):
        assert re.search(pattern, words), words
