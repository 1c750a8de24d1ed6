"""The limit of time for data that nobody acknowledges, on platforms where libpq does not set it."""

import socket
import sys

import pytest

from awslabs_dsql_mcp.database.connection import DROP_TIME, DROP_TIME_OPTIONS, limit_retransmission


@pytest.mark.skipif(sys.platform not in DROP_TIME_OPTIONS, reason="libpq sets tcp_user_timeout")
def test_unacknowledged_data_end_a_connection_in_seconds() -> None:
    with socket.socket() as opened:
        limit_retransmission(opened.fileno())
        assert opened.getsockopt(socket.IPPROTO_TCP, DROP_TIME_OPTIONS[sys.platform]) == DROP_TIME


def test_the_socket_stays_open() -> None:
    with socket.socket() as opened:
        limit_retransmission(opened.fileno())
        assert opened.fileno() != -1
        opened.bind(("127.0.0.1", 0))
