"""What the audit log says became of a call."""

from collections.abc import Mapping
from datetime import datetime, timezone

import pytest

from awslabs_dsql_mcp.errors import StatementFailed
from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.migration.report import progress_line
from awslabs_dsql_mcp.server.calls.audit_record import CallRecord, CallStatus, build_record
from awslabs_dsql_mcp.server.calls.error_results import error_result
from awslabs_dsql_mcp.tools.spec import facts_of

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def outcome(
    tool: str, how: CallStatus, facts: Mapping[str, object], commits: int = 0, in_doubt: int = 0
) -> object:
    call = CallRecord(tool, {}, BEGAN, 1.0, None, 1, how, facts, commits, in_doubt)
    return build_record(call, parameters=False)["outcome"]


@pytest.mark.parametrize(
    ("tool", "how", "facts", "said"),
    [
        ("get_schema", "answered", {}, "done"),
        ("job_status", "answered", {"status": "finished"}, "done"),
        ("transact", "answered", {"outcome": "committed"}, "committed"),
        ("load_rows", "answered", {"status": "finished"}, "committed"),
        ("batch_write", "answered", {"status": "paused"}, "partial"),
        ("batch_write", "answered", {"status": "dry_run"}, "rolled_back"),
        ("migrate", "answered", {"state": "done"}, "committed"),
        ("migrate", "answered", {"state": "planned"}, "done"),
        ("migrate", "failed", {"outcome": "partial", "committed": None}, "partial"),
        ("load_rows", "failed", {"code": "x", "committed": False}, "failed"),
        ("transact", "failed", {"code": "outcome_unknown", "committed": None}, "unknown"),
        ("transact", "cancelled", {}, "cancelled"),
    ],
)
def test_an_outcome_is_what_became_of_it(
    tool: str, how: CallStatus, facts: Mapping[str, object], said: str
) -> None:
    assert outcome(tool, how, facts) == said


@pytest.mark.parametrize(
    ("tool", "commits", "in_doubt", "said"),
    [
        ("transact", 0, 1, "unknown"),
        ("transact", 1, 0, "committed"),
        ("batch_write", 0, 0, "cancelled"),
        ("batch_write", 3, 0, "partial"),
        ("batch_write", 3, 1, "unknown"),
    ],
)
def test_a_call_without_an_answer_is_told_by_its_commits(
    tool: str, commits: int, in_doubt: int, said: str
) -> None:
    assert outcome(tool, "cancelled", {}, commits, in_doubt) == said


@pytest.mark.parametrize(
    ("how", "facts", "taken", "in_doubt", "said"),
    [
        ("answered", {"outcome": "changed"}, 1, 0, "changed"),
        ("answered", {"outcome": "requested"}, 1, 0, "requested"),
        ("answered", {"outcome": "unchanged"}, 0, 0, "done"),
        ("answered", {"outcome": "asked", "dry_run_token": "x"}, 0, 0, "asked"),
        ("answered", {"outcome": "changed"}, 0, 1, "changed"),  # the answer was lost, and it was read back
        ("asked", {}, 0, 0, "asked"),
        ("failed", {"code": "protected", "committed": False}, 0, 0, "failed"),
        ("failed", {"code": "outcome_unknown", "committed": None}, 0, 1, "unknown"),
        ("failed", {"code": "aws_access_denied", "outcome": "partial", "committed": None}, 1, 0, "partial"),
        ("failed", {"code": "aws_timeout", "committed": False}, 1, 0, "partial"),
        ("cancelled", {}, 0, 0, "cancelled"),
        ("cancelled", {}, 0, 1, "unknown"),
        ("cancelled", {}, 1, 0, "requested"),
    ],
)
@pytest.mark.parametrize("tool", ["create_cluster", "change_cluster"])
def test_what_became_of_clusters(
    tool: str, how: CallStatus, facts: Mapping[str, object], taken: int, in_doubt: int, said: str
) -> None:
    call = CallRecord(tool, {}, BEGAN, 1.0, None, 1, how, facts, requests=taken, requests_in_doubt=in_doubt)
    assert build_record(call, parameters=False)["outcome"] == said


def test_which_cluster_is_told_and_nothing_of_any_size() -> None:
    given = {"cluster_id": "a" * 10_000, "action": "delete", "tags": {"secret": "x"}, "dry_run_token": "t"}
    told = build_record(
        CallRecord("change_cluster", given, BEGAN, 1.0, None, 1, "failed", {}), parameters=False
    )
    assert told["action"] == "delete"
    assert len(str(told)) < 1_000
    assert "secret" not in str(told)


def test_the_script_of_a_migration_is_told() -> None:
    call = CallRecord("migrate", {"statements": ["CREATE TABLE t ()"]}, BEGAN, 1.0, None, 1, "answered", {})
    assert build_record(call, parameters=False)["sql"] == ["CREATE TABLE t ()"]


def test_who_has_stored_a_part_does_not_say_that_nothing_was_stored() -> None:
    result = error_result(StatementFailed("Steps 1 to 2 are applied.", sqlstate="22P02", outcome="partial"))
    (content,) = result.content
    assert "Nothing was stored" not in content.model_dump()["text"]
    assert facts_of(result)["committed"] is None
    assert facts_of(result)["outcome"] == "partial"


@pytest.mark.parametrize(
    ("next_step", "said"),
    [
        (1, "This call has applied no step of 3."),
        (2, "Step 1 is applied; steps 2 to 3 are not."),
        (3, "Steps 1 to 2 are applied; step 3 is not."),
        (4, "All 3 steps are applied."),
    ],
)
def test_how_far_a_migration_came(next_step: int, said: str) -> None:
    step = Step(("SELECT 1",), (), 1)
    assert progress_line(MigrationPlan((step, step, step), ()), next_step) == said
