"""Record of what one server has made and deleted, as long as it lives, and a limit to it."""

import asyncio
from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.errors import NotConfigured

_RESERVED: Final = ""


class Registry:
    """The clusters that a server has made, or may have made.

    Args:
        limit: The most of them that there may be at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._made: dict[tuple[str, str], str] = {}
        self._gone: set[str] = set()
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, what: str) -> asyncio.Lock:
        """Give the lock of calls about one name or cluster: the later go on where the first came to."""
        return self._turns.setdefault(what, asyncio.Lock())

    def reserve(self, name: str, regions: Iterable[str]) -> list[str]:
        """Count clusters that are about to be created, all or none; each once, however often it is tried.

        Returns:
            The Regions whose clusters were not counted before.

        Raises:
            NotConfigured: The limit would be passed; nothing was created.
        """
        new = [(name, region) for region in regions if (name, region) not in self._made]
        if len(self._made) + len(new) > self._limit:
            named = ", ".join(f"{title} in {place}" for title, place in self._made)
            has = f"has made {len(self._made)} ({named}), and " if named else ""
            raise NotConfigured(
                f"This server may make {self._limit} clusters; it {has}would make {len(new)} more. "
                "Nothing was made.",
                code="too_many_clusters",
                hint="Delete one of them, or ask the operator, who alone can raise --max-clusters.",
            )
        self._made |= dict.fromkeys(new, _RESERVED)
        return [region for _, region in new]

    def made(self, name: str, region: str, identifier: str) -> None:
        """Note the cluster that was made."""
        if (name, region) in self._made:
            self._made[name, region] = identifier

    def release(self, name: str, region: str) -> None:
        """Count a cluster no more that was certainly not made."""
        if self._made.get((name, region)) == _RESERVED:
            del self._made[name, region]

    def deleted(self, name: str, region: str, identifier: str) -> None:
        """Count a cluster no more that is being deleted."""
        self._gone.add(identifier)
        if self._made.get((name, region)) == identifier:
            del self._made[name, region]

    @property
    def gone(self) -> frozenset[str]:
        """Identifiers of the clusters that this server has deleted."""
        return frozenset(self._gone)
