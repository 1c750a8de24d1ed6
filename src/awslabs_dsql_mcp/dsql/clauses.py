"""Clauses of tables, indexes, keys and columns that Aurora DSQL refuses, by the field of the parser's node.

Sources: Aurora DSQL user guide, "CREATE TABLE", "CREATE INDEX"; messages of clusters recorded from July to
October 2026.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Clause:
    """A clause that Aurora DSQL refuses.

    Attributes:
        spelled: The clause's words.
        instead: What to do instead, as a sentence.
        dispensable: A script works without it.
        effect: What leaving it out changes, as a clause; empty for nothing.
    """

    spelled: str
    instead: str
    dispensable: bool = True
    effect: str = ""

    @property
    def word(self) -> str:
        """The word to look for in the statement's text."""
        return self.spelled.split()[0].lower()


_STORAGE: Final = Clause("WITH", "Leave WITH (…) out: Aurora DSQL has no storage parameters.")
_ONE_TABLE: Final = "Use one table: Aurora DSQL splits it by its key."

TABLE_CLAUSES: Final = {
    "partspec": Clause("PARTITION BY", _ONE_TABLE, dispensable=False),
    "partbound": Clause("PARTITION OF", _ONE_TABLE, dispensable=False),
    "inhRelations": Clause(
        "INHERITS", "Use separate tables, with their columns written out.", dispensable=False
    ),
    "ofTypename": Clause("OF", "Write the columns out.", dispensable=False),
    "options": _STORAGE,
    "tablespacename": Clause("TABLESPACE", "Leave TABLESPACE out."),
    "accessMethod": Clause("USING", "Leave USING out."),
}
"""Clauses of CREATE TABLE."""

INDEX_CLAUSES: Final = {
    "options": _STORAGE,
    "tableSpace": Clause("TABLESPACE", "Leave TABLESPACE out."),
}
"""Clauses of CREATE INDEX; its USING is accepted with `INDEX_METHOD` alone."""

KEY_CLAUSES: Final = {
    "options": _STORAGE,
    "indexspace": Clause("USING INDEX TABLESPACE", "Leave USING INDEX TABLESPACE out."),
}
"""Clauses of PRIMARY KEY and UNIQUE in CREATE TABLE; taken to be refused, as CREATE TABLE's own are."""

INDEX_METHOD: Final = "btree_index"
"""The access method that a cluster names, and accepts, in CREATE INDEX ASYNC (recorded on 2026-08-27)."""

COLUMN_CLAUSES: Final = {
    "collClause": Clause(
        "COLLATE",
        "Leave it out: text sorts by byte; compare lower(column) to ignore case.",
        effect="text sorts by byte",
    ),
    "compression": Clause("COMPRESSION", "Leave it out: Aurora DSQL chooses compression."),
}
"""Clauses of a column."""


def clauses_in(node: Mapping[str, Any], refused: Mapping[str, Clause]) -> Iterator[Clause]:
    """Find the refused clauses that a node has.

    Args:
        node: The fields of the parser's node.
        refused: The clauses, by field.
    """
    return (clause for field, clause in refused.items() if field in node)
