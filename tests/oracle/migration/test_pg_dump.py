"""What pg_dump writes of a database is carried over to what the database holds."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from support.migration.carried import Target
from support.migration.difference import Comparison, compared
from support.migration.generated import scripts
from support.migration.oracle import Oracle

SHOP: Final = (Path(__file__).with_name("dumped") / "shop.sql").read_text()
OPTIONS: Final = {
    "as it is": (),
    "INSERT": ("--inserts", "--no-owner"),
    "INSERT with columns": ("--column-inserts", "--rows-per-insert=2", "--on-conflict-do-nothing"),
    "DROP first": ("--clean", "--if-exists", "--quote-all-identifiers"),
    "without dollars": ("--disable-dollar-quoting", "--no-comments", "--no-privileges"),
    "the schema": ("--schema-only", "--use-set-session-authorization"),
}
_EXAMPLES: Final = max(settings().max_examples // 20, 3)  # an example takes most of a second


async def dumped_and_compared(oracle: Oracle, target: Target, *options: str) -> Comparison:
    """Dump the oracle's database, and run the dump on both sides."""
    dump = oracle.dump(*options)
    found = await compared(dump, oracle, target)
    assert not found.faults, "\n".join([*found.faults, "", dump, "", found.outcome.plan])
    return found


@pytest.mark.parametrize("options", OPTIONS)
async def test_a_database_of_many_kinds_of_things(options: str, oracle: Oracle, target: Target) -> None:
    oracle.run(SHOP)
    found = await dumped_and_compared(oracle, target, *OPTIONS[options])
    assert found.outcome.state == "done", found.outcome.plan
    with oracle.connect() as source, target.connect() as copy:
        count = b"SELECT count(*), max(email) FROM app.customer"
        there, here = source.execute(count).fetchone(), copy.execute(count).fetchone()
    assert here == there == ((0, None) if options == "the schema" else (3, "é@x.org"))


@settings(
    max_examples=_EXAMPLES,
    derandomize=_EXAMPLES < 100,  # a database that is new each time is for those who wait for it
    phases=[Phase.generate] if _EXAMPLES < 100 else [Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(statements=scripts(), options=st.sampled_from(sorted(OPTIONS)))
async def test_any_database(statements: list[str], options: str, oracle: Oracle, target: Target) -> None:
    assume(oracle.run_valid_part(statements).strip())
    found = await dumped_and_compared(oracle, target, *OPTIONS[options])
    event(found.outcome.state)
