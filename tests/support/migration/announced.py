"""Differences that a plan announces: a note or an entry that names the object, and says this kind of thing.

The plan is its text, as an agent reads it. A line of it is about the statement that it shows, or about those
in the lines of the script that it gives, so that it names what they name.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.sql.scripts import split_script
from support.migration.catalog import Difference, Facts, Key

_STEP: Final = re.compile(r"(\d+)\. (.*?)(?:  \[(.*)\])?$")
_ABOUT_STEP: Final = re.compile(r"- step (\d+): (.*)$")
_ABOUT_LINES: Final = re.compile(r"\blines? (\d+(?:(?:, | and | to |-)\d+)*)")
_RENAMED: Final = re.compile(
    r"(?:(?:TABLE|ROLE|VIEW|DOMAIN|INDEX|SCHEMA) (?:ONLY )?(?:\w+\.)?|RENAME COLUMN |RENAME |SEQUENCE )"
    r"(\"[^\"]+\"|\w+) "
    r"(?:RENAME )?TO (\"[^\"]+\"|\w+)",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True)
class Entry:
    """An announcement.

    Attributes:
        text: What it says.
        about: The statements that it is about.
        renamed: New names of the script, and the former ones.
    """

    text: str
    about: str
    renamed: Mapping[str, str]

    def names(self, name: str) -> bool:
        """Tell if it, or what it is about, has a name in it, or the name that it had before."""
        words, former = f"{self.text}\n{self.about}", self.renamed.get(name, name)
        return any(
            re.search(rf"(?<!\w){re.escape(one)}(?!\w)", words, re.IGNORECASE) for one in (name, former)
        )

    def says(self, pattern: str) -> bool:
        """Tell if it says so."""
        return re.search(pattern, self.text, re.IGNORECASE | re.DOTALL) is not None


def entries(plan: str, script: str) -> list[Entry]:
    """Read the announcements of a plan."""
    renamed = {new.strip('"'): _cut(old.strip('"')) for old, new in _RENAMED.findall(script)}
    return [Entry(text, about, renamed) for text, about in _entries(plan, _by_line(script))]


def _cut(name: str) -> str:
    """A name as PostgreSQL keeps it: 63 bytes (PostgreSQL documentation, "Identifiers and Key Words")."""
    return name.encode()[:63].decode(errors="ignore")


def _by_line(script: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for item in split_script(script):
        found[item.line] = f"{found.get(item.line, '')}\n{item.text}"
    return found


def _entries(plan: str, lines: dict[int, str]) -> Iterator[tuple[str, str]]:
    said = plan.splitlines()
    steps = filter(None, map(_STEP.match, said))
    titles = {step.group(1): step.group(2) for step in steps}
    for line, following in zip(said, [*said[1:], ""], strict=True):
        if step := _STEP.match(line):
            if step.group(3):  # the whole statement follows one that is cut
                yield (step.group(3), step.group(2) + following if following[:4].isspace() else step.group(2))
        elif about := _ABOUT_STEP.match(line):
            yield (about.group(2), titles[about.group(1)])
        elif line.startswith("- "):
            given = [int(number) for where in _ABOUT_LINES.findall(line) for number in _NUMBER.findall(where)]
            yield (line, "\n".join(lines.get(number, "") for number in given))


@dataclass(frozen=True)
class Rule:
    """A kind of difference, and what announces it.

    Attributes:
        kind: Kind of object, as a pattern.
        aspect: The aspect, as a pattern.
        says: What an entry says then, as a pattern.
        there: The value on PostgreSQL, as a pattern.
        here: The value on the cluster, as a pattern.
    """

    kind: str
    aspect: str
    says: str
    there: str = ""
    here: str = ""

    def holds(self, difference: Difference) -> bool:
        """Tell if a difference is of this kind."""
        key = difference.key
        return (
            re.fullmatch(self.kind, key.kind) is not None
            and re.fullmatch(self.aspect, key.aspect) is not None
            and re.search(self.there, difference.there or "nothing") is not None
            and re.search(self.here, difference.here or "nothing") is not None
        )


NOTHING: Final = "^nothing$"
_COLUMN: Final = r"(?:^|[\[; ]){column}: (?:(?!; \S+: ).)*?"
"""Stands for the beginning of a note about the column."""

RULES: Final = (
    Rule("column|domain", "type", _COLUMN + "{type}"),
    Rule(
        "column",
        "not null",
        "NOT NULL is a CHECK named {table}_{column}_not_null",
        there="true",
        here="false",
    ),
    Rule("column", "not null", "{column} stays NOT NULL", there="false", here="true"),
    Rule(  # another CHECK may refuse the NULL first
        "column",
        "takes",
        "NOT NULL is a CHECK named {table}_{column}_not_null",
        there="None is refused for a NULL",
        here="None is 23514",
    ),
    Rule(  # nor is the NULL of another column refused before all CHECKs
        "column",
        "takes",
        r"NOT NULL is a CHECK named {table}_\w+_not_null",
        there="' is refused for a NULL",
        here="' is 23514",
    ),
    Rule("constraint", "exists", "NOT NULL is a CHECK named {name}", there=NOTHING, here="c"),
    Rule("table", "exists", "PARTITION BY left out", there="^partitioned table$", here="^table$"),
    Rule("column", "takes", "takes rows beyond all bounds", there="23514"),
    Rule("constraint", "exists", "EXCLUDE left out", there="x", here=NOTHING),
    Rule("column", "takes", "EXCLUDE left out", there="23P01"),
    Rule("constraint", "exists", "keys that differed in DEFERRABLE", there="u", here=NOTHING),
    Rule("constraint", "definition", "NO INHERIT left out", there="NOINHERIT"),
    Rule("column", "type|values", "values of .* are written for the new type", there=r"money|\$"),
    Rule("constraint|index|view", "definition", "values of .* are written for the new type", there=r"\$"),
    Rule("view", "definition", "was of type money, is numeric", there=r"\$"),
    Rule("constraint", "exists", "CHECK.* left out", there="c", here=NOTHING),
    Rule("constraint", "definition", "CHECK.* left out", here="IN'"),  # an enum's has taken its name
    Rule("column|domain", "values|default", _COLUMN + "JSON", there=r"[{(]"),
    Rule("column", "values", _COLUMN + "rows that are there keep NULL", here="null"),
    Rule("column", "values|default", _COLUMN + "currency sign", there=r"\$"),
    Rule("domain", "default", "values of DEFAULT of {column}.* are written for the new type"),
    Rule("domain", "default|type", _COLUMN + ".* was of type money, is numeric"),
    Rule("column", "takes|values", _COLUMN + ".* was of type money, is numeric"),
    Rule("column", "values|default", _COLUMN + "numeric is numeric"),
    Rule("column", "takes", _COLUMN + "{type}"),
    Rule("column", "takes", _COLUMN + "enum .* CHECK"),
    Rule("domain", "type", _COLUMN + "enum .* CHECK"),
    Rule("column", "default", _COLUMN + "(?:identity|serial|IDENTITY)", there=r"nextval", here=NOTHING),
    Rule("column", "default", _COLUMN + "(?:without a default|DEFAULT left out)", here=NOTHING),
    Rule("column", "identity", _COLUMN + "(?:serial|identity|IDENTITY)", there=NOTHING, here="by default"),
    Rule(
        "column|view",
        "default|values|rows",
        "is (?:the cluster's|postgres, the one|a setting of the cluster)",
    ),
    Rule("column|view", "values|rows", "was of type .*: .*(?:is another|gives another value) here"),
    Rule("column", "collation", _COLUMN + "{type}", there="^C$", here=NOTHING),
    Rule("column", "collation", _COLUMN + "COLLATE left out", here=NOTHING),
    Rule("constraint", "exists", _COLUMN + "enum .* CHECK", there=NOTHING, here="c"),
    Rule("constraint", "exists", "{table}: enum .* CHECK", there=NOTHING, here="c"),  # of a domain
    Rule("constraint", "definition", "DEFERRABLE left out", there="DEFERRABLE"),
    Rule("constraint|trigger|rule|policy", "exists", "^- line", here=NOTHING),
    Rule("index", "valid", "PARTITION BY left out", there="false", here="true"),
    Rule("index", "method", "USING hash left out", there="hash", here="btree"),
    Rule("index", "exists", "USING|EXCLUDE", here=NOTHING),
    Rule("index", "definition", "DESC left out", there="desc|nulls"),
    Rule("index", "definition", "operator class left out"),
    Rule(
        "sequence",
        "type|minimum|maximum",
        r"sequence is bigint|bigint sequence|serial\b.* is bigint|identity is bigint|identity of line",
    ),
    Rule("sequence", "next value", "size of its cache|CACHE"),
    Rule("sequence", "exists", "sequence {name} .*is named", here=NOTHING),
    Rule("sequence", "exists", "(?:is|,) named {name}", there=NOTHING),
    Rule("sequence", "next value|owned by", "is named {name}"),
    Rule("sequence", "exists", "it is the identity of", here=NOTHING),
    Rule("sequence", "owned by", "a partition owns it", here=NOTHING),
    Rule("sequence", "owned by", "it becomes an identity, or stays by itself", here=NOTHING),
    Rule("table", "persistence", "UNLOGGED left out", there="u", here="p"),
    Rule("table|view|index|constraint", "options", "WITH left out|storage parameters", here=NOTHING),
    Rule("view", "exists", "materialized view is a plain view", there="materialized", here="view"),
    Rule("type", "exists", "an enum: its columns are varchar|composite type", here=NOTHING),
    Rule("function", "exists", "a procedure or LANGUAGE", here=NOTHING),
    Rule("function", "definition", "changes no properties of a function"),
    Rule("function|trigger|extension|.*", "exists", "^- (?:line|CREATE)", here=NOTHING),
    Rule(".*", "comment", "^- (?:line|COMMENT)", here=NOTHING),
    Rule(".*", "privileges", "^- (?:line|GRANT|REVOKE|ALTER DEFAULT)"),
    Rule("default privileges", "exists", "^- line .* will make", here=NOTHING),
    Rule("role", "attributes", "attributes left out"),
    Rule("table", "row security", "row-level security", here=NOTHING),
)

_ALIASES: Final = {"character varying": "varchar", "character": "char", "boolean": "bool", "integer": "int"}


def unannounced(differences: Sequence[Difference], found: Sequence[Entry], facts: Facts) -> list[Difference]:
    """The differences that no entry announces, and that follow from none that one does."""
    announced = [one for one in differences if any(_announces(entry, one, facts) for entry in found)]
    copied = [entry for entry in found if entry.says("LIKE .* as they are here")]
    announced += [one for one in differences if _is_of_a_copy(one, announced, facts, copied)]
    fired = {
        one.key.name.rpartition(".")[0] for one in announced if one.key.kind in ("trigger", "rule", "policy")
    }
    announced += [one for one in differences if _table_of(one.key) in fired and one.key.aspect in _DATA]
    excused = {one.key for one in announced}
    return [one for one in differences if one.key not in excused and not _is_of_columns(one, excused, facts)]


_DATA: Final = ("rows", "values", "takes")


def _table_of(key: Key) -> str:
    return key.name.rpartition(".")[0] if key.kind == "column" else key.name


def _is_of_a_copy(
    difference: Difference, announced: Sequence[Difference], facts: Facts, copied: Sequence[Entry]
) -> bool:
    """Tell if it is of a view, or of a table made LIKE another, and differs as that or its sequence."""
    key, values = difference.key, (difference.there, difference.here)
    owner, _, column = facts.get(Key("sequence", key.name, "owned by"), key.name).rpartition(".")
    is_copy = facts.get(Key("view", owner, "exists")) is not None or any(
        entry.names(owner.rpartition(".")[2]) for entry in copied
    )
    return is_copy and any(
        (one.key.kind, one.key.aspect, *map(_element, (one.there, one.here)))
        == (key.kind, key.aspect, *map(_element, values))
        or (
            key.aspect in ("values", "takes")
            and (one.key.aspect, one.key.name.rpartition(".")[2]) == ("type", column)
        )
        for one in announced
        if key.kind in ("column", "constraint", "sequence")
    )


def _element(value: str | None) -> str | None:
    """The type of the elements of an array, which array_agg makes of a column; any other value as it is."""
    return value and value.removesuffix("[]")


def _is_of_columns(difference: Difference, excused: set[Key], facts: Facts) -> bool:
    """Tell if rows are the same but for columns whose values were announced to be others."""
    _, name, aspect = difference.key
    if aspect != "rows" or difference.there is None or difference.here is None:
        return False
    other = {
        int(facts[Key("column", key.name, "position")]) - 1
        for key in excused
        if key.aspect == "values" and key.name.rpartition(".")[0] == name
    }
    return bool(other) and _without(difference.there, other) == _without(difference.here, other)


def _without(rows: str, positions: set[int]) -> list[str]:
    return sorted(
        json.dumps([value for at, value in enumerate(json.loads(row)) if at not in positions])
        for row in rows.splitlines()
    )


def _announces(entry: Entry, difference: Difference, facts: Facts) -> bool:
    subjects = list(_subjects(difference.key, facts))
    return any(
        rule.holds(difference) and _says(entry, rule, one, facts) for rule in RULES for one in subjects
    )


def _subjects(key: Key, facts: Facts) -> Iterator[Key]:
    """An object, and those that it differs with: a sequence with its column, a column with its domain."""
    yield key
    if owner := facts.get(Key("sequence", key.name, "owned by")):
        yield Key("column", owner, key.aspect)
    if (domain := facts.get(Key("column", key.name, "type"))) and Key("domain", domain, "exists") in facts:
        yield Key("domain", domain, key.aspect)


def _says(entry: Entry, rule: Rule, key: Key, facts: Facts) -> bool:
    names = key.name.split("(")[0].split(".")
    table, column = (names[-2] if len(names) > 1 else ""), names[-1]
    if key.kind == "index" and not entry.names(names[-1]):
        names = facts.get(Key("index", key.name, "table"), key.name).split(".")
    if key.kind == "default privileges":
        names = key.name.split()[:1]
    if key.kind == "constraint":
        names, column = (
            names[:-1],
            column.removeprefix(f"{table}_").removesuffix("_check").removesuffix("_enum"),
        )
    if "{table}" in rule.says:
        names = []
    wanted = rule.says.replace("{column}", _former(entry, column)).replace("{table}", _former(entry, table))
    wanted = wanted.replace("{name}", re.escape(key.name.rpartition(".")[2])).replace(
        "{type}", _spellings(key, facts)
    )
    return entry.says(wanted) and all(entry.names(name) for name in names if name != "public")


def _former(entry: Entry, column: str) -> str:
    return f"(?:{re.escape(column)}|{re.escape(entry.renamed.get(column, column))})"


def _spellings(key: Key, facts: Facts) -> str:
    displayed = facts.get(Key(key.kind, key.name, "type"), "")
    short = next((displayed.replace(a, b) for a, b in _ALIASES.items() if displayed.startswith(a)), displayed)
    return "(?:" + "|".join(re.escape(one).replace(",", ", ?") for one in (displayed, short)) + ")"
