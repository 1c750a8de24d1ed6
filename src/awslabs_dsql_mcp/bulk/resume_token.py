"""Where a long change has come to, as a text that a caller can keep and give back.

The handle holds everything, so that it outlives the server; it is bound to the work that it belongs to, and
checked against typing errors. It gives no rights: whoever gives it back could run the work anyway.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from awslabs_dsql_mcp.bulk.keyset import Position
from awslabs_dsql_mcp.errors import RequestInvalid

_PREFIX: Final = "bulk-"
_CHECK: Final = 6
_HINT: Final = (
    "Give the handle exactly as it was given, with the same arguments; or resume='new' to begin anew."
)


@dataclass(frozen=True)
class Progress:
    """Where a run of batches is.

    Attributes:
        run: The run's id.
        batches: How many are committed.
        after: The key of the last row that is done; ``None`` at the beginning.
        rows: Rows changed in all.
        done: Whether nothing is left.
    """

    run: str
    batches: int = 0
    after: Position | None = None
    rows: int = 0
    done: bool = False

    def advance(self, upto: Position, rows: int, *, done: bool) -> "Progress":
        """Where it is behind one more batch."""
        return replace(
            self, batches=self.batches + 1, after=upto, rows=self.rows + rows, done=done or self.done
        )


def fingerprint(parts: Sequence[object]) -> str:
    """Give what stands for a piece of work: the same for the same statement, values and options."""
    return hashlib.sha256(json.dumps(list(parts), default=repr).encode()).hexdigest()[:20]


def encode(work: str, progress: Progress) -> str:
    """Write a run's progress as a handle.

    Args:
        work: The work's fingerprint.
        progress: Where it is.
    """
    fields = [work, progress.run, progress.batches, progress.after, progress.rows, progress.done]
    data = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return f"{_PREFIX}{base64.urlsafe_b64encode(data).decode().rstrip('=')}-{_checksum(data)}"


def decode(text: str, work: str) -> Progress:
    """Read a handle.

    Args:
        text: What the caller gave.
        work: The fingerprint of the work that it is given for.

    Raises:
        RequestInvalid: It is damaged, or belongs to other work.
    """
    try:
        owner, run, batches, after, rows, done = _fields(text)
    except ValueError:
        raise RequestInvalid("resume is no handle, or a damaged one; nothing was run.", hint=_HINT) from None
    if owner != work:
        raise RequestInvalid(
            "resume belongs to another statement, or to other values, rows or options; nothing was run.",
            code="resume_mismatch",
            hint=_HINT,
        )
    position = None if after is None else tuple(str(part) for part in cast("list[object]", after))
    return Progress(str(run), int(str(batches)), position, int(str(rows)), bool(done))


def work_of(text: str) -> str:
    """Read which work a handle says that it belongs to; empty if it is no handle."""
    try:
        return str(_fields(text)[0])
    except (ValueError, IndexError):
        return ""


def _fields(text: str) -> list[object]:
    """Take a handle apart.

    Raises:
        ValueError: It is none, or damaged.
    """
    body, _, check = text.strip().removeprefix(_PREFIX).rpartition("-")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))  # binascii.Error is a ValueError
    if not text.strip().startswith(_PREFIX) or _checksum(data) != check:
        raise ValueError("damaged")
    fields: object = json.loads(data)
    if not isinstance(fields, list):
        raise ValueError("no handle")  # noqa: TRY004 - of a text, not of a type
    return cast("list[object]", fields)


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_CHECK]
