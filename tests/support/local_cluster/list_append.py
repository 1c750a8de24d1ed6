"""A workload of transactions that append to lists, and its history.

Some lists are read through a view, and logged in a table with an identity that refers to them. In between,
sessions change the schema, and indexes are built.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from typing_extensions import LiteralString

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.histories import State, Transaction
from support.local_cluster.logins import conninfo

Connection = psycopg.AsyncConnection[Any]

_SCHEMA: tuple[LiteralString, ...] = (
    "CREATE TABLE IF NOT EXISTS lists (key int PRIMARY KEY, elements text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS bound (key int PRIMARY KEY, elements text NOT NULL)",
    (
        "CREATE TABLE IF NOT EXISTS log (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY, "
        "key int NOT NULL REFERENCES bound, element int NOT NULL)"
    ),
    "CREATE OR REPLACE VIEW shown AS SELECT key, elements FROM bound",
)
_DDL: tuple[LiteralString, ...] = (
    "CREATE INDEX ASYNC IF NOT EXISTS lists_elements ON lists (elements)",
    "CREATE TABLE IF NOT EXISTS beside (id int PRIMARY KEY)",
    "CREATE INDEX ASYNC IF NOT EXISTS log_key ON log (key)",
    "DROP INDEX IF EXISTS lists_elements",
    "DROP TABLE IF EXISTS beside",
    "DROP INDEX IF EXISTS log_key",
)
_LOG = "INSERT INTO log (key, element) VALUES (%s, %s)"


@dataclass(frozen=True)
class _Statements:
    """The statements on one of the two tables of lists."""

    read: LiteralString
    append: LiteralString
    replace: LiteralString
    upsert: LiteralString


_PLAIN = _Statements(
    read="SELECT elements FROM lists WHERE key = %s",
    append="UPDATE lists SET elements = elements || %s WHERE key = %s",
    replace="UPDATE lists SET elements = %s WHERE key = %s",
    upsert="INSERT INTO lists VALUES (%s, %s) "
    "ON CONFLICT (key) DO UPDATE SET elements = lists.elements || %s",
)
_BOUND = _Statements(
    read="SELECT elements FROM shown WHERE key = %s",
    append="UPDATE bound SET elements = elements || %s WHERE key = %s",
    replace="UPDATE bound SET elements = %s WHERE key = %s",
    upsert="INSERT INTO bound VALUES (%s, %s) "
    "ON CONFLICT (key) DO UPDATE SET elements = bound.elements || %s",
)
_CONFLICT = re.compile(r"OC00\d")
_LOGINS = 100  # a cluster with faults cuts logins too
_LISTS_AT_ONCE, _ELEMENTS_A_LIST, _MAX_OPERATIONS = 5, 40, 4
_TRANSACTIONS_A_CHANGE = 60


async def create(cluster: LocalCluster) -> None:
    """Make the tables and the view."""
    while True:
        connection = await _open(cluster)
        try:
            for statement in _SCHEMA:
                await connection.execute(statement)
        except psycopg.OperationalError:
            continue
        return await connection.close()


async def play(cluster: LocalCluster, transactions: int, sessions: int, seed: int) -> list[Transaction]:
    """Run transactions in many sessions at once, and give them as their clients saw them."""
    elements = count(1)
    history: list[Transaction] = []

    async def session(number: int) -> None:
        dice = random.Random(f"{seed} {number}")  # noqa: S311 - a workload
        connection: Connection | None = None
        while len(history) < transactions:
            if connection is None or connection.closed:
                connection = await _open(cluster)
            if len(history) % _TRANSACTIONS_A_CHANGE == 0:
                await _change_schema(connection, len(history) // _TRANSACTIONS_A_CHANGE)
            one = Transaction()
            history.append(one)
            one.begun = time.perf_counter()
            await _run(connection, one, dice, elements)
            one.ended = time.perf_counter()
        if connection is not None:
            await connection.close()

    await asyncio.gather(*map(session, range(sessions)))
    return history


async def stored(cluster: LocalCluster) -> dict[int, State]:
    """Give the lists as they are."""
    query = "SELECT key, elements FROM lists UNION ALL SELECT key, elements FROM bound"
    return {key: _state(text) for key, text in await _rows(cluster, query)}


async def logged(cluster: LocalCluster) -> list[int]:
    """Give the elements in the log."""
    return [element for (element,) in await _rows(cluster, "SELECT element FROM log")]


async def _rows(cluster: LocalCluster, query: LiteralString) -> list[tuple[Any, ...]]:
    while True:
        connection = await _open(cluster)
        try:
            rows = await (await connection.execute(query)).fetchall()
        except psycopg.OperationalError:
            continue
        await connection.close()
        return rows


async def _open(cluster: LocalCluster) -> Connection:
    for _ in range(_LOGINS):
        try:
            return await psycopg.AsyncConnection.connect(conninfo(cluster), autocommit=True)
        except psycopg.OperationalError:  # noqa: PERF203 - each is an attempt
            continue
    raise TimeoutError(f"no login out of {_LOGINS} came through")


async def _run(
    connection: Connection, one: Transaction, dice: random.Random, elements: Iterator[int]
) -> None:
    committing = False
    try:
        await connection.execute("BEGIN")
        for _ in range(dice.randint(1, _MAX_OPERATIONS)):
            element = next(elements)
            generation = element // (_LISTS_AT_ONCE * _ELEMENTS_A_LIST)
            key = generation * _LISTS_AT_ONCE + dice.randrange(_LISTS_AT_ONCE)
            await dice.choice((_read, _read, _append, _replace, _upsert))(connection, one, key, element)
        committing = True
        await connection.execute("COMMIT")
    except psycopg.Error as error:
        one.outcome = "unknown" if committing and error.sqlstate is None else "failed"
        # Behind a conflict a view does not show one's own writes, and COMMIT fails, be it told or not.
        one.reads = [read for read in one.reads if not _is_bound(read[0])]
        one.reason = next(iter(_CONFLICT.findall(str(error))), error.sqlstate or "lost")
        if not connection.closed:
            await _roll_back(connection)
    else:
        one.outcome = "committed"


async def _change_schema(connection: Connection, number: int) -> None:
    with suppress(psycopg.Error):  # lost, or in conflict with another change
        await connection.execute(_DDL[number % len(_DDL)])


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except psycopg.Error:
        await connection.close()


Operation = Callable[[Connection, Transaction, int, int], Awaitable[None]]


async def _read(connection: Connection, one: Transaction, key: int, element: int) -> None:
    del element
    cursor = await connection.execute(_on(key).read, [key])
    row = await cursor.fetchone()
    one.reads.append((key, _state(row[0] if row else ""), len(one.appends.get(key, ()))))


async def _append(connection: Connection, one: Transaction, key: int, element: int) -> None:
    cursor = await connection.execute(_on(key).append, [f" {element}", key])
    if cursor.rowcount:
        one.appends[key].append(element)


async def _replace(connection: Connection, one: Transaction, key: int, element: int) -> None:
    """Append by reading the list and writing a new one."""
    await _read(connection, one, key, element)
    _, state, _ = one.reads[-1]
    cursor = await connection.execute(_on(key).replace, ["".join(f" {e}" for e in (*state, element)), key])
    if cursor.rowcount:
        one.appends[key].append(element)


async def _upsert(connection: Connection, one: Transaction, key: int, element: int) -> None:
    text = f" {element}"
    one.appends[key].append(element)
    await connection.execute(_on(key).upsert, [key, text, text])
    if _is_bound(key):
        one.logged.append(element)
        await connection.execute(_LOG, [key, element])


def _is_bound(key: int) -> bool:
    return key % _LISTS_AT_ONCE == 0


def _on(key: int) -> _Statements:
    return _BOUND if _is_bound(key) else _PLAIN


def _state(text: str) -> State:
    return tuple(map(int, text.split()))
