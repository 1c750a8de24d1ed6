"""Operations that end as their caller is cancelled."""

import asyncio
import gc
from typing import Any

import pytest

from awslabs_dsql_mcp.database.deadline import run_with_deadline
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure


class Open:
    """A connection that nothing interrupts."""

    async def cancel(self, time_limit: float) -> None:
        raise AssertionError(time_limit)

    def shutdown(self) -> None:
        raise AssertionError

    async def close(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("patience", [0.0, 5.0])
async def test_a_failure_that_nobody_waits_for_is_not_logged(patience: float) -> None:
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    await _cancelled_as_it_fails(patience)
    gc.collect()
    assert logged == []


async def _cancelled_as_it_fails(patience: float) -> None:
    end = asyncio.Event()

    async def fails() -> None:
        await end.wait()
        raise DatabaseError(Failure("a row's text"))

    call = asyncio.create_task(run_with_deadline(fails(), Open(), 60, "late", patience=patience))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    end.set()
    await asyncio.sleep(0)  # the operation has failed, and its caller does not know
    call.cancel()
    await asyncio.wait({call})
    assert call.cancelled()
