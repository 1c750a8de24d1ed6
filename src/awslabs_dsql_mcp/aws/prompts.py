"""Profiles that ask for an MFA code: a server has no terminal, and its standard input is the protocol."""

from pathlib import Path
from typing import Any, NoReturn

# Where the AWS CLI keeps the sessions of assumed roles (AWS CLI user guide, "Using an IAM role").
_CLI_CACHE = Path("~/.aws/cli/cache")


class CodeRequiredError(Exception):
    """A profile needs an MFA code, and there is no session of the AWS CLI to use instead."""


class SharedCache:
    """The AWS CLI's cache of sessions, read only; sessions of this process are kept in memory."""

    def __init__(self) -> None:
        from botocore.utils import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
            JSONFileCache,
        )

        self._shared: Any = JSONFileCache(str(_CLI_CACHE.expanduser()))
        self._own: dict[str, object] = {}

    def __contains__(self, key: str) -> bool:
        """Return true if there is a session with a key."""
        return key in self._own or key in self._shared

    def __getitem__(self, key: str) -> object:
        """Return a session; ``KeyError`` without one."""
        return self._own[key] if key in self._own else self._shared[key]

    def __setitem__(self, key: str, value: object) -> None:
        """Keep a session."""
        self._own[key] = value


def without_prompts(session: Any) -> None:  # noqa: ANN401 - botocore has no types
    """Let a session use the AWS CLI's cached sessions of assumed roles, and never ask for an MFA code.

    Args:
        session: A session of botocore; its credentials are not loaded yet.
    """
    # The AWS CLI sets its cache in the same way; botocore has no option for the prompt.
    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider.cache = SharedCache()
    provider._prompter = _refuse  # noqa: SLF001


def _refuse(_prompt: str) -> NoReturn:
    raise CodeRequiredError
