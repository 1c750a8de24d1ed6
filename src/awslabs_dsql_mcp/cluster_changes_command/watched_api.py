"""AWS's APIs with a note of each change that was asked for, for who interrupts a command."""

from awslabs_dsql_mcp.aws.api import Answer, Api

_READS = ("Get", "List", "Describe")


class WatchedApi:
    """Calls AWS's APIs, and notes the calls that change something before they are sent.

    Args:
        api: The APIs.
        asked: Takes the notes.
    """

    def __init__(self, api: Api, asked: list[str]) -> None:
        self._api = api
        self._asked = asked

    async def call(self, service: str, operation: str, region: str, **members: object) -> Answer:
        """Call an operation: see `Api`."""
        if not operation.startswith(_READS):
            self._asked.append(f"{operation} in {region}")
        return await self._api.call(service, operation, region, **members)
