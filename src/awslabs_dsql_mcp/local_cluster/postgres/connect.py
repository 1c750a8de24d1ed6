"""Connections of the endpoint to PostgreSQL, as the authenticated role.

Behind a Unix socket PostgreSQL asks for no password: the socket's directory keeps others out. On
loopback TCP it asks for one, since any user of the machine can connect; so each role is given this
run's password before its connection, which costs a round trip or two.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

from awslabs_dsql_mcp.local_cluster.postgres.server import (
    SUPERUSER,
    SUPERUSER_OPTIONS,
    Address,
    Loopback,
)
from awslabs_dsql_mcp.local_cluster.protocol import wire

P = TypeVar("P", bound=asyncio.Protocol)
_MAX_ANSWER = 65_535  # bytes; the superuser gets short answers only


async def open_connection(address: Address, protocol: Callable[[], P]) -> P:
    """Connect to PostgreSQL.

    Raises:
        OSError: It does not listen.
    """
    loop = asyncio.get_running_loop()
    if isinstance(address, Loopback):
        _, made = await loop.create_connection(protocol, "127.0.0.1", address.port)
    elif sys.platform == "win32":
        raise OSError("Windows' event loops have no Unix sockets")
    else:
        _, made = await loop.create_unix_connection(protocol, str(address.path))
    return made


async def set_password(address: Address, role: str) -> None:
    """Set the password of a role for its next connection, if the role exists.

    Raises:
        OSError: PostgreSQL does not listen.
    """
    if not isinstance(address, Loopback):
        return
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    try:
        writer.write(wire.startup({"user": SUPERUSER, "database": "postgres", "options": SUPERUSER_OPTIONS}))
        writer.write(wire.password(address.password))
        writer.write(wire.query(f"ALTER ROLE {_identifier(role)} PASSWORD '{address.password}'"))
        await _until_ready(reader)  # logged in
        await _until_ready(reader)  # altered, or there is no such role
    except (EOFError, wire.Malformed) as broken:
        raise OSError("PostgreSQL ended the superuser's connection") from broken
    finally:
        writer.close()


async def _until_ready(reader: asyncio.StreamReader) -> None:
    while True:
        head = await reader.readexactly(5)
        size = wire.message_size(head)
        if size > _MAX_ANSWER:
            raise wire.Malformed("message length")
        await reader.readexactly(size - len(head))
        if head[:1] == wire.READY_FOR_QUERY:
            return


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
