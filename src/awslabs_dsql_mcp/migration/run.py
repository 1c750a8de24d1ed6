"""A run of a migration plan in one call: where it began, how far it is, what became of its steps."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.migration.plan import Doubt, MigrationPlan, Step
from awslabs_dsql_mcp.migration.position import Position
from awslabs_dsql_mcp.migration.record import PlanRecord
from awslabs_dsql_mcp.migration.verification.definitions import Definitions
from awslabs_dsql_mcp.migration.verification.lasting import lasting_steps
from awslabs_dsql_mcp.migration.verification.meant import meant_by

THERE: Final = "was there already"
BY_ANOTHER: Final = "applied by another call"


@dataclass
class MigrationRun:
    """A run of a plan in this call.

    Attributes:
        plan: The steps.
        deadline: End of the call's time, on the runner's clock.
        begin: Where the call began.
        record: The record of the run; ``None`` if it is not recorded, or no longer.
        number: The step that is next, from 1.
        doubt: Steps that may have been applied.
        states: Results of the steps.
        paused: The reason why the call ended before the plan did.
        failure: The reason why the job of the step that is next failed; empty if none did.
    """

    plan: MigrationPlan
    deadline: float
    begin: Position
    record: PlanRecord | None = None
    number: int = field(init=False)
    doubt: Doubt = field(init=False)
    states: dict[int, str] = field(default_factory=dict[int, str])
    paused: str | None = None
    failure: str = ""

    def __post_init__(self) -> None:
        """Begin where the call does."""
        self.number, self.doubt = self.begin.number, self.begin.doubt

    @cached_property
    def lasting(self) -> frozenset[int]:
        """Numbers of the steps that no later one undoes."""
        return lasting_steps(self.plan)

    @cached_property
    def end(self) -> Definitions:
        """Definitions that the plan leaves."""
        return meant_by(self.plan).definitions

    @property
    def handle(self) -> str:
        """The handle that continues from here."""
        return self.plan.resume_token(self.number, self.doubt)

    @property
    def step(self) -> Step:
        """The step that is next."""
        return self.plan.steps[self.number - 1]

    @property
    def unit(self) -> UnitOfWork:
        """The transaction of the step that is next; one that changes no definitions records itself."""
        queries = tuple(map(Query, (*self.step.settings, *self.step.queries)))
        if self.record is None or self.step.is_ddl:
            return UnitOfWork(queries, read_only=False)
        change = self.record.change(self.number + 1)
        return UnitOfWork((change, *queries), read_only=False, must_change=True)

    @property
    def asks_catalog(self) -> bool:
        """The catalog has to tell if the step is applied: it is in doubt, and no record protects it.

        A record knows nothing of the steps that a run may have applied which it is not of.
        """
        knows = self.record is not None and (self.begin.is_known or not self.begin.doubt)
        return bool(self.doubt) and (self.doubt == "+" or not knows or self.step.is_ddl)

    @property
    def has_applied(self) -> bool:
        """True if a step was applied in this call, rather than found to be applied."""
        return not all(state.startswith((THERE, BY_ANOTHER)) for state in self.states.values())

    def done(self, state: str) -> None:
        """Go on to the next step, which stays in doubt if all steps from here on were."""
        self.states[self.number] = state
        self.number += 1
        self.doubt = "+" if self.doubt == "+" else ""
