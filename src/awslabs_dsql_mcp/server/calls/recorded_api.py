"""AWS's APIs as calls of tools use them: what changes an account is noted in the call that asks for it."""

from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.aws.api import Answer, Api
from awslabs_dsql_mcp.clusters.changes.creation.steps import in_doubt
from awslabs_dsql_mcp.database.call_context import record_request_answered, record_request_sent
from awslabs_dsql_mcp.errors import DsqlError

_READS: Final = ("Describe", "Get", "List")  # AWS names its operations so, but for sts and CloudWatch: Get…


@dataclass(frozen=True)
class RecordedApi:
    """An `Api` whose changes are recorded: sent, taken, refused, or never answered.

    Attributes:
        api: Calls AWS.
    """

    api: Api

    async def call(self, service: str, operation: str, region: str, **members: object) -> Answer:
        """Call an operation: see `Api`."""
        if operation.startswith(_READS):
            return await self.api.call(service, operation, region, **members)
        record_request_sent()
        try:
            answer = await self.api.call(service, operation, region, **members)
        except DsqlError as error:
            if not in_doubt(error):
                record_request_answered(taken=False)
            raise
        record_request_answered(taken=True)
        return answer
