"""The tables of what Aurora DSQL has: forms of statements, and functions of ``pg_catalog``."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.local_cluster.requirements import TOML

_FOLDER = Path(__file__).parents[2] / "local_cluster"
_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")
SOURCES = ("recorded", "reports", "guide", "grammar", "analogy")
"""Names of sources, the best first."""


@dataclass(frozen=True)
class Form:
    """A form of a statement.

    Attributes:
        group: The heading that it stands under.
        sql: The statement.
        sqlstate: That of its refusal; empty for a form that runs.
        source: The name of its source.
    """

    group: str
    sql: str
    sqlstate: str
    source: str


@dataclass(frozen=True)
class FunctionClass:
    """Functions that Aurora DSQL has, or lacks, for one reason.

    Attributes:
        says: What they are.
        source: The name of its source.
        names: A regular expression for the whole name.
        signatures: A regular expression for a part of ``name(types) type``.
        refused: The SQLSTATEs that their calls fail with; empty for what answers as PostgreSQL does.
        count: How many there are in the PostgreSQL of the local cluster.
    """

    says: str
    source: str
    count: int
    names: str = ""
    signatures: str = ""
    refused: tuple[str, ...] = ()

    def holds(self, name: str, signature: str) -> bool:
        """Say if a function belongs to it."""
        return bool(
            (self.names and re.fullmatch(self.names, name))
            or (self.signatures and re.search(self.signatures, signature))
        )


def expand(template: str) -> list[str]:
    """List what a line with ``{a|b}`` stands for."""
    found = _ALTERNATIVES.search(template)
    if found is None:
        return [template]
    head, tail = template[: found.start()], template[found.end() :]
    return [one for choice in found[1].split("|") for one in expand(head + choice + tail)]


def statement_forms() -> list[Form]:
    """Read the table of statement forms."""
    content: dict[str, Any] = TOML.loads((_FOLDER / "statement_forms.toml").read_text(encoding="utf-8"))
    content.pop("sources")
    return [form for group, verdicts in content.items() for form in _forms(group, verdicts)]


def _forms(group: str, verdicts: dict[str, dict[str, list[str]]]) -> Iterator[Form]:
    for source, lines in verdicts.get("accepted", {}).items():
        yield from (Form(group, sql, "", source) for line in lines for sql in expand(line))
    for source, lines in verdicts.get("refused", {}).items():
        for line in lines:
            sqlstate, _, template = line.partition(" ")
            yield from (Form(group, sql, sqlstate, source) for sql in expand(template))


def function_classes() -> list[FunctionClass]:
    """Read the table of functions, in its order."""
    content: dict[str, Any] = TOML.loads((_FOLDER / "function_classes.toml").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = content["class"]
    return [FunctionClass(refused=tuple(row.pop("refused", ())), **row) for row in rows]


def summary() -> str:
    """The counts by source, on two lines."""
    forms = Counter(form.source for form in statement_forms())
    functions: Counter[str] = Counter()
    for one in function_classes():
        functions[one.source] += one.count
    return f"Statement forms: {_by_source(forms)}\nFunctions of pg_catalog: {_by_source(functions)}"


def _by_source(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in SOURCES if counts[name])
