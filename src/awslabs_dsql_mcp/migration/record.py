"""Record of a run in the progress table: the step that is next.

A step that changes data changes the record in its own transaction: so none is applied twice, however late a
lost COMMIT takes effect, and whoever else runs the same plan. A DDL statement is alone in its transaction
(Aurora DSQL user guide, "DDL and distributed transactions"), so its step is recorded right behind it: only
that step can be in doubt, and the catalog decides. A plan without changes of data needs no record.
"""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.bulk.jobs.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.jobs.state_record import StateRecord
from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.script.mentions import relation_name
from awslabs_dsql_mcp.sql.dsql_syntax import trees

_SCHEMAS: Final = (
    "SELECT n.nspname, has_schema_privilege(n.oid, 'CREATE'), "
    "to_regclass(format('%I.%I', n.nspname, $2::text)) IS NOT NULL "
    "FROM pg_namespace n WHERE n.nspname = ANY ($1::text[])"
)


class PlanRecord:
    """A plan's row in the progress table.

    Args:
        database: The cluster.
        table: The progress table.
        plan: The plan.
    """

    def __init__(self, database: Database, table: ProgressTable, plan: MigrationPlan) -> None:
        self._record = StateRecord(database, table, f"migrate-{plan.fingerprint}")
        self._database = database
        self._plan = plan

    @property
    def name(self) -> str:
        """Qualified name of the progress table."""
        return self._record.table.name

    @property
    def since(self) -> str:
        """Time of the row's last change before this call, to the second."""
        return self._record.row.changed_at if self._record.row else ""

    @property
    def next_step(self) -> int | None:
        """Number of the step that is next, one more than the last at the end; ``None`` without a row.

        Raises:
            RequestInvalid: The row was changed by somebody else.
        """
        row = self._record.row
        if row is None or (row.expired and row.state == self._state(len(self._plan.steps) + 1)):
            return None
        try:
            return self._plan.parse_resume_token(row.state)[0]
        except ValueError:
            raise RequestInvalid(
                f"The record of this run in {self.name} was changed: it is unknown which steps are applied.",
                code="progress_lost",
                hint="Look with get_schema and readonly_query, and send only what is missing.",
            ) from None

    async def read(self) -> None:
        """Read the row.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        await self._record.read()

    async def begin(self, number: int) -> None:
        """Make the row or change it, for a run that begins with a step.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        await self._record.prepare()
        await self.advance(number)

    async def advance(self, number: int) -> None:
        """Record the step that is next, in a transaction of its own.

        Raises:
            NoRowChanged: Somebody else has changed the row.
            DsqlError: What `Database.run` raises.
        """
        unit = UnitOfWork((self.change(number),), read_only=False, must_change=True)
        await self._database.run(unit)
        self.changed(number)

    def change(self, number: int) -> Query:
        """Statement that records the next step, the first of its transaction; it must change a row."""
        return self._record.change_state(self._state(number), done=number > len(self._plan.steps))

    def changed(self, number: int) -> None:
        """Take note that the statement of `change` was committed."""
        self._record.state_changed(self._state(number))

    async def remove(self) -> None:
        """Delete the row, and the table if nothing else in it is kept.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        await self._record.delete()
        await self._record.drop_unused_table()

    def _state(self, number: int) -> str:
        return self._plan.resume_token(number)


def is_recorded(plan: MigrationPlan) -> bool:
    """Tell whether a plan is recorded: it has several steps, and one changes more when it runs again."""
    return len(plan.steps) > 1 and any(
        step.statements[0].category == "dml" and any(st.kind != "DELETE" for st in step.statements)
        for step in plan.steps
    )


async def find_record(database: Database, plan: MigrationPlan) -> PlanRecord | None:
    """Find the progress table that a plan is or can be recorded in; ``None`` if no schema may have one.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    if not is_recorded(plan):
        return None
    wanted = list(dict.fromkeys(("public", *_schemas(plan))))
    report = await database.run(UnitOfWork((Query(_SCHEMAS, (wanted, PROGRESS_TABLE)),), read_only=True))
    rows = {
        str(name): (may_create == "t", there == "t") for name, may_create, there in report.results[0].rows
    }
    usable = [name for name in wanted if name in rows and any(rows[name])]
    if not usable:
        return None
    schema = next((name for name in usable if rows[name][1]), usable[0])
    record = PlanRecord(database, ProgressTable(schema), plan)
    await record.read()
    return record


def _schemas(plan: MigrationPlan) -> Sequence[str]:
    """List the schemas of the tables whose data the plan changes."""
    found = [
        relation_name(tree.root["relation"])[0]
        for step in plan.steps
        if step.statements[0].category == "dml"
        for query in step.queries
        for tree in trees(query)
        if "relation" in tree.root
    ]
    return list(dict.fromkeys(found))
