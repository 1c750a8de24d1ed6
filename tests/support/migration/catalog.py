"""The state of a database as facts, so that two databases can be compared.

A fact is an aspect of an object and its value, such as the type of column ``public.t.c``. Names are dotted
and unquoted. An object that is there has the aspect ``exists``, whose value is its kind. What a client cannot
see (owners, storage) is left out.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

from support.migration.probes import candidates

_FACTS: Final = Path(__file__).with_name("catalog.sql").read_bytes()
_SESSION: Final = (
    b"SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; "
    b"SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1; "
    b"SET lock_timeout = '20s'"
)
_WRITTEN: Final = "CASE WHEN {0} IS NOT DISTINCT FROM NULL THEN NULL ELSE concat({0}) END"
"""A column as its type writes it, as COPY does: a cast to text may write another."""

_VOLATILE: Final = re.compile(
    r"\b(now|random|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|gen_random_uuid|nextval)\("
    r"|CURRENT_|LOCALTIME|'(now|today)'"
)
_NULL: Final = "the null value"
_CAST: Final = re.compile(
    r"::(?:\"?\w+\"?\.)?(?:character varying|double precision|\"?\w+\"?)(?:\(\d+(?:,\s?\d+)?\))?"
    r"(?: with(?:out)? time zone)?(?:\[\])*"
)
_PARENTHESES: Final = re.compile(r"[()\s]")
_ANY: Final = re.compile(r"= ANY ?\(+ARRAY\[(.*?)\]\)+")
_EXPRESSIONS: Final = frozenset(
    {("constraint", "definition"), ("index", "definition"), ("column", "generated"), ("domain", "default")}
    | {("view", "definition")}
)


_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?")
_UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_RUN: Final = timedelta(minutes=10)


class Key(NamedTuple):
    """An aspect of an object."""

    kind: str
    name: str
    aspect: str


Facts = dict[Key, str]


@dataclass(frozen=True)
class Difference:
    """An aspect in which two databases differ.

    Attributes:
        key: The aspect.
        there: Its value on PostgreSQL; ``None`` if it has none.
        here: Its value on the cluster.
    """

    key: Key
    there: str | None
    here: str | None

    def __str__(self) -> str:
        kind, name, aspect = self.key
        return f"{kind} {name}, {aspect}: {_short(self.there)} on PostgreSQL, {_short(self.here)} here"


def _short(value: str | None) -> str:
    return "nothing" if value is None else repr(value if len(value) < 400 else value[:400] + "…")


def read(connection: psycopg.Connection[Any]) -> Facts:
    """Read the facts of a database, as its superuser, outside of a transaction."""
    connection.execute(_SESSION)
    found = {Key(*row[:3]): row[3] for row in connection.execute(_FACTS) if row[3] is not None}
    for key in list(found):
        if (key.kind, key.aspect) in _EXPRESSIONS:
            found[key] = plain(found[key])
        if (key.kind, key.aspect) == ("column", "default"):
            type_name = found[key._replace(aspect="type")]
            effect = _effect(connection, found[key], type_name)
            if effect == _NULL and Key("domain", type_name, "exists") not in found:
                del found[key]  # as without a default, but for a domain that has one
            else:
                found[key] = effect
    for name, kind in _objects(found, "table", "view"):
        found |= _rows(connection, name, kind, _columns(found, name))
    for name, _ in _objects(found, "sequence"):
        found[Key("sequence", name, "next value")] = _next_value(connection, name)
    return found


def probe(connection: psycopg.Connection[Any], there: Facts) -> Facts:
    """Find which values the columns take; nothing is changed.

    Args:
        connection: A session of either database.
        there: The facts of PostgreSQL: the values are chosen by its types.
    """
    found: Facts = {}
    for name, kind in _objects(there, "table"):
        if kind != "table":
            continue
        for column in _columns(there, name):
            type_name = there[Key("column", f"{name}.{column}", "type")]
            base = there.get(Key("domain", type_name, "type"), type_name)
            tried = [_tried(connection, name, column, value) for value in (None, *candidates(base))]
            found[Key("column", f"{name}.{column}", "takes")] = "; ".join(tried)
    return found


def compare(there: Facts, here: Facts) -> list[Difference]:
    """List the differences, without those that follow from an object that only one side has."""
    differing = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    lonely = {
        (key.kind, key.name)
        for key in differing
        if key.aspect == "exists" and not (key.kind == "table" and key in there and key in here)
    }
    found = [
        Difference(key, there.get(key), here.get(key))
        for key in differing
        if key.aspect == "exists" or (key.kind, key.name) not in lonely
    ]
    return [one for one in found if not _follows(one.key, lonely, there | here)]


def _follows(key: Key, lonely: set[tuple[str, str]], facts: Facts) -> bool:
    parents = [key.name.rpartition(".")[0]]
    parents += [facts[k] for a in ("table", "owned by") if (k := Key(key.kind, key.name, a)) in facts]
    kinds = ("table", "view", "domain", "column", "schema")
    return any((kind, parent) in lonely for kind in kinds for parent in parents)


def masked(facts: Facts, script: str, now: datetime) -> Facts:
    """Hide times of the run, and UUIDs that the script does not have: they are others each time."""
    written = script.lower()

    def mask(line: str) -> str:
        timeless = _TIME.sub(lambda found: _time(found.group(), now), line)
        return _UUID.sub(lambda found: found.group() if found.group() in written else "<uuid>", timeless)

    return {
        key: _lines(map(mask, value.split("\n"))) if key.aspect in ("rows", "values") else value
        for key, value in facts.items()
    }


def _time(text: str, now: datetime) -> str:
    try:
        value = datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc)
    except ValueError:
        return text
    return "<now>" if abs(now - value) < _RUN else text


def plain(expression: str) -> str:
    """An expression as PostgreSQL displays it, without casts and parentheses."""
    without = _CAST.sub("", expression)
    return _PARENTHESES.sub("", _ANY.sub(r"IN \1", without))


def _objects(facts: Facts, *kinds: str) -> list[tuple[str, str]]:
    return [(key.name, value) for key, value in facts.items() if key.kind in kinds and key.aspect == "exists"]


def _columns(facts: Facts, name: str) -> list[str]:
    """Columns in order."""
    mine = [
        (int(value), key.name.removeprefix(f"{name}."))
        for key, value in facts.items()
        if key.kind == "column" and key.aspect == "position" and key.name.rpartition(".")[0] == name
    ]
    return [column for _, column in sorted(mine)]


def _identifier(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split(".", 1))


def _effect(connection: psycopg.Connection[Any], expression: str, type_name: str) -> str:
    """The value that a default gives, or its text where it gives another each time."""
    if _VOLATILE.search(expression):
        return plain(expression)
    value = f"({expression})::{type_name}"
    text = f"SELECT {_WRITTEN.format(value)}"
    try:
        with connection.transaction(force_rollback=True):
            written = connection.execute(text.encode()).fetchall()[0][0]
            return _NULL if written is None else f"value {written}"
    except psycopg.Error as error:
        return f"{error.sqlstate} of {expression}"


def _rows(connection: psycopg.Connection[Any], name: str, kind: str, columns: Sequence[str]) -> Facts:
    """What a table or view holds, as text: whole rows, and the values of each column."""
    what = "view" if kind.endswith("view") else "table"
    listed = sql.SQL(", ").join(sql.SQL(_WRITTEN).format(sql.Identifier(column)) for column in columns)
    query = sql.SQL("SELECT {} FROM {}").format(listed, _identifier(name))
    try:
        with connection.transaction(force_rollback=True):
            rows = connection.execute(query).fetchall() if columns else []
    except psycopg.Error as error:
        return {Key(what, name, "rows"): str(error.sqlstate)}
    found = {Key(what, name, "rows"): _lines(json.dumps(row, ensure_ascii=False) for row in rows)}
    for at, column in enumerate(columns):
        values = _lines(json.dumps(row[at], ensure_ascii=False) for row in rows)
        found[Key("column", f"{name}.{column}", "values")] = values
    return found


def _lines(values: Iterable[str]) -> str:
    return "\n".join(sorted(values))


def _tried(connection: psycopg.Connection[Any], table: str, column: str, value: str | None) -> str:
    """What becomes of a value: as it is read again, or the SQLSTATE with which it is refused.

    It goes into the first row, or into a new one if there is none, or none that may be changed: one that has
    kept a NULL in another column. A publication's table is changed as if it had none.
    """
    target, name, literal = _identifier(table), sql.Identifier(column), sql.Literal(value)
    update = sql.SQL(
        "UPDATE {0} SET {1} = {2} WHERE ctid = (SELECT min(ctid) FROM {0}) RETURNING concat({1})"
    ).format(target, name, literal)
    insert = sql.SQL("INSERT INTO {0} ({1}) VALUES ({2}) RETURNING concat({1})").format(target, name, literal)
    identity = sql.SQL("ALTER TABLE {0} REPLICA IDENTITY FULL").format(target)
    told = _changed(connection, column, update)
    if told in _PUBLISHED:
        told = _changed(connection, column, identity, update)
    if told in (None, _OTHER_NULL):
        told = _inserted(connection, column, insert)
    told = _NULL_REFUSED if told == _OTHER_NULL else told
    return f"{value!r} {told}" if told.startswith("as ") else f"{value!r} is {told}"


def _inserted(connection: psycopg.Connection[Any], column: str, insert: sql.Composed) -> str:
    """What becomes of a value in a new row.

    An identity's next value may be the key of a row; each try draws another, though it is rolled back.
    """
    told = _KEY_TAKEN
    for _ in range(_TRIES):
        if told == _KEY_TAKEN:
            told = _changed(connection, column, insert) or "nowhere"
    return told


def _changed(connection: psycopg.Connection[Any], column: str, *changes: sql.Composed) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for change in changes[:-1]:
                connection.execute(change)
            rows = connection.execute(changes[-1]).fetchall()
            return f"as {rows[0][0]!r}" if rows else None
    except psycopg.Error as error:
        if not _is_null(error):
            return error.sqlstate
        named = (error.diag.column_name, (error.diag.constraint_name or "")[-len(f"_{column}_not_null") :])
        return _NULL_REFUSED if named[0] == column or named[1] == f"_{column}_not_null" else _OTHER_NULL


_NULL_REFUSED: Final = "refused for a NULL"
_KEY_TAKEN: Final = "23505"
_TRIES: Final = 10
_OTHER_NULL: Final = "refused for a NULL in another column"
_PUBLISHED: Final = ("55000",)
"""SQLSTATE of an UPDATE of a publication's table that has no replica identity."""


def _is_null(error: psycopg.Error) -> bool:
    """Tell if a row is refused for a NULL, in this column or another, by NOT NULL or its CHECK."""
    return error.sqlstate == "23502" or (error.diag.constraint_name or "").endswith("_not_null")


def _next_value(connection: psycopg.Connection[Any], name: str) -> str:
    increment = "(SELECT seqincrement FROM pg_sequence WHERE seqrelid = %s::regclass)"
    query = sql.SQL("SELECT last_value + CASE WHEN is_called THEN {} ELSE 0 END FROM {}").format(
        sql.SQL(increment), _identifier(name)
    )
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name.split(".", 1))
    return str(connection.execute(query, [quoted]).fetchall()[0][0])
