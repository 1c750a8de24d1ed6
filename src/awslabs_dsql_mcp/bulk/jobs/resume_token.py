"""Resume tokens: the progress of a batch job as a text that the caller keeps and sends back.

A token has all the state, so it outlives the server. It is bound to its job by a fingerprint and has a
checksum against typing errors. It grants no rights: its holder could run the job anyway.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.text import pluralize

_PREFIX: Final = "bulk-"
_CHECKSUM_LENGTH: Final = 6
_EMPTY: Final = "empty"  # batches that changed no row, among the counts
_HINT: Final = "Send the resume token unchanged, with the same arguments; or resume='new' to start over."


@dataclass(frozen=True)
class Progress:
    """Progress of a run of batches.

    Attributes:
        run: The run's id.
        batches: Number of committed batches.
        after: The key of the last row processed; ``None`` at the beginning.
        rows: Total number of rows changed.
        done: The run is finished.
        counts: Sums of what the job counts of its rows, by name: see `Batch`.
    """

    run: str
    batches: int = 0
    after: Position | None = None
    rows: int = 0
    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def storing(self) -> int:
        """Number of the batches that changed rows."""
        return self.batches - self.counts.get(_EMPTY, 0)

    @property
    def stored(self) -> str:
        """The rows, and the batches that changed any, in words."""
        if not self.rows:
            return "0 rows stored"
        return f"{pluralize(self.rows, 'row')} in {pluralize(self.storing, 'batch')} committed"

    def advance(
        self, last_key: Position, rows: int, *, done: bool, counts: Mapping[str, int] | None = None
    ) -> "Progress":
        """Progress after one more batch."""
        after = None if done else last_key
        summed = dict(Counter(self.counts) + Counter(counts or {}) + Counter({_EMPTY: int(not rows)}))
        return replace(
            self, batches=self.batches + 1, after=after, rows=self.rows + rows, done=done, counts=summed
        )


def fingerprint(parts: Sequence[object]) -> str:
    """Hash of a job's statement, values and options."""
    return hashlib.sha256(dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def encode(owner: str, progress: Progress) -> str:
    """Encode the progress of a run as a resume token.

    Args:
        owner: Fingerprint of the job.
        progress: Progress of the run.
    """
    at = progress
    fields: list[object] = [owner, at.run, at.batches, at.after, at.rows, at.done]
    fields += [progress.counts] if progress.counts else []
    data = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return f"{_PREFIX}{base64.urlsafe_b64encode(data).decode().rstrip('=')}-{_checksum(data)}"


def decode(text: str, owner: str) -> Progress:
    """Decode a resume token.

    Args:
        text: The token.
        owner: Fingerprint of the job that it is used for.

    Raises:
        RequestInvalid: The token is damaged, or belongs to another job.
    """
    try:
        fingerprint, run, batches, after, rows, done, *more = _fields(text)
    except ValueError:
        raise RequestInvalid(
            "resume is not a resume token, or is damaged; nothing was run.", hint=_HINT
        ) from None
    if fingerprint != owner:
        raise RequestInvalid(
            "resume belongs to another statement, or to other values, rows or options; nothing was run.",
            code="resume_mismatch",
            hint=_HINT,
        )
    position = None if after is None else tuple(str(part) for part in cast("list[object]", after))
    counts = cast("dict[str, int]", more[0]) if more else {}
    return Progress(str(run), int(str(batches)), position, int(str(rows)), bool(done), counts)


def fingerprint_in(text: str) -> str:
    """Fingerprint in a resume token; empty if the text is not a token."""
    try:
        return str(_fields(text)[0])
    except (ValueError, IndexError):
        return ""


def _fields(text: str) -> list[object]:
    """Decode the fields of a resume token.

    Raises:
        ValueError: The text is not a token, or is damaged.
    """
    body, _, check = text.strip().removeprefix(_PREFIX).rpartition("-")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))  # binascii.Error is a ValueError
    if not text.strip().startswith(_PREFIX) or _checksum(data) != check:
        raise ValueError("damaged")
    fields: object = json.loads(data)
    if not isinstance(fields, list):
        raise ValueError("not a token")  # noqa: TRY004 - of a text, not of a type
    return cast("list[object]", fields)


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_CHECKSUM_LENGTH]
