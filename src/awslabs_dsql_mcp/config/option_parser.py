"""Options of a command line and of an environment, and the argparse parser that reads them."""

import argparse
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from awslabs_dsql_mcp.config import parsers


class SettingsError(ValueError):
    """A value that cannot be used; one line that names the option, the value and what is expected."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        flag: The documented spelling; dashes and underscores are equivalent.
        variables: Environment variables; the first that is set is used.
        read: Converts text to the value, or raises ``ValueError`` with a text that names what is expected.
        help: One or two sentences.
        unit: Unit or placeholder of the value in help, such as ``s`` or ``HOST``; empty for a switch.
        default: The default as documentation shows it.
    """

    flag: str
    variables: tuple[str, ...]
    read: Callable[[str], object]
    help: str
    unit: str = ""
    default: str = ""

    @property
    def name(self) -> str:
        """The field that the option sets."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """True for a flag that takes no value."""
        return self.read is parsers.read_switch

    @property
    def spellings(self) -> tuple[str, ...]:
        """The flag with dashes and with underscores, the documented spelling first."""
        other = "--" + (self.name if "-" in self.flag[2:] else self.name.replace("_", "-"))
        return (self.flag,) if other == self.flag else (self.flag, other)


class OptionParser(argparse.ArgumentParser):
    """A parser that raises `SettingsError`; for an unknown flag it suggests the closest known one."""

    def error(self, message: str) -> NoReturn:
        """Raise the error that argparse would print."""
        raise SettingsError(self._explain(message))

    def _explain(self, message: str) -> str:
        flag = message.removeprefix("unrecognized arguments: ").split(" ")[0].split("=")[0]
        if flag != message.split(" ", maxsplit=1)[0]:
            close = difflib.get_close_matches(flag, self._option_string_actions, 1)
            return f"{flag}: unknown flag, " + (f"expected {close[0]}?" if close else "see --help")
        for action in self._actions:
            spellings = action.option_strings
            if f"argument {'/'.join(spellings)}: expected one argument" == message:
                return f"{spellings[0]}: got nothing, expected {action.metavar}"
            if f"argument {'/'.join(spellings)}: ignored explicit argument" in message:
                return f"{spellings[0]}: got a value, expected none: the flag takes no value"
        return message


def add_options(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    """Add options to a parser whose result has only the options that were given."""
    for option in options:
        default = f" Default: {option.default}." if option.default else ""
        text = f"{option.help}{default} [{', '.join(option.variables)}]".replace("%", "%%")
        if option.is_switch:
            parser.add_argument(*option.spellings, dest=option.name, action="store_true", help=text)
        else:
            parser.add_argument(*option.spellings, dest=option.name, metavar=option.unit, help=text)


def read_value(option: Option, source: str, value: object) -> object:
    """Convert the value given for an option.

    Args:
        option: The option.
        source: The flag, the variable or the key in a file that gave it, for errors.
        value: The value of a switch, or a text.

    Raises:
        SettingsError: The value is not valid.
    """
    if isinstance(value, bool):
        return value
    try:
        return option.read(str(value))
    except ValueError as error:
        # A wrong value may be a connection URL: what precedes "@" could be a password.
        shown = repr(str(value).rpartition("@")[2][:80])
        raise SettingsError(f"{source}: got {shown}, expected {error}") from None
