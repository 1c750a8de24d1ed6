"""State of a conversion: converted statements, skipped statements, and the objects of the script."""

from dataclasses import dataclass, field

from awslabs_dsql_mcp.migration.columns import Name, UserTypes
from awslabs_dsql_mcp.migration.settings import SessionSettings
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.command_names import command
from awslabs_dsql_mcp.sql.copy_data import Row
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree


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
        settings: Statements that its transaction begins with; ``None`` until they are known.
        item: Position, among the parts of the script, of the one that it comes from.
    """

    kind: str
    top: Node
    line: int
    text: str | None
    notes: list[str] = field(default_factory=list[str])
    rows: tuple[Row, ...] | None = None
    row_lines: tuple[int, ...] = ()
    settings: tuple[str, ...] | None = None
    item: int | None = None

    def changed(self, *notes: str) -> None:
        """Take note of a change of the tree."""
        self.text = None
        self.notes.extend(notes)

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
    """

    line: int
    what: str
    why: str
    needs_review: bool = False
    is_blocking: bool = False
    item: int | None = None


@dataclass
class Conversion:
    """A script as far as it is read.

    Attributes:
        statements: Statements to run, in order.
        skipped: Statements left out.
        types: The script's own types.
        tables: The tables it makes.
        sequences: The sequences it makes.
        renamed: For a sequence that became an identity's, how that one is written.
        money: For a table, its columns that were of type money.
        settings: Those of the script's session.
    """

    statements: list[ConvertedStatement] = field(default_factory=list[ConvertedStatement])
    skipped: list[SkippedStatement] = field(default_factory=list[SkippedStatement])
    types: UserTypes = field(default_factory=UserTypes)
    tables: dict[Name, ConvertedStatement] = field(default_factory=dict[Name, ConvertedStatement])
    sequences: dict[Name, ConvertedStatement] = field(default_factory=dict[Name, ConvertedStatement])
    renamed: dict[Name, str] = field(default_factory=dict[Name, str])
    money: dict[Name, set[str]] = field(default_factory=dict[Name, set[str]])
    settings: SessionSettings = field(default_factory=SessionSettings)

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
            draft.item, draft.settings = item, self.settings.statements
        for left in self.skipped[skipped:]:
            left.item = item if left.item is None else left.item

    def column(self, table: Name, name: str) -> Node | None:
        """Find a column of a table that the script makes."""
        if (draft := self.tables.get(table)) is None:
            return None
        defined = (item.get("ColumnDef") for item in draft.top.get("tableElts", ()))
        return next((column for column in defined if column and column["colname"] == name), None)
