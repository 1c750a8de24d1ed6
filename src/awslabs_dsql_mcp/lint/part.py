"""A part of a script, and what becomes of it."""

from dataclasses import dataclass

from awslabs_dsql_mcp.lint.model import Finding
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.sql.scripts import ScriptItem
from awslabs_dsql_mcp.sql.statements import StatementInfo


@dataclass(frozen=True)
class Part:
    """A part of a script, and what becomes of it.

    Attributes:
        item: The part.
        queries: The statements in its place; ``None`` if it stays as it is.
        findings: What Aurora DSQL does not take of it.
        statements: Information about the statements that it is, or becomes.
        rows: Number of rows that it inserts.
    """

    item: ScriptItem
    queries: tuple[str, ...] | None = None
    findings: tuple[Finding, ...] = ()
    statements: tuple[StatementInfo, ...] = ()
    rows: int = 0

    @property
    def is_open(self) -> bool:
        """Somebody has to mend it."""
        return any(finding.fix == "unfixable" for finding in self.findings)

    @property
    def tree(self) -> Tree | None:
        """The part's syntax tree; ``None`` for a meta-command, and for what is no single statement."""
        try:
            found = () if self.item.meta else trees(self.item.text)
        except ParseError:
            return None
        return found[0] if len(found) == 1 else None
