"""Servers that are killed around each COMMIT and each look at the record: large writes are done exactly once.

A point around the first batch in CI; with ``--hypothesis-profile many`` some 80.
"""

from itertools import product
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
from mcp import Client

from support.client_helpers import Reply, call
from support.wire.fault_plans import find_resume, insert, kill_while, make_schema, parameters
from support.wire.faults import At, Hold, Often
from support.wire.harness import Harness

IS_LONG: Final = hypothesis.settings().max_examples > 100
ROWS: Final = 33_000 if IS_LONG else 3_500
POINTS: Final = [*product(("COMMIT", "dsql_mcp_progress"), range(1, 11))] if IS_LONG else [("COMMIT", 2)]
WALKS: Final = [
    *product((ROWS,), POINTS, (At.ASKED, At.ANSWERED)),
    *product((100,), [("COMMIT", 1), ("COMMIT", 2)], (At.ANSWERED,)),  # of the record's table, of the rows
]
"""Numbers of rows, in several batches and in one, with each point, and before it or behind it."""
TOOLS: Final[dict[str, dict[str, Any]]] = {
    "batch_write": {"sql": "INSERT INTO bulk.done (id) SELECT id FROM bulk.t"},
    "load_rows": {"table": "bulk.done", "path": "rows.csv"},
}


async def carried_on(client: Client, tool: str) -> Reply:
    """Do what an agent does that knows of no handle: send the same, then what the answers say."""
    reply = await call(client, tool, **TOOLS[tool])
    while (handle := find_resume(reply.text)) and reply.facts.get("code") == "unfinished_run":
        reply = await call(client, tool, **TOOLS[tool], resume=handle)
    return reply


@pytest.mark.parametrize(("rows", "point", "at"), WALKS)
@pytest.mark.parametrize("tool", TOOLS)
async def test_killed_at_any_point_each_row_is_done_once(
    bed: Harness, certificate: Path, tmp_path: Path, tool: str, rows: int, point: tuple[str, int], at: At
) -> None:
    what, number = point
    make_schema(bed)
    bed.postgres.query("CREATE TABLE bulk.t (id int PRIMARY KEY); CREATE TABLE bulk.done (id int)")
    bed.postgres.query("ALTER TABLE bulk.t OWNER TO admin; ALTER TABLE bulk.done OWNER TO admin")
    insert(bed, "INSERT INTO bulk.t SELECT g", rows)
    (tmp_path / "rows.csv").write_text("id\n" + "\n".join(map(str, range(1, rows + 1))))
    started = parameters(bed, certificate, "--load-dir", str(tmp_path))
    held = bed.proxy.add(Often(at, Hold(), what, every=number))
    await kill_while(held, started, tool, TOOLS[tool])
    bed.proxy.clear()
    async with Client(started) as client:
        reply = await carried_on(client, tool)
        if reply.is_error:
            assert reply.facts["code"] == "already_done", reply.text
    counted = "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM bulk.done"
    assert bed.postgres.query(counted) == [(rows, rows, 1, rows)]
