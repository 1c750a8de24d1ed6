"""The pool of sessions under any order of calls, ends and cancellations: no turn is lost, none is added."""

import asyncio
from dataclasses import dataclass, field

import anyio
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.database.pool import ConnectionPool, PooledSession

LIMIT = 3
ACTIONS = ("call", "cancel a call", "cancel its scope", "return", "discard", "turn", "open", "refuse", "lose")


@dataclass
class World:
    """Connections are numbers; each is opened when the world says so."""

    opened: set[int] = field(default_factory=set[int])
    most_open: int = 0
    next_number: int = 0
    doors: list["asyncio.Future[None]"] = field(default_factory=list["asyncio.Future[None]"])

    async def open(self) -> int:
        """Open a connection when a door opens."""
        door: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.doors.append(door)
        await door
        self.next_number += 1
        self.opened.add(self.next_number)
        self.most_open = max(self.most_open, len(self.opened))
        return self.next_number

    async def close(self, connection: int) -> None:
        """Close a connection, which must be open."""
        self.opened.remove(connection)

    def let_in(self, refusal: Failure | None = None) -> None:
        """Open the oldest door, or say no."""
        waiting = [door for door in self.doors if not door.done()]
        if waiting and refusal is None:
            waiting[0].set_result(None)
        elif waiting and refusal is not None:
            waiting[0].set_exception(DatabaseError(refusal))


@dataclass
class Calls:
    """Calls under way on one pool."""

    world: World
    sessions: ConnectionPool[int]
    tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])
    scopes: list[anyio.CancelScope] = field(default_factory=list[anyio.CancelScope])
    held: list[PooledSession[int]] = field(default_factory=list[PooledSession[int]])

    async def call(self, scope: anyio.CancelScope) -> None:
        """Get a session, and hold it."""
        with scope:
            self.held.append(await self.sessions.acquire(60.0))

    async def do(self, action: str) -> None:
        """Do one thing."""
        match action:
            case "call":
                self.scopes.append(anyio.CancelScope())
                self.tasks.append(asyncio.ensure_future(self.call(self.scopes[-1])))
            case "cancel a call" if self.tasks:
                self.tasks[-1].cancel()
            case "cancel its scope" if self.scopes:
                self.scopes[-1].cancel()
            case "return" if self.held:
                await self.sessions.release(self.held.pop(0))
            case "discard" if self.held:
                await self.sessions.discard(self.held.pop(0))
            case "open":
                self.world.let_in()
            case "refuse":
                self.world.let_in(Failure("no", connecting=True))
            case "lose":
                await self.sessions.close_idle()
            case _:
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """End every call, and give back every session."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        while self.held:
            await self.sessions.release(self.held.pop())


async def play(actions: list[str]) -> None:
    world = World()
    sessions = ConnectionPool(
        world.open, world.close, limit=LIMIT, max_age=3600.0, idle_time=60.0, clock=lambda: 0.0
    )
    calls = Calls(world, sessions)
    for action in actions:
        await calls.do(action)
    await calls.settle()
    assert world.most_open <= LIMIT
    await every_turn_is_there(calls)
    await calls.settle()
    await sessions.close()
    assert world.opened == set()


async def every_turn_is_there(calls: Calls) -> None:
    """Assert that as many calls as allowed get a session, and no more."""
    calls.tasks.clear()
    for _ in range(LIMIT + 1):
        await calls.do("call")
    for _ in range(20):
        calls.world.let_in()
        await asyncio.sleep(0)
    assert len(calls.held) == LIMIT
    assert len({session.connection for session in calls.held}) == LIMIT


@given(st.lists(st.sampled_from(ACTIONS), max_size=60))
def test_no_turn_is_lost_and_none_is_added(actions: list[str]) -> None:
    asyncio.run(play(actions))
