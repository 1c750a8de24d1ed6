"""What a person sees in a browser where nobody knows whether a change was committed."""

import re
import sys
from pathlib import Path

import pytest

from conftest import held
from support.viewer import running_viewer
from support.wire.fault_plans import parameters
from support.wire.faults import At, Fault, Kill
from support.wire.harness import Harness
from views.browser import Absent, view_client
from views.test_viewer import Tab

pytestmark = [
    pytest.mark.timeout(400),  # the first test brings a browser
    pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for one process"),
]


async def test_an_unknown_outcome_is_shown_as_such_and_what_was_not_sent_as_not_run(
    bed: Harness, certificate: Path, tmp_path: Path
) -> None:
    server = parameters(bed, certificate, "--allow-writes")
    bed.proxy.add(Fault(At.ANSWERED, Kill(), "COMMIT", times=None))
    try:
        async with (
            held(view_client(server)) as browser,
            running_viewer(server, tmp_path / "log") as viewer,
        ):
            await browser.open("transact", {"sql_list": ["INSERT INTO t VALUES (1)"], "dry_run": True})
            await browser.wait("!document.getElementById('run').hidden")
            await browser.click("#run")
            await browser.wait("!document.getElementById('error').hidden")
            assert await browser.text("#badge") == "Unknown"
            step = {"statements": "INSERT INTO t VALUES (10)"}
            refused = await browser.open("migrate", step)
            await browser.wait("document.getElementById('badge').textContent === 'Failed'")  # nothing was run
            handle = re.search(r"resume_from=(\S+)\.", refused["content"][0]["text"])
            assert handle
            await browser.open("migrate", {**step, "resume_from": handle.group(1)})
            await browser.wait("document.getElementById('badge').textContent === 'Unknown'")
            tab = Tab(browser, viewer)
            await tab.open()
            assert await tab.run("INSERT INTO t VALUES (2)", "#change") == "unknown"
            assert "outcome_unknown" in await tab.text("#error")
            assert "change, unknown" in await tab.text("#history li:first-child")
            assert await tab.run("INSERT INTO t VALUES (3)", "#preview") == "previewed"
            await browser.wait("document.getElementById('run')?.hidden === false")
            await browser.click("#run")
            await browser.wait("document.getElementById('badge')?.textContent === 'Unknown'")
            assert "change, unknown" in await tab.text("#history li:first-child")
            assert bed.ids() == [1, 2, 3, 10]
            assert await tab.run("\\d t", "#change") == "failed"
            assert await tab.text("#error") == "Line 1 is for psql, and is no statement."
            await viewer.interrupt()
            assert await tab.run("SELECT 1", "#read") == "failed"
            assert "may have been ended" in await tab.text("#error")
            assert await tab.run("INSERT INTO t VALUES (4)", "#change") == "failed"  # no statements, not sent
            assert "not known" not in await tab.text("#error")
    except Absent as reason:
        pytest.skip(str(reason))
