"""Texts of configuration files, edited in place: what is not edited stays as it is, to the byte."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Path = tuple[str, ...]


class NotEditable(ValueError):
    """A text that cannot be edited without risk; the text says why, in a clause without a full stop."""


@dataclass(frozen=True)
class Format:
    """How texts of a format are read and edited.

    Attributes:
        name: What people call it.
        read: Makes data of a text, an empty one included. Raises ``NotEditable``.
        put: Gives the text with the value at the path, replaced or added, mappings on the way made.
        drop: Gives the text without what is at the path.
    """

    name: str
    read: Callable[[str], Mapping[str, object]]
    put: Callable[[str, Path, object], str]
    drop: Callable[[str, Path], str]
