"""Prepared statements and portals of a session, as PostgreSQL has them.

What is noted when a message is sent is taken back if PostgreSQL does not do it, so that a statement is never
judged by a text that is not its own. What the client has not made through messages, such as a cursor of a
function's, is none of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.protocol import messages
from awslabs_dsql_mcp.local_cluster.session.response_router import UNKNOWN, PendingRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed


class Prepared(NamedTuple):
    """A statement as it is prepared.

    Attributes:
        parsed: Its name, what PostgreSQL is to run, and the types of its parameters.
        statement: Its translation; unknown if the text has several.
        sent: The Parse message for PostgreSQL.
    """

    parsed: Parsed
    statement: TranslatedStatement
    sent: bytes


class PreparedStatements:
    """The prepared statements of a session by their names, and the portals of its transaction."""

    def __init__(self) -> None:
        self._statements: dict[bytes, Prepared] = {}
        self.portals: dict[bytes, TranslatedStatement] = {}

    def get(self, name: bytes) -> Prepared | None:
        """Return a statement as it was parsed and translated."""
        return self._statements.get(name)

    def note(self, name: bytes, statement: Prepared | None) -> Callable[[], None]:
        """Note a statement, or its end; return what takes that back."""
        before = self._statements.get(name)
        self._put(name, statement)
        return partial(self._put, name, before)

    def _put(self, name: bytes, statement: Prepared | None) -> None:
        if statement is None:
            self._statements.pop(name, None)
        else:
            self._statements[name] = statement

    def forget_all(self, pending: Iterable[PendingRequest]) -> None:
        """Note a DEALLOCATE ALL that PostgreSQL has done.

        Args:
            pending: What PostgreSQL has yet to do: statements that it is to prepare stay.
        """
        originals = (request.original for request in pending)
        since = {
            messages.read_parse(sent.body).name for sent in originals if sent and sent.kind == messages.PARSE
        }
        self._statements = {name: self._statements[name] for name in since & self._statements.keys()}

    def named(self, body: bytes) -> TranslatedStatement:
        """Return the statement that a Describe or a Close names; it may be unknown."""
        name = messages.first_text(body[1:])
        if body[:1] == b"P":
            return self.portals.get(name, UNKNOWN)
        return self._statements[name].statement if name in self._statements else UNKNOWN


def no_statement(name: bytes) -> Refusal:
    """Return PostgreSQL's error for the name of no prepared statement."""
    what = f'prepared statement "{_shown(name)}"' if name else "unnamed prepared statement"
    return Refusal("26000", f"{what} does not exist")


def no_portal(name: bytes) -> Refusal:
    """Return PostgreSQL's error for the name of no portal."""
    return Refusal("34000", f'portal "{_shown(name)}" does not exist')


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "replace")
