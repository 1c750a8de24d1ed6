"""The guard: decides whether a statement may run, and advises what to send instead.

`check` tests a single statement; the tools use `check_statement` and
`check_statements`, which parse once for everything that a call needs to know. There are no guesses about
intent here: the agent is the author of the SQL. What protects is an allow-list over PostgreSQL's own syntax
tree (`guard/read_rules.py`, `guard/write_rules.py`), and behind it a READ ONLY transaction, a clean session
and a role with few rights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.guard import foreign_commands, read_rules, transaction_rules, write_rules
from awslabs_dsql_mcp.guard.refusal import Refusal, Violation, locate, locate_at
from awslabs_dsql_mcp.sql import statements
from awslabs_dsql_mcp.sql.dsql_syntax import IamStatement, parse
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.sql.scripts import without_mark
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import one_line


@dataclass(frozen=True)
class Verdict:
    """The result of checking a text.

    Attributes:
        sql: The text to send: with ``$1`` for ``%s`` when there are parameters.
        statement: What it is; ``None`` when it is not one statement.
        refusal: Why it must not run; ``None`` when it may. What is not one statement has one.
    """

    sql: str
    statement: StatementInfo | None
    refusal: Refusal | None


@dataclass(frozen=True)
class IndexedRefusal:
    """A refusal of one statement in a list.

    Attributes:
        index: Which, from 0.
        count: How many there are.
        refusal: Why.
    """

    index: int
    count: int
    refusal: Refusal

    @property
    def where(self) -> str:
        """Number of the statement, to stand before the refusal; empty for the only one."""
        return _where(self.index, self.count)

    def __str__(self) -> str:
        """Write the refusal as the agent reads it."""
        return f"{self.where}{self.refusal}"


@dataclass(frozen=True)
class UnitVerdict:
    """The result of checking the statements of one transaction.

    Attributes:
        verdicts: One for each statement, in order.
        refusal: The first reason why the list must not run; ``None`` when it may.
    """

    verdicts: tuple[Verdict, ...]
    refusal: IndexedRefusal | None


def check(sql: str, *, writes: bool) -> Refusal | None:
    """Say whether a statement may run.

    Args:
        sql: One statement; a semicolon at its end and comments do no harm.
        writes: True if it may change data; if not, it must be a read.

    Returns:
        ``None`` when it may.
    """
    return check_statement(sql, writes=writes).refusal


def inspect(sql: str) -> StatementInfo:
    """Tell what a statement is and does, whether or not it may run.

    Raises:
        StatementRefused: The text is not one statement.
    """
    verdict = check_statement(sql, writes=True)
    if verdict.statement is None:
        raise cast("Refusal", verdict.refusal).to_error()
    return verdict.statement


def check_statement(sql: str, *, writes: bool, parameters: int | None = None) -> Verdict:
    """Parse a text once, and say all that a call needs to know of it.

    Args:
        sql: One statement; a byte order mark before it is not sent.
        writes: True if it may change data.
        parameters: How many values come for the ``%s`` in it; ``None`` leaves the text alone. Positions in
            the refusal are those of the text as given.

    Raises:
        ValueError: The placeholders do not fit the parameters.
    """
    sql = without_mark(sql)
    bound = sql if parameters is None else statements.bind_placeholders(sql, parameters)
    try:
        parsed = parse(bound)
    except ParseError as fault:
        violation = foreign_commands.check(bound) or _explain(fault, bound)
        return Verdict(bound, None, _refuse(violation, bound, sql, parameters))
    if objection := _not_one(parsed):
        return Verdict(bound, None, _refuse(objection, bound, sql, parameters))
    statement, objection = _evaluate(parsed[0], writes=writes)
    if statement.kind == "SHOW":  # SHOW TABLES parses, as the name of a setting
        objection = objection or foreign_commands.check(bound)
    return Verdict(bound, statement, objection and _refuse(objection, bound, sql, parameters))


def check_statements(items: Sequence[tuple[str, int | None]], *, writes: bool) -> UnitVerdict:
    """Judge the statements of one transaction, each by itself and then together.

    Args:
        items: Each statement with the number of its parameters, ``None`` for none given.
        writes: True if they may change data.

    Raises:
        ValueError: A statement's placeholders do not fit its parameters; of several, the text says which.
    """
    verdicts = tuple(_check_item(items, index, writes=writes) for index in range(len(items)))
    for index, verdict in enumerate(verdicts):
        if verdict.refusal:
            return UnitVerdict(verdicts, IndexedRefusal(index, len(verdicts), verdict.refusal))
    kinds = [verdict.statement for verdict in verdicts if verdict.statement]
    if (found := transaction_rules.check(kinds)) is None:
        return UnitVerdict(verdicts, None)
    index, objection = found
    sql = items[index][0] if items else ""
    return UnitVerdict(verdicts, IndexedRefusal(index, len(verdicts), locate(objection, sql)))


def _check_item(items: Sequence[tuple[str, int | None]], index: int, *, writes: bool) -> Verdict:
    sql, parameters = items[index]
    try:
        return check_statement(sql, writes=writes, parameters=parameters)
    except ValueError as error:
        raise ValueError(f"{_where(index, len(items))}{error}") from None


def _where(index: int, count: int) -> str:
    return f"Statement {index + 1} of {count}: " if count > 1 else ""


def _evaluate(
    source: ParsedStatement | IamStatement, *, writes: bool
) -> tuple[StatementInfo, Violation | None]:
    if isinstance(source, IamStatement):
        statement = StatementInfo(source.kind, "ddl")
        return statement, None if writes else read_rules.change(source.kind, source.start)
    no_read = read_rules.check(source)
    statement = statements.describe(source, reads=no_read is None)
    if no_read is None:
        return statement, None
    if not writes and statement.category != "setting" and _may_be_sent(source):
        return statement, no_read  # its other faults matter where it may be sent
    no_write = write_rules.check(source)
    return statement, no_write if writes else no_write or no_read


def _may_be_sent(source: ParsedStatement) -> bool:
    return write_rules.is_allowed(source.tree.kind) and "IntoClause" not in source.tree


def _not_one(parsed: Sequence[ParsedStatement | IamStatement]) -> Violation | None:
    if len(parsed) > 1:
        return _multiple(parsed[1].start, f"The text holds {len(parsed)} statements.")
    if not parsed:
        return Violation("no-statement", 0, "The text holds no statement.", "Write one statement of SQL.")
    return None


def _multiple(location: int, why: str) -> Violation:
    instead = (
        "Send one statement a call. Changes that belong together go as a list to `transact`, one statement "
        "an item, without BEGIN and COMMIT."
    )
    return Violation("multiple-statements", location, why, instead)


_FAULTS: Final = {
    "aws-iam": (
        "Write AWS IAM GRANT role TO 'arn:aws:iam::<account>:role/<name>', or AWS IAM REVOKE role FROM "
        "the same."
    ),
    "syntax": (
        "Correct the text there. A name that is a keyword, or has capitals or blanks, goes in double quotes; "
        "a string in single ones."
    ),
    "not-text": "Leave that character out; binary data is written as '\\x00ff'::bytea.",
    "too-long": ("Send less at a time, values as parameters; to load many rows, call load_rows."),
    "too-complex": (
        "Write it with fewer parts: IN (…) or = ANY (…) for chains of OR, a WITH query for what is "
        "repeated, several statements for many rows."
    ),
}


def _explain(fault: ParseError, sql: str) -> Violation:
    location = len(sql[: fault.offset].encode(errors="replace"))
    if fault.code == "syntax":
        why = f"This does not parse: {one_line(fault.message)}."
    else:
        why = f"{fault.message[0].upper()}{fault.message[1:]}."
    return Violation(fault.code, location, why, _FAULTS[fault.code])


def _refuse(objection: Violation, bound: str, sql: str, parameters: int | None) -> Refusal:
    if parameters is None:
        return locate(objection, sql)
    offset = len(bound.encode(errors="replace")[: objection.location].decode(errors="replace"))
    return locate_at(objection, sql, statements.unbound_offset(sql, offset))
