"""The tool calls of a session, in order: each tool's success, and each kind of error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from support.wire.faults import At, Fault, Kill, Say

Consent = Literal["accept", "decline"]
SETUP = (
    "DROP SCHEMA IF EXISTS shop CASCADE",
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.many (id int PRIMARY KEY, n int)",
    "INSERT INTO shop.many SELECT g, 0 FROM generate_series(1, 2500) g",
    "INSERT INTO shop.many SELECT g, 0 FROM generate_series(2501, 5000) g",
    "CREATE TABLE shop.kept (id int PRIMARY KEY)",
    "CREATE TABLE shop.dropped (id int PRIMARY KEY)",
)
_PAGE = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/what-is-aurora-dsql.html"
_ITEMS = "CREATE TABLE shop.items (id int PRIMARY KEY, note text); CREATE INDEX ASYNC ON shop.items (note)"


@dataclass(frozen=True)
class Scenario:
    """One call.

    Attributes:
        name: What it shows.
        tool: The tool.
        arguments: Its arguments.
        says: A text that the server's answer has.
        is_error: Whether the answer is an error.
        fault: Arguments of the `Fault` that the connection to the cluster has meanwhile.
        consent: What the user answers where the server asks.
    """

    name: str
    tool: str
    arguments: Mapping[str, Any]
    says: str
    is_error: bool = False
    fault: Mapping[str, Any] = field(default_factory=dict[str, Any])
    consent: Consent = "accept"

    def faults(self) -> tuple[Fault, ...]:
        """Make the faults, which count how often they have happened."""
        return (Fault(**self.fault),) if self.fault else ()


def _error(
    name: str, tool: str, says: str, fault: Mapping[str, Any] | None = None, **arguments: object
) -> Scenario:
    return Scenario(name, tool, arguments, says, is_error=True, fault=fault or {})


def _success(tool: str, says: str, **arguments: object) -> Scenario:
    return Scenario(f"success of {tool}", tool, arguments, says)


_CONFLICT = {"at": At.ASKED, "deed": Say("40001", "change conflicts (OC000)"), "sql": "COMMIT", "times": None}
_LOST = {"at": At.ANSWERED, "deed": Kill(), "sql": "COMMIT"}
SCENARIOS = (
    _success("migrate", "CREATE INDEX ASYNC", statements=_ITEMS),
    _success("job_status", "completed"),
    _success("load_rows", "2", table="shop.items", rows=[{"id": 1, "note": "a"}, {"id": 2}]),
    _success("transact", "committed", sql_list=["INSERT INTO shop.items VALUES (3, 'c')"]),
    _success("batch_write", "3", sql="UPDATE shop.items SET note = 'b' WHERE id > 0"),
    _success("readonly_query", "Grüße", sql="SELECT id, note, 'Grüße' AS t FROM shop.items ORDER BY id"),
    _success("export_query", "3 rows", sql="TABLE shop.items", path="items.csv", overwrite=True),
    _success("get_schema", "note", table_name="shop.items"),
    _success("explain_query", "items", sql="SELECT note FROM shop.items WHERE id = 1"),
    _success("diagnose", "Looked at:"),
    _success("dsql_lint", "serial", sql="CREATE TABLE t (id serial)"),
    _success("dsql_search_documentation", "limits", search_phrase="rows of a transaction"),
    _success("dsql_read_documentation", "3,000", url="dsql://guide/limits"),
    _success("dsql_recommend", "guide", url=_PAGE),
    Scenario(
        "a long answer",
        "readonly_query",
        {"sql": "SELECT g, repeat('abcdefghi ', 25) || g AS t FROM generate_series(1, 200) g"},
        "abcdefghi 100",
    ),
    _error("guard refusal", "readonly_query", "pg_sleep", sql="SELECT pg_sleep(1)"),
    _error("SQL error", "readonly_query", "42703", sql="SELECT nope FROM shop.items"),
    _error("refused file", "export_query", "outside", sql="SELECT 1", path="../items.csv"),
    _error("no account", "cluster_status", "aws_unreachable"),  # of AWS nothing is in reach here
    _error("wrong argument", "dsql_read_documentation", "https://", url="ftp://example.com/x"),
    _error("wrong schema", "readonly_query", "params", sql="SELECT 1", params="x"),
    _error(
        "conflict", "transact", "40001", _CONFLICT, sql_list=["UPDATE shop.items SET note = 'x' WHERE id = 1"]
    ),
    _error(
        "unknown outcome", "transact", "unknown", _LOST, sql_list=["INSERT INTO shop.items VALUES (9, 'x')"]
    ),
    _error(
        "partial failure",
        "batch_write",
        "resume=",
        sql="UPDATE shop.many SET n = 1 / (id - 4500) WHERE id > 0",
    ),
    Scenario("accepted question", "transact", {"sql_list": ["DROP TABLE shop.dropped"]}, "committed"),
    Scenario(
        "declined question", "transact", {"sql_list": ["DROP TABLE shop.kept"]}, "approve", consent="decline"
    ),
)
