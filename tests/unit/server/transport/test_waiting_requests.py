"""The sum of what waits for answers is bounded, and room is made by answers alone."""

from awslabs_dsql_mcp.server.transport.limits import MAX_LINE, MAX_REQUESTS
from awslabs_dsql_mcp.server.transport.waiting_requests import WaitingRequests


def test_many_requests_are_admitted_until_they_are_too_many() -> None:
    waiting = WaitingRequests()
    assert not any(waiting.admit(number, 100) for number in range(MAX_REQUESTS))
    assert "2,000 requests wait" in (waiting.admit("more", 100) or "")
    waiting.settle(5)
    assert waiting.admit("more", 100) is None


def test_large_requests_are_admitted_until_they_are_too_large_together() -> None:
    waiting = WaitingRequests()
    assert waiting.admit(1, MAX_LINE) is None
    assert "16 MiB" in (waiting.admit(2, 100) or "")
    waiting.settle(1)
    assert waiting.admit(2, 100) is None


def test_an_id_that_is_used_twice_is_counted_twice() -> None:
    waiting = WaitingRequests()
    for _ in range(MAX_REQUESTS):
        assert waiting.admit(7, 1) is None
    waiting.settle(7)
    assert waiting.admit(7, 1) is None
    assert waiting.admit(7, 1)
    waiting.settle(None)
    waiting.settle("never seen")
