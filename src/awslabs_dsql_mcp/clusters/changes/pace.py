"""Time that a call may wait, and the waiting."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from awslabs_dsql_mcp.output.tool_output import ReportProgress


@dataclass(frozen=True)
class Pace:
    """The time of one call.

    Attributes:
        now: Tells the time.
        sleep: Waits so many seconds.
        progress: Is told what is waited for.
        began: When the call began.
        wait: Seconds that waiting may take.
    """

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    progress: ReportProgress
    began: datetime
    wait: float

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return (self.now() - self.began).total_seconds()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.wait - self.elapsed)

    async def pause(self, seconds: float, told: str) -> None:
        """Wait, and say for what."""
        await self.progress(self.elapsed, max(self.wait, self.elapsed), told)
        await self.sleep(seconds)
