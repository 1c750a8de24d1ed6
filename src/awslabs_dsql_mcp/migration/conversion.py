"""State of a conversion: converted statements, skipped statements, and the objects of the script."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.analysis.lost_effects import LostEffects
from awslabs_dsql_mcp.migration.analysis.row_counts import RowCounts
from awslabs_dsql_mcp.migration.analysis.survey import Survey, survey
from awslabs_dsql_mcp.migration.analysis.user_types import TypeReplacement, UserTypes
from awslabs_dsql_mcp.migration.analysis.uses import Use
from awslabs_dsql_mcp.migration.analysis.waits import Wait
from awslabs_dsql_mcp.migration.script.mentions import Name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.migration.script.settings import SessionSettings
from awslabs_dsql_mcp.migration.values.source_types import SourceTypes
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.command_names import command
from awslabs_dsql_mcp.sql.copy_data import Row
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree
from awslabs_dsql_mcp.sql.parser import parse

BY_HAND: Final = "NEEDS A HUMAN: "
"""Begins a note on a change that somebody has to look at."""


@dataclass
class ConvertedStatement:
    """A statement as converted so far.

    Attributes:
        kind: Its node type; empty for what has no tree.
        top: Its fields.
        line: Its line in the script.
        text: As written; ``None`` once a rule has changed the tree.
        notes: What was changed, and why.
        rows: What a COPY brings.
        row_lines: The lines that those begin in.
        filled: The script's table that a COPY fills, which a later statement may rename.
        settings: Statements that its transaction begins with; ``None`` until they are known.
        item: Position, among the parts of the script, of the one that it comes from.
        is_unchecked: It makes a function whose body PostgreSQL does not check.
    """

    kind: str
    top: Node
    line: int
    text: str | None
    notes: list[str] = field(default_factory=list[str])
    rows: tuple[Row, ...] | None = None
    row_lines: tuple[int, ...] = ()
    filled: "ScriptTable | None" = None
    settings: tuple[str, ...] | None = None
    item: int | None = None
    is_unchecked: bool = False

    def changed(self, *notes: str) -> None:
        """Take note of a change of the tree."""
        self.text = None
        self.notes.extend(note for note in notes if note not in self.notes)

    def altered(self, command: Node, *notes: str) -> "ConvertedStatement":
        """Make an ALTER TABLE with one command for the table of this one."""
        top = self.top | {"cmds": [{"AlterTableCmd": command}]}
        return ConvertedStatement("AlterTableStmt", top, self.line, None, list(notes))

    @property
    def sql(self) -> str:
        """The statement as SQL.

        Raises:
            ParseError: It cannot be written.
        """
        if self.text is None:
            self.text = self._written()
        return self.text

    def _written(self) -> str:
        sql = deparse.deparse(self.kind, self.top)
        if self.kind == "IndexStmt":
            return sql.replace("INDEX", "INDEX ASYNC", 1)
        commands = [item["AlterTableCmd"]["subtype"] for item in self.top.get("cmds", ())]
        return sql.replace("TABLE", "TABLE ASYNC", 1) if commands == ["AT_ValidateConstraint"] else sql


@dataclass
class SkippedStatement:
    """A statement that is not carried over.

    Attributes:
        line: Its line in the script.
        what: Its command.
        why: The reason, and what to do instead.
        needs_review: Somebody has to do something about it.
        is_blocking: The rest must not run without it.
        item: Position, among the parts of the script, of the one that it comes from.
        rule: Stable id of the guard's reason to refuse it; empty for another.
    """

    line: int
    what: str
    why: str
    needs_review: bool = False
    is_blocking: bool = False
    item: int | None = None
    rule: str = ""


@dataclass
class ScriptTable:
    """A table that the script makes.

    Attributes:
        made: Its CREATE TABLE.
        at: Place of that statement.
        known_as: Its names up to now, the present one last.
        optional: IF NOT EXISTS: a table of the name may be there, which takes nothing from it.
        appended: A column was added by a step of its own.
        names: For each column's present name, in order, the name that CREATE TABLE gives it; ``None`` for one
            that a step has added.
        indexes: Number of its indexes.
        dropped: Names of constraints that steps have dropped.
        enum_checks: For a column of an enum, the CHECK that PostgreSQL does not have.
        follow: Statements that follow its CREATE TABLE.
        relations: Names of its indexes and sequences, with the present names of their columns.
        primary: Names of its primary key up to now, the present one last.
        reserved: Names of constraints that the schema had before it.
    """

    made: ConvertedStatement
    at: int
    known_as: list[Name]
    optional: bool = False
    appended: bool = False
    names: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    indexes: int = 0
    dropped: set[str] = field(default_factory=set[str])
    enum_checks: dict[str, Node] = field(default_factory=dict[str, Node])
    follow: list[ConvertedStatement] = field(default_factory=list[ConvertedStatement])
    relations: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    primary: list[str] = field(default_factory=list[str])
    reserved: frozenset[str] = frozenset()

    @property
    def top(self) -> Node:
        """The fields of its CREATE TABLE."""
        return self.made.top

    @property
    def constraint_names(self) -> set[str]:
        """Names of its CHECKs and foreign keys, without those that PostgreSQL does not have."""
        own = [id(check) for check in self.enum_checks.values()]
        return names.constraint_names(self.known_as[0][1], self.top, own, self.reserved) - self.dropped

    def make_way(self, name: str) -> None:
        """Give the CHECK of an enum another name if a constraint of the script's has its own."""
        for column, check in self.enum_checks.items():
            if "conname" not in check and names.choose(self.known_as[0][1], column, "check", ()) == name:
                check["conname"] = names.choose(self.known_as[0][1], column, "enum_check", ())
                self.made.changed()

    def column(self, name: str) -> Node | None:
        """Find a column's definition by its present name."""
        made_as = self.names.get(name)
        defined = (item.get("ColumnDef") for item in self.top.get("tableElts", ()))
        return next((column for column in defined if column and column["colname"] == made_as), None)


@dataclass
class Conversion:
    """A script as far as it is read.

    Attributes:
        survey: What is known of the whole script.
        statements: Statements to run, in order.
        skipped: Statements left out.
        at: Place of the statement that is being converted.
        types: The script's own types.
        tables: The tables it makes.
        relations: For a schema, the names of all relations that are there by now.
        named: For a schema, the names of all CHECKs and foreign keys that are there by now.
        freed: Names of relations that were there before, and the place of the statement that took each away.
        constraints: For a table, the names of constraints that steps add.
        lost_constraints: For a table, the names of constraints that are left out.
        not_null: For a table, the columns that a CHECK keeps from NULL, with the name of the CHECK.
        views: Names of plain views that were materialized ones.
        sequences: Sequences that become identities, with their options.
        renamed: For a sequence that became an identity's, the name of that one.
        columns: For a table or a view, its columns whose type changed.
        view_columns: For a view, its columns in order.
        other_rows: For a view, the clause about why its rows are others than in PostgreSQL.
        waiting: Functions that wait for what their bodies name.
        roles: Roles that a statement has needed.
        settings: Those of the script's session.
        source: Types that the columns have in PostgreSQL.
        counts: Rows that the tables have by now.
        lost: Effects on rows of what is left out.
    """

    survey: Survey = field(default_factory=lambda: survey([]))
    statements: list[ConvertedStatement] = field(default_factory=list[ConvertedStatement])
    skipped: list[SkippedStatement] = field(default_factory=list[SkippedStatement])
    at: int = 0
    types: UserTypes = field(default_factory=UserTypes)
    tables: dict[Name, ScriptTable] = field(default_factory=dict[Name, ScriptTable])
    relations: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    named: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    freed: dict[Name, int] = field(default_factory=dict[Name, int])
    constraints: dict[Name, set[str]] = field(default_factory=dict[Name, set[str]])
    lost_constraints: dict[Name, set[str]] = field(default_factory=dict[Name, set[str]])
    not_null: dict[Name, dict[str, str]] = field(default_factory=dict[Name, dict[str, str]])
    views: set[Name] = field(default_factory=set[Name])
    sequences: dict[Name, list[Node]] = field(default_factory=dict[Name, list[Node]])
    renamed: dict[Name, Name] = field(default_factory=dict[Name, Name])
    columns: dict[Name, dict[str, TypeReplacement]] = field(
        default_factory=dict[Name, dict[str, TypeReplacement]]
    )
    view_columns: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    other_rows: dict[Name, str] = field(default_factory=dict[Name, str])
    waiting: list[tuple[Wait, ConvertedStatement]] = field(
        default_factory=list[tuple[Wait, "ConvertedStatement"]]
    )
    roles: set[str] = field(default_factory=set[str])
    settings: SessionSettings = field(default_factory=SessionSettings)
    source: SourceTypes = field(default_factory=SourceTypes)
    counts: RowCounts = field(default_factory=RowCounts)
    lost: LostEffects = field(default_factory=LostEffects)

    @property
    def statement(self) -> ScriptStatement:
        """The statement that is being converted."""
        return self.survey.statements[self.at]

    def skip(self, draft: ConvertedStatement, why: str, *, human: bool = False, blocks: bool = False) -> None:
        """Leave a statement out."""
        what = command(Tree(draft.kind, draft.top, 0, None)) if draft.kind else (draft.text or "")[:40]
        self.skipped.append(SkippedStatement(draft.line, what, why, human or blocks, blocks, draft.item))

    def claim(self, item: int, skipped: int) -> None:
        """Note which part of the script the latest statements come from, and its settings.

        Args:
            item: Position of the part.
            skipped: Number of the statements that were skipped before it.
        """
        for draft in reversed(self.statements):
            if draft.item is not None:
                break
            draft.item = item
            if draft.settings is None:
                draft.settings = self.settings.statements
        for left in self.skipped[skipped:]:
            left.item = item if left.item is None else left.item

    def uses(self, table: ScriptTable) -> list[Use]:
        """List what is done with a table from its CREATE TABLE to the present statement."""
        between = self.survey.uses.between
        return [use for name in table.known_as for use in between(name, table.at, self.at)]

    def taken(self, schema: str) -> set[str]:
        """Give the names of the relations of a schema; a name that is added is taken from then on."""
        return self.relations.setdefault(schema, set())

    def constraints_of(self, schema: str) -> set[str]:
        """Give the names of the CHECKs and foreign keys of a schema, to be added to."""
        return self.named.setdefault(schema, set())

    def free(self, schema: str, freed: Iterable[str]) -> None:
        """Note that names of relations are free again from the present statement on."""
        for name in freed:
            self.taken(schema).discard(name)
            self.freed[schema, name] = self.at

    def is_free_before(self, table: ScriptTable, schema: str, name: str) -> bool:
        """Say if nothing of the script has had a name since a table was made."""
        return self.freed.get((schema, name), -1) < table.at

    def has_own_name(self, table: Name, column: str) -> bool:
        """Say if nothing else that the script makes has the name of the sequence of a column's identity."""
        return (table[0], names.choose(table[1], column, "seq", ())) not in self.survey.relations

    def rename_sequence(
        self, table: Name, column: str, sequence: Name
    ) -> tuple[list[str], list[ConvertedStatement]]:
        """Call a sequence what an identity's is called: after its table and column.

        (PostgreSQL documentation, CREATE TABLE.)

        Returns:
            A note, if that is another name; a statement that follows and gives the sequence the name that it
            has in the script, if the other is not its own alone.
        """
        own = (table[0], names.choose(table[1], column, "seq", self.taken(table[0])))
        if own == sequence or self.has_own_name(table, column):
            self.renamed[sequence] = own
            note = f"{column}: the sequence {sequence[1]} of the identity is named {own[1]}"
            return ([] if own == sequence else [note]), []
        text = f"ALTER SEQUENCE {qualified_name(*own)} RENAME TO {quote_identifier(sequence[1])}"
        note = f"{column}: {table[1]}_{column}_seq is another's, so its sequence is given its name"
        self.taken(sequence[0]).add(sequence[1])
        return [], [
            ConvertedStatement("RenameStmt", parse(text)[0].root, self.statement.item.line, text, [note])
        ]

    def column(self, table: Name, name: str) -> Node | None:
        """Find a column of a table that the script makes."""
        found = self.tables.get(table)
        return found.column(name) if found else None

    def changed_columns(self, tables: Iterable[Name]) -> dict[str, TypeReplacement]:
        """Collect the columns of some tables whose type changed."""
        return {name: column for table in tables for name, column in self.columns.get(table, {}).items()}
