"""Any script that PostgreSQL runs is carried over, or the plan says what of it is not."""

from hypothesis import HealthCheck, Phase, assume, event, given, settings

from support.migration.carried import Target
from support.migration.difference import carried_and_compared
from support.migration.generated import scripts
from support.migration.oracle import Oracle

_EXAMPLES = max(settings().max_examples // 5, 5)  # an example takes half a second, to make one small minutes


@settings(
    max_examples=_EXAMPLES,
    derandomize=_EXAMPLES < 100,  # a script that is new each time is for those who wait for it
    phases=[Phase.generate] if _EXAMPLES < 100 else [Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(statements=scripts())
async def test_what_a_script_leaves_is_what_it_leaves_on_postgresql(
    statements: list[str], oracle: Oracle, target: Target
) -> None:
    script = oracle.run_valid_part(statements)
    assume(script.strip())
    found = await carried_and_compared(script, oracle, target)
    event(found.outcome.state)
    assert not found.faults, "\n".join([*found.faults, "", script, "", found.outcome.plan])
