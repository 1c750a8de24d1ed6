"""Requests that wait for their answers: how many, and how large, so that their sum is bounded too."""

from collections import defaultdict

from awslabs_dsql_mcp.server.transport.limits import MAX_REQUESTS, MAX_WAITING_BYTES


class WaitingRequests:
    """The requests that have been read and not answered."""

    def __init__(self) -> None:
        self._sizes: defaultdict[int | str, list[int]] = defaultdict(list)
        self._number = 0
        self._bytes = 0

    def admit(self, request: int | str, size: int) -> str | None:
        """Count a request.

        Args:
            request: Its id; if clients use one twice, each is counted.
            size: Bytes of its line.

        Returns:
            ``None``; where there is no room, the reason, and it is not counted.
        """
        if self._number >= MAX_REQUESTS:
            return f"{MAX_REQUESTS:,} requests wait for their answers. Send it again when some are answered."
        if self._bytes + size > MAX_WAITING_BYTES and self._number:
            return (
                f"The requests that wait for their answers have {MAX_WAITING_BYTES >> 20} MiB with this one. "
                "Send it again when some are answered."
            )
        self._sizes[request].append(size)
        self._number += 1
        self._bytes += size
        return None

    def settle(self, request: int | str | None) -> None:
        """Count a request no more; it has its answer, or will get none because it was cancelled."""
        if request is not None and (sizes := self._sizes.get(request)):
            self._number -= 1
            self._bytes -= sizes.pop()
            if not sizes:
                del self._sizes[request]
