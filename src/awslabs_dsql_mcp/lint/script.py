"""A script as dsql-lint can read it, and the script again with what dsql-lint fixed.

dsql-lint 0.2.22 reads statements only: a psql meta-command or a row of COPY ends its reading. It is given
the statements alone, each in the line that it has in the script, and a stand-in for what it cannot read.
Its output is the statements one after another, without what stood between them. So only what it changed
is taken from there; the rest of the script stays as it is, to the byte.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from awslabs_dsql_mcp.sql.scripts import ScriptItem, split_script


@dataclass(frozen=True)
class LintScript:
    """A script to lint.

    Attributes:
        sql: The script.
        items: Its parts.
        withheld: Positions, among the items, of statements that dsql-lint cannot cut into tokens.
    """

    sql: str
    items: tuple[ScriptItem, ...]
    withheld: frozenset[int] = frozenset()

    @classmethod
    def split(cls, sql: str) -> "LintScript":
        """Split a script into its parts."""
        return cls(sql, tuple(split_script(sql)))

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The statements for dsql-lint, one for each item."""
        tag = "not for dsql-lint"
        while tag in self.sql:
            tag += "!"
        return tuple(
            f"SELECT '{tag} {number}'"
            if item.meta or item.data is not None or number in self.withheld
            else item.text
            for number, item in enumerate(self.items)
        )

    @property
    def text(self) -> str:
        """The text for dsql-lint: each statement in its own line."""
        written: list[str] = []
        line = 1
        for item, statement in zip(self.items, self.statements, strict=True):
            written += "\n" * (item.line - line), statement, ";"
            line = max(line, item.line) + statement.count("\n")
        return "".join(written)

    def withhold(self, line: int) -> "LintScript | None":
        """Keep a line's statement from dsql-lint; ``None`` if there is none that it was given."""
        for number, item in enumerate(self.items):
            given = self.statements[number] == item.text
            if given and item.line <= line <= item.line + item.text.count("\n"):
                return replace(self, withheld=self.withheld | {number})
        return None

    def apply(self, fixed: str) -> str:
        """Put what dsql-lint changed into the script.

        Args:
            fixed: dsql-lint's output for `text`.

        Raises:
            ValueError: A stand-in is missing there.
        """
        written: list[str] = []
        at = 0
        for start, end, new in self._edits([item.text for item in split_script(fixed)]):
            written += self.sql[at:start], new
            at = end
        return "".join((*written, self.sql[at:]))

    def _edits(self, fixed: Sequence[str]) -> Iterator[tuple[int, int, str]]:
        for old, new in _differences([*map(_key, self.statements)], [*map(_key, fixed)]):
            if any(self.statements[number] != self.items[number].text for number in old):
                raise ValueError("a part of the script is missing in the fixed SQL")
            items, texts = self.items[old.start : old.stop], [fixed[number] for number in new]
            if not items:
                following = self.items[old.start : old.start + 1]
                place = following[0].start if following else len(self.sql)
                yield place, place, "".join(f"{text};\n\n" for text in texts)
                continue
            if len(texts) != len(items):
                texts = [";\n\n".join(texts), *[""] * (len(items) - 1)]
            for item, text in zip(items, texts, strict=True):
                if _key(item.text) != _key(text):
                    yield item.start, item.start + len(item.text), text


def _key(statement: str) -> str:
    """Leave out the blanks, which dsql-lint may change where it changes nothing else."""
    return "".join(statement.split())


def _differences(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[range, range]]:
    """Pair what stands between the statements that are the same before and after.

    Those are the texts found as often before as after, in their order; a COMMIT is found more often once
    dsql-lint has made several transactions of one.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(after):
        places[text].append(number)
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(before):
        numbers[text].append(number)
    same = sorted(
        pair
        for text, found in numbers.items()
        if len(found) == len(places[text])
        for pair in zip(found, places[text], strict=True)
    )
    old = new = 0
    for next_old, next_new in (*same, (len(before), len(after))):
        if next_new < new:  # moved: not taken for the same
            continue
        if next_old > old or next_new > new:
            yield range(old, next_old), range(new, next_new)
        old, new = next_old + 1, next_new + 1
