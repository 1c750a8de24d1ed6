"""A workload of transactions that append to lists, and its history."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any

import psycopg

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.histories import State, Transaction
from support.local_cluster.logins import conninfo

Connection = psycopg.AsyncConnection[Any]

_TABLE = "CREATE TABLE IF NOT EXISTS lists (key int PRIMARY KEY, elements text NOT NULL)"
_APPEND = "UPDATE lists SET elements = elements || %s WHERE key = %s"
_REPLACE = "UPDATE lists SET elements = %s WHERE key = %s"
_UPSERT = "INSERT INTO lists VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET elements = lists.elements || %s"
_READ = "SELECT elements FROM lists WHERE key = %s"
_LOGINS = 100  # a cluster with faults cuts logins too
_LISTS_AT_ONCE, _ELEMENTS_A_LIST, _MAX_OPERATIONS = 5, 40, 4


async def create(cluster: LocalCluster) -> None:
    """Make the table of lists."""
    while True:
        connection = await _open(cluster)
        try:
            await connection.execute(_TABLE)
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
    while True:
        connection = await _open(cluster)
        try:
            cursor = await connection.execute("SELECT key, elements FROM lists")
        except psycopg.OperationalError:
            continue
        lists = {key: _state(text) for key, text in await cursor.fetchall()}
        await connection.close()
        return lists


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
        if not connection.closed:
            await _roll_back(connection)
    else:
        one.outcome = "committed"


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except psycopg.Error:
        await connection.close()


Operation = Callable[[Connection, Transaction, int, int], Awaitable[None]]


async def _read(connection: Connection, one: Transaction, key: int, element: int) -> None:
    del element
    cursor = await connection.execute(_READ, [key])
    row = await cursor.fetchone()
    one.reads.append((key, _state(row[0] if row else ""), len(one.appends.get(key, ()))))


async def _append(connection: Connection, one: Transaction, key: int, element: int) -> None:
    cursor = await connection.execute(_APPEND, [f" {element}", key])
    if cursor.rowcount:
        one.appends[key].append(element)


async def _replace(connection: Connection, one: Transaction, key: int, element: int) -> None:
    """Append by reading the list and writing a new one."""
    await _read(connection, one, key, element)
    _, state, _ = one.reads[-1]
    cursor = await connection.execute(_REPLACE, ["".join(f" {e}" for e in (*state, element)), key])
    if cursor.rowcount:
        one.appends[key].append(element)


async def _upsert(connection: Connection, one: Transaction, key: int, element: int) -> None:
    text = f" {element}"
    one.appends[key].append(element)
    await connection.execute(_UPSERT, [key, text, text])


def _state(text: str) -> State:
    return tuple(map(int, text.split()))
