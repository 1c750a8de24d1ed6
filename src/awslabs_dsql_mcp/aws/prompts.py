"""Sources of credentials that ask: a server has no terminal, and its standard input is the protocol."""

import subprocess
import sys
from collections.abc import Sequence
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
    """Keep the sources of a session's credentials from asking anybody.

    Assumed roles use the AWS CLI's cached sessions, and are never asked for an MFA code. Credential processes
    run without standard input and without a terminal.

    Args:
        session: A session of botocore; its credentials are not loaded yet.
    """
    from botocore.credentials import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - imported late
        ProcessProvider,
    )

    def process_provider(profile_name: str) -> Any:  # noqa: ANN401 - as above
        start: Any = _start_alone
        return ProcessProvider(profile_name, lambda: session.full_config, popen=start)

    # The AWS CLI sets its cache in the same way; botocore has no option for the prompt and the process.
    resolver = session.get_component("credential_provider")
    provider = resolver.get_provider("assume-role")
    provider.cache = SharedCache()
    provider._prompter = _refuse  # noqa: SLF001
    provider._profile_provider_builder._create_process_provider = process_provider  # noqa: SLF001
    resolver.get_provider("custom-process")._popen = _start_alone  # noqa: SLF001


def _refuse(_prompt: str) -> NoReturn:
    raise CodeRequiredError


def _start_alone(command: Sequence[str], **pipes: Any) -> "subprocess.Popen[Any]":  # noqa: ANN401 - as above
    """Start a program in a session of its own (POSIX, setsid); on Windows, without a console."""
    if sys.platform == "win32":
        pipes["creationflags"] = subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **pipes)  # noqa: S603 - the user's own
