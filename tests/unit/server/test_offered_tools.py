"""Advice names no tool that cannot be called."""

import re

import pytest
from mcp.types import TextContent

from awslabs_dsql_mcp.config.settings import TOOLSETS, Toolset
from awslabs_dsql_mcp.database.sqlstate_advice import ADVICE
from awslabs_dsql_mcp.errors import StatementRefused
from awslabs_dsql_mcp.server.calls.error_results import error_result
from awslabs_dsql_mcp.tools.offered import FAMILIES, NO_WRITES, WRITING, OfferedTools
from awslabs_dsql_mcp.tools.spec import facts_of
from unit.guard.test_refusals import rows

ADVISED = sorted({row.hint for row in ADVICE} | {text.split("\nNext: ")[1] for _, _, text in rows()})
READER = OfferedTools(allow_writes=False)


def named(text: str) -> set[str]:
    return set(re.findall(rf"\b(?:{'|'.join(FAMILIES)})\b", text))


@pytest.mark.parametrize("advice", ADVISED)
def test_a_server_that_only_reads_names_no_tool_that_writes(advice: str) -> None:
    given = READER.advise(advice)
    assert given
    assert not named(given) & WRITING
    assert given in advice or given == NO_WRITES
    assert not given.startswith("Or")


@pytest.mark.parametrize("advice", ADVISED)
@pytest.mark.parametrize("family", TOOLSETS)
def test_a_tool_of_another_family_is_named_only_to_be_asked_for(advice: str, family: Toolset) -> None:
    given = OfferedTools(frozenset({family})).advise(advice)
    for name in named(given):
        assert FAMILIES[name] == family or f"{name} is not offered here" in given


def test_who_has_to_split_a_change_learns_of_the_tool_that_does() -> None:
    split = [advice for advice in ADVISED if re.search(r"3,000|10 MiB of changes|by UPDATE", advice)]
    assert len(split) > 5
    for advice in split:
        assert "batch_write" in OfferedTools().advise(advice)
        core = OfferedTools(frozenset({"core"})).advise(advice)
        assert core.startswith(("By hand", "Calls of", "Two calls of", "Send "))


def test_advice_that_fits_stays_as_it_is() -> None:
    assert [OfferedTools().advise(advice) for advice in ADVISED] == ADVISED


def test_facts_for_programs_hold_what_the_text_holds() -> None:
    refused = StatementRefused("Refused (x): why.", hint="Send it with `transact`. Leave it out.")
    result = error_result(refused, READER)
    (part,) = result.content
    assert isinstance(part, TextContent)
    assert part.text == "Refused (x): why.\nNext: Leave it out."
    assert facts_of(result)["hint"] == "Leave it out."


def test_a_call_that_is_written_out_goes_to_the_cluster_of_the_answer() -> None:
    there = OfferedTools(called="dev")
    given = there.advise('Call job_status(job_id="j"), or get_schema. See cluster_status(cluster_id="x").')
    assert given == (
        'Call job_status(cluster="dev", job_id="j"), or get_schema. See cluster_status(cluster_id="x").'
    )
    assert there.advise(given) == given
    assert OfferedTools().advise('Call job_status(job_id="j").') == 'Call job_status(job_id="j").'
