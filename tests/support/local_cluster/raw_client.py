"""A client that shows what a driver hides: each message, byte by byte."""

import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.protocol import wire


class Client:
    """A client that shows what a driver hides."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster, self._received = cluster, b""
        self._socket = socket.create_connection(("127.0.0.1", cluster.port), timeout=20)

    def close(self) -> None:
        self._socket.close()

    def ask(self, code: int) -> bytes:
        self._socket.sendall(wire.packet(code, b""))
        return self._socket.recv(1)

    def encrypt(self, name: str | None = "localhost", alpn: str | None = None) -> None:
        context = ssl.create_default_context(cafile=self._cluster.ca_file)
        context.check_hostname = name is not None
        if alpn:
            context.set_alpn_protocols([alpn])
        self._socket = context.wrap_socket(self._socket, server_hostname=name)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self) -> wire.Message | None:
        """Read a message; `None` at the end."""
        while (message := wire.read_message(self._received, 65536)) is None:
            data = self._socket.recv(65536)
            if not data:
                return None
            self._received += data
        self._received = self._received[message.size :]
        return message

    def read_error(self) -> dict[str, str]:
        message = self.read()
        assert message is not None
        return fields(message)


def fields(error: wire.Message) -> dict[str, str]:
    """Take an ErrorResponse apart."""
    assert error.kind == wire.ERROR_RESPONSE
    return {field[0]: field[1:] for field in error.body.decode().rstrip("\0").split("\0")}


@contextmanager
def dial(cluster: LocalCluster) -> Generator[Client, None, None]:
    client = Client(cluster)
    try:
        yield client
    finally:
        client.close()


def fatal(sqlstate: str, message: str, hint: str | None = None) -> dict[str, str]:
    return {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": message} | ({"H": hint} if hint else {})


def answer_to(cluster: LocalCluster, password: str, **parameters: str) -> dict[str, str]:
    with dial(cluster) as client:
        assert client.ask(wire.SSL_REQUEST) == b"S"
        client.encrypt()
        client.send(wire.startup({"user": "admin", "database": "postgres"} | parameters))
        asked = client.read()
        assert asked is not None
        assert wire.asks_for_password(asked)
        client.send(wire.password(password))
        return client.read_error()
