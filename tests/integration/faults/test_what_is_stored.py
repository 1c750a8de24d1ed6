"""The connection lost for good at any step of a large write: the error says how much is stored, truly.

Every fourth step in CI; with ``--hypothesis-profile many`` all of them, and refusals.
"""

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
from typing_extensions import override

from support.client_helpers import Reply, call
from support.wire.fault_plans import Opens, insert, resume_in
from support.wire.faults import At, Deed, Fault, Kill, Say
from support.wire.harness import Harness

ROWS: Final = 3_500
TOOLS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "recorded": ("batch_write", {"sql": "UPDATE bulk.t SET n = n + 1"}),
    "repeatable": ("batch_write", {"sql": "UPDATE bulk.t SET n = 1"}),
    "load": ("load_rows", {"table": "bulk.loaded", "path": "rows.csv", "verify": True}),
    "small load": ("load_rows", {"table": "bulk.loaded", "path": "row.csv"}),
}
STORED: Final = "SELECT (SELECT count(*) FROM bulk.loaded) + (SELECT count(*) FROM bulk.t WHERE n > 0)"
SO_FAR: Final = re.compile(r"\b([\d,]+) rows? in \d+ batch(?:es)? committed")
NOTHING: Final = re.compile(r"\bNothing was stored(?: by this call)?(?:\.|: rolled back\.)")
UNKNOWN: Final = (
    "may be stored or not",
    "may or may not have committed",
    "it is unknown which rows are done",
)
IS_LONG: Final = hypothesis.settings().max_examples > 100
USUAL: Final = [("load", "refused")]


@dataclass
class FromThere(Fault):
    """A fault of a statement and of all that follow it.

    Attributes:
        start: How many statements there are before it.
        met: How many there were.
    """

    times: int | None = None
    start: int = 0
    met: int = 0

    @override
    def strikes(self, at: At, sql: str) -> bool:
        """Tell whether it happens now, and count it."""
        if self.at is not at:
            return False
        self.met += 1
        return self.met > self.start and super().strikes(at, sql)


def check(reply: Reply, stored: int) -> None:
    """Check what an error says against what is stored."""
    assert "Error (" in reply.text
    if any(unknown in reply.text for unknown in UNKNOWN):
        assert reply.facts["committed"] is None
        assert not NOTHING.search(reply.text)
        assert "nothing of it was stored" not in reply.text
        return
    if so_far := SO_FAR.search(reply.text):
        assert stored == int(so_far[1].replace(",", "")), reply.text
        assert "nothing of it was stored" in reply.text
        assert resume_in(reply.text)
    else:
        assert stored == 0, reply.text
        assert NOTHING.search(reply.text), reply.text


FAULTS: Final[dict[str, tuple[At, Deed]]] = {
    "lost before": (At.ASKED, Kill()),
    "lost behind": (At.ANSWERED, Kill()),
    "refused": (At.ASKED, Say("XX000", "the cluster is ill")),
}


@pytest.mark.parametrize(
    ("what", "fault"),
    [pair for pair in product(TOOLS, FAULTS) if IS_LONG or "behind" in pair[1] or pair in USUAL],
)
async def test_an_error_says_how_much_is_stored(
    bed: Harness, opens: Opens, tmp_path: Path, what: str, fault: str
) -> None:
    (tool, arguments), (at, deed) = TOOLS[what], FAULTS[fault]
    for table in ("bulk.t (id int PRIMARY KEY, n int)", "bulk.loaded (id int PRIMARY KEY)"):
        bed.postgres.query(f"CREATE TABLE {table}; ALTER TABLE {table.partition(' ')[0]} OWNER TO admin")
    insert(bed, "INSERT INTO bulk.t SELECT g, 0", ROWS)
    (tmp_path / "rows.csv").write_text("id\n" + "\n".join(map(str, range(1, ROWS + 1))))
    (tmp_path / "row.csv").write_text("id\n1\n")
    async with opens("--load-dir", str(tmp_path)) as client:
        start, is_over = 0, False
        while not is_over:
            bed.proxy.add(FromThere(at, deed, start=start))
            reply = await call(client, tool, **arguments, resume="new")
            bed.proxy.clear()
            ((stored,),) = bed.postgres.query(STORED)
            is_over = not reply.is_error
            if is_over:
                assert stored == (1 if what == "small load" else ROWS)
                assert "finished" in reply.text
                continue
            check(reply, int(str(stored)))
            start += 1 if IS_LONG else 4
            for undo in ("DELETE FROM bulk.loaded WHERE", "UPDATE bulk.t SET n = 0 WHERE n > 0 AND"):
                bed.postgres.query(f"{undo} id <= 2000")
                bed.postgres.query(f"{undo} id > 2000")
    assert start > 1
