"""Transcripts: what is said to a cluster and what it must answer, line by line.

::

    CREATE TABLE @t (id int, v text)     a statement; what is indented below it belongs to it
    a> BEGIN                             a statement of session a (each is opened when it first speaks)
    @app> SELECT 1                       a statement of a session that logs in as the role @app
    # id|v                               the names of its columns
    = 1|x                                a row, in text; NULL is ∅
    : SELECT 1                           its command tag
    ! 42P01 relation "@u" does not …     its error: SQLSTATE and message
    DETAIL: …                            the error's detail
    HINT: …                              the error's hint

``@`` before a name is a prefix that no other transcript has. ``…`` stands for any text. ``$job`` stands
for any text too, and from then on for that text. A row ``⋮`` stands for any number of rows. What is
not expected of an answer is not looked at, except errors: a statement without ``!`` must succeed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from select import select
from typing import Protocol

from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

ANSWERS_WITHIN = 8  # seconds; nothing in a transcript takes one, so whoever is later waits for a lock
ANY_ROWS = "= ⋮"
_CATALOG = "(OC001)"
_EXPECTED = re.compile(r"(#|=|:|!|DETAIL:|HINT:)(?: |$)")
_SPEAKER = re.compile(r"(@?\w+)> ")
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)


class Mismatch(AssertionError):
    """The cluster answered otherwise; the text is the transcript as it went."""


class Disturbed(Mismatch):
    """Somebody else has changed the catalog meanwhile: whoever meets that on a cluster begins again."""


class Sessions(Protocol):
    """Gives the connection of a speaker, opened when it first speaks."""

    def __call__(self, speaker: str) -> PGconn: ...


@dataclass(frozen=True)
class Step:
    """A statement, who says it, and the lines that are expected of the answer."""

    speaker: str
    sql: str
    expected: tuple[str, ...]


@dataclass
class Run:
    """A transcript under way.

    Args:
        sessions: Gives the connections.
        prefix: What ``@`` stands for.
        send: How statements are sent: by the simple or the extended protocol.
    """

    sessions: Sessions
    prefix: str
    send: Callable[[PGconn, bytes], None]
    bound: dict[str, str] = field(default_factory=dict[str, str])

    def play(self, steps: Iterable[Step]) -> None:
        """Say each statement and look at its answer.

        Raises:
            Mismatch: An answer is another than expected, or does not come.
        """
        said: list[str] = []
        for step in steps:
            sql = self._filled(step.sql)
            said.append(f"{step.speaker and step.speaker + '> '}{sql}")
            connection = self.sessions(self._filled(step.speaker))
            self.send(connection, sql.encode())
            answer = [line for result in results(connection) for line in lines(result)]
            if missed := self._missed(step.expected, answer):
                went = (
                    Disturbed if _CATALOG in "".join(answer) and _CATALOG not in "".join(missed) else Mismatch
                )
                raise went("\n".join([*said, *answer, "but expected", *missed]))
            said += answer

    def _filled(self, text: str) -> str:
        text = re.sub(r"@(?=[a-z])", self.prefix, text)
        return re.sub(r"\$([a-z]+)\b(?!\$)", lambda found: self.bound.get(found[1], found[0]), text)

    def _missed(self, expected: tuple[str, ...], answer: list[str]) -> list[str]:
        """Give the expected lines, if the answer is another."""
        for kind in dict.fromkeys(["!", *map(kind_of, expected)]):
            wanted = [line for line in expected if kind_of(line) == kind]
            got = [line for line in answer if kind_of(line) == kind]
            if not self._match(wanted, got):
                return wanted or ["no error"]
        return []

    def _match(self, wanted: list[str], got: list[str]) -> bool:
        pattern = "".join(map(_pattern, map(self._filled, wanted)))
        found = re.fullmatch(pattern, "".join(line + "\n" for line in got))
        self.bound.update(found.groupdict() if found else {})
        return found is not None


def _pattern(expected: str) -> str:
    """Write an expected line as a regular expression, its end included."""
    if expected == ANY_ROWS:
        return r"(?:= .*\n)*"
    literal = re.escape(expected).replace("…", ".*")
    return re.sub(r"\\\$([a-z]+)", r"(?P<\1>[^|\\n]+)", literal) + r"\n"


def parse(transcript: str) -> tuple[Step, ...]:
    """Read a transcript.

    Raises:
        ValueError: It expects something before anything was said.
    """
    return tuple(_steps(_unfolded(transcript)))


def _unfolded(transcript: str) -> list[str]:
    """Join what is indented to the line above it."""
    return re.sub(r"\n[ \t]+", " ", transcript.strip()).splitlines()


def _steps(said: list[str]) -> Iterator[Step]:
    statement, expected = "", list[str]()
    for line in [*said, ""]:
        if line and _EXPECTED.match(line):
            if not statement:
                raise ValueError(f"nobody said anything before: {line}")
            expected.append(line)
            continue
        if statement:
            speaker = _SPEAKER.match(statement)
            yield Step(
                speaker[1] if speaker else "", statement[speaker.end() if speaker else 0 :], tuple(expected)
            )
        statement, expected = line, []


def kind_of(line: str) -> str:
    """Say what a line of an answer is about: its first word."""
    return line.partition(" ")[0]


def simply(connection: PGconn, sql: bytes) -> None:
    """Send by the simple protocol."""
    connection.send_query(sql)


def extended(connection: PGconn, sql: bytes) -> None:
    """Send by the extended protocol: Parse, Bind, Describe, Execute, Sync."""
    connection.send_query_params(sql, None)


def results(connection: PGconn) -> Iterator[PGresult]:
    """Give the results of what was sent.

    Raises:
        Mismatch: None comes.
    """
    while True:
        while connection.is_busy():
            if not select([connection.socket], [], [], ANSWERS_WITHIN)[0]:
                raise Mismatch("no answer: it waits for somebody")
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return
        yield result


def lines(result: PGresult) -> Iterator[str]:
    """Write a result as the lines of a transcript."""
    if result.status in _FAILED:
        code, message, detail, hint = (_diagnostic(result, name) for name in _DIAGNOSTICS)
        yield f"! {code} {message or result.get_error_message()}"
        yield from (f"{name}: {text}" for name, text in (("DETAIL", detail), ("HINT", hint)) if text)
        return
    if result.nfields:
        yield "# " + "|".join((result.fname(column) or b"").decode() for column in range(result.nfields))
    for row in range(result.ntuples):
        cells = (result.get_value(row, column) for column in range(result.nfields))
        yield ("= " + "|".join("∅" if cell is None else cell.decode() for cell in cells)).rstrip()
    yield f": {(result.command_status or b'').decode()}"


_DIAGNOSTICS = (
    DiagnosticField.SQLSTATE,
    DiagnosticField.MESSAGE_PRIMARY,
    DiagnosticField.MESSAGE_DETAIL,
    DiagnosticField.MESSAGE_HINT,
)


def _diagnostic(result: PGresult, name: DiagnosticField) -> str:
    return (result.error_field(name) or b"").decode()
