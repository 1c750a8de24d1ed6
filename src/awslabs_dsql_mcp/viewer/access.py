"""Access to the viewer: for the tab that was opened with its key, and no other page or program.

A port of the loopback address is open to every program of the machine and, by the browser, to every web
site: a site may send requests to it, and may let its own name stand for 127.0.0.1 (DNS rebinding). Hence the
checks of ``Host`` and ``Origin`` (RFC 9110, section 7.2; Fetch standard, "Origin header") and a secret.

The secret is no cookie: cookies do not tell ports apart (RFC 6265, section 8.5), so that other servers on
127.0.0.1 would get it. The key stands behind the ``#`` of the address, which is sent to nobody and stands in
no log; it is good once, since the arguments of the browser's process can be seen by others.
"""

import secrets
from collections.abc import Mapping
from typing import Final

_SCHEME: Final = "Bearer "
_BYTES: Final = 32


class Access:
    """The checks of one viewer.

    Args:
        authority: Address and port that it listens on.
    """

    def __init__(self, authority: str) -> None:
        self._authority = authority
        self._key = _new_secret()
        self._session = _new_secret()

    @property
    def url(self) -> str:
        """The address that opens the next tab."""
        return f"http://{self._authority}/#{self._key}"

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Say why a request is refused; ``None`` for one from a page of the viewer.

        Args:
            method: Its method.
            headers: Its headers, by names in lower case.
        """
        if headers.get("host") != self._authority:
            return f"This is {self._authority}: the request was for another host."
        origin = headers.get("origin")
        if origin != f"http://{self._authority}" and (origin is not None or method != "GET"):
            return "The request came from another page."
        return None

    def open(self, headers: Mapping[str, str]) -> str | None:
        """Exchange the key for the secret of the session; ``None`` if it is not the key, or was used."""
        if not _has(headers, self._key):
            return None
        self._key = _new_secret()
        return self._session

    def is_open(self, headers: Mapping[str, str]) -> bool:
        """Check that a request has the secret of the session."""
        return _has(headers, self._session)


def _new_secret() -> str:
    return secrets.token_urlsafe(_BYTES)


def _has(headers: Mapping[str, str], secret: str) -> bool:
    given = headers.get("authorization", "")
    return secrets.compare_digest(given.encode(), (_SCHEME + secret).encode())
