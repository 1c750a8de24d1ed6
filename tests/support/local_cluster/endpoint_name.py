"""A plugin of pytest for the suites of others: Python finds the local cluster by the name of its endpoint."""

import os
import socket
from typing import Any

_NAME = os.environ["CLUSTER_ENDPOINT"]
_resolve: Any = socket.getaddrinfo


def _find(host: object, *rest: object, **named: object) -> object:
    return _resolve("127.0.0.1" if host == _NAME else host, *rest, **named)


socket.getaddrinfo = _find
