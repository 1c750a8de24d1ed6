"""Values that are made at their first use."""

import asyncio
import threading

import pytest

from awslabs_dsql_mcp.server.deferred import Deferred


async def test_it_is_made_once_for_all_who_need_it() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    deferred = Deferred(make)
    assert not made
    assert await asyncio.gather(deferred(), deferred(), deferred()) == made * 3


async def test_the_event_loop_goes_on_while_it_is_made() -> None:
    goes_on = threading.Event()
    deferred = Deferred(lambda: goes_on.wait(10))
    asyncio.get_running_loop().call_later(0.01, goes_on.set)
    assert await deferred()


async def test_it_is_made_anew_after_a_failure() -> None:
    answers = iter([ImportError("not there"), None])

    def make() -> str:
        if error := next(answers):
            raise error
        return "made"

    deferred = Deferred(make)
    with pytest.raises(ImportError):
        await deferred()
    assert await deferred() == "made"
