"""The life of a cluster by the commands that docs/clusters.md shows, on the account of a local cluster."""

import re
import sys
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from docs.blocks import commands, line_with
from support.newcomer import newcomer

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="commands for the shell"),
    pytest.mark.timeout(600),
]


async def test_the_commands_make_back_up_delete_and_restore_a_cluster(tmp_path: Path) -> None:
    data = tmp_path / "data"
    local = f"--local --local-data {data}"
    async with local_cluster(data, ClusterConfig(transition_seconds=0.01)):
        with newcomer(tmp_path) as somebody:
            assert "dsql:" in somebody.types(line_with("clusters policy"))
            made = somebody.types(line_with("clusters create"), more=local, words={"NAME": "shop"})
            cluster = found(made, r"cluster (\w{26})")
            assert cluster in somebody.types(line_with("clusters list"), more=local)
            somebody.types(line_with("clusters pair"), more=local, words={" PAIR ": " orders "})
            kept = somebody.types(line_with("clusters back-up"), more=local, words={"CLUSTER": cluster})
            for word in ("unprotect", "delete"):
                line = line_with(f"clusters {word}")
                asked = somebody.types(line, status=1, more=local, words={"CLUSTER": cluster})
                assert "--yes" in asked
                somebody.types(line, more=f"{local} --yes", words={"CLUSTER": cluster})
            words = {"RESTORED": "again", "RECOVERY_POINT_ARN": found(kept, r"Recovery point: (\S+)\.")}
            somebody.types(line_with("clusters restore"), more=local, words=words)
    shown = {line for line in commands() if "clusters " in line and " usage " not in line}
    assert somebody.typed == shown


def found(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]
