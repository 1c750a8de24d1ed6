"""Texts of configuration files, edited in place: what is not edited stays as it is, to the byte."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

Path = tuple[str, ...]


class NotEditable(ValueError):
    """A text that cannot be edited without risk; the text says why, in a clause without a full stop."""


@dataclass(frozen=True)
class Format:
    """Functions that read and edit texts of a format.

    Attributes:
        name: Name of the format.
        read: Parses a text, which may be empty. Raises ``NotEditable``.
        put: Sets the value at a path, and creates missing mappings.
        drop: Removes the value at a path.
    """

    name: str
    read: Callable[[str], Mapping[str, object]]
    put: Callable[[str, Path, object], str]
    drop: Callable[[str, Path], str]


def value_at(data: object, path: Path) -> object:
    """Look up a value in nested mappings; ``None`` where the path leads nowhere."""
    for key in path:
        if not isinstance(data, Mapping):
            return None
        data = cast("Mapping[str, object]", data).get(key)
    return data
