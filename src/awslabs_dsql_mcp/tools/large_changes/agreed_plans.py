"""Agreements to migrations: which plans may go on by their handle without a question."""

from collections.abc import Callable

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.tools.consent.confirmation import TOKEN_LIFE


class AgreedPlans:
    """Plans that a dry run has shown or the user has agreed to, each from the step where it stands.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._agreed: dict[str, tuple[int, float]] = {}  # step and end of the agreement, by fingerprint

    def note(self, plan: MigrationPlan, number: int) -> None:
        """Remember for a while that a plan may go on from a step, as long as one is left."""
        now = self._clock()
        kept = {key: value for key, value in self._agreed.items() if value[1] > now}
        if number <= len(plan.steps):
            kept[plan.fingerprint] = (number, now + TOKEN_LIFE)
        else:
            kept.pop(plan.fingerprint, None)
        self._agreed = kept

    def take(self, plan: MigrationPlan, handle: str | None) -> bool:
        """Take the agreement by which a handle goes on, so that a call beside this one asks.

        Returns:
            True if there was one.

        Raises:
            ValueError: The handle is not of this plan.
        """
        if handle is None:
            return False
        number, doubt = (1, "") if handle == RESTART else plan.parse_resume_token(handle)
        if plan.fingerprint not in self._agreed:
            return False
        agreed, until = self._agreed[plan.fingerprint]
        # Steps in doubt are looked up in the catalog, not run again.
        if self._clock() >= until or (agreed > number and not doubt):
            return False
        del self._agreed[plan.fingerprint]
        return True
