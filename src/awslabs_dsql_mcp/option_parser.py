"""Options of a command line and of an environment, and the argparse parser that reads them.

A table of options is a sequence of `Option`; this module knows none of them.
"""

import argparse
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

from typing_extensions import override

_TRUTH = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


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
        aliases: Other flags of the option.
    """

    flag: str
    variables: tuple[str, ...]
    read: Callable[[str], object]
    help: str
    unit: str = ""
    default: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The field that the option sets."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """True for a flag that takes no value."""
        return self.read is read_switch

    @property
    def spellings(self) -> tuple[str, ...]:
        """The flag with dashes and with underscores, the documented spelling first; then the aliases."""
        other = "--" + (self.name if "-" in self.flag[2:] else self.name.replace("_", "-"))
        return tuple(dict.fromkeys((self.flag, other, *self.aliases)))


class OptionParser(argparse.ArgumentParser):
    """A parser that raises `SettingsError`; for an unknown word it suggests the closest known one.

    Attributes:
        commands: Words that may stand first in place of options; who reads them calls another parser then.
        synonyms: Words that others have for a command, with what to write.
    """

    commands: tuple[str, ...] = ()
    synonyms: Mapping[str, str] = MappingProxyType({})

    def error(self, message: str) -> NoReturn:
        """Raise the error that argparse would print."""
        raise SettingsError(self._explain(message))

    @override
    def parse_args(self, args: Any = None, namespace: Any = None) -> argparse.Namespace:  # pyright: ignore[reportIncompatibleMethodOverride] - overloads
        """Parse, but for an unknown flag, which argparse would see behind what follows it."""
        self._require_known_flags(args)
        return super().parse_args(args, namespace)

    @override
    def parse_intermixed_args(self, args: Any = None, namespace: Any = None) -> argparse.Namespace:  # pyright: ignore[reportIncompatibleMethodOverride] - overloads
        """Parse as `parse_args` does."""
        self._require_known_flags(args)
        return super().parse_intermixed_args(args, namespace)

    def _require_known_flags(self, words: Sequence[str]) -> None:
        for word in words:
            if word == "--":
                break
            if word.startswith("--") and word.partition("=")[0] not in self._option_string_actions:
                self.error(f"unrecognized arguments: {word}")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            name = action.option_strings[0] if action.option_strings else action.dest
            raise SettingsError(f"{name}: got {str(value)!r}, expected {closest(str(value), known)}")

    def _explain(self, message: str) -> str:
        flag = message.removeprefix("unrecognized arguments: ").split(" ")[0].split("=")[0]
        if flag != message.split(" ", maxsplit=1)[0]:
            is_flag = flag.startswith("-")
            kind = "flag" if is_flag else "command" if self.commands else "argument"
            known = self.commands if self.commands and not is_flag else self._option_string_actions
            close = self.synonyms.get(flag) or closest(flag, known, "")
            return f"{flag or repr(flag)}: unknown {kind}, {f'expected {close}' if close else 'see --help'}"
        for action in self._actions:
            spellings = action.option_strings
            if f"argument {'/'.join(spellings)}: expected one argument" == message:
                expected = action.metavar or " or ".join(map(str, action.choices or ())) or "a value"
                return f"{spellings[0]}: got nothing, expected {expected}"
            if f"argument {'/'.join(spellings)}: ignored explicit argument" in message:
                return f"{spellings[0]}: got a value, expected none: the flag takes no value"
        missing = message.removeprefix("the following arguments are required: ")
        return message if missing == message else f"{missing}: got nothing, see --help"


def closest(given: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Word what a wrong word may have been meant as.

    Args:
        given: The word.
        known: The right ones.
        otherwise: What to say if none is near; by default, all of them.
    """
    import difflib  # noqa: PLC0415 - where a word is wrong

    words = list(known)
    bare = {word.lstrip("-"): word for word in reversed(words)}  # dashes are alike in all flags
    close = difflib.get_close_matches(given.lstrip("-"), bare, 1)
    return f"{bare[close[0]]}?" if close else " or ".join(words) if otherwise is None else otherwise


def add_options(
    parser: argparse.ArgumentParser, options: Iterable[Option], title: str = "", description: str = ""
) -> None:
    """Add options to a parser; its result has those that were given, as text or as ``True``.

    Args:
        parser: The parser.
        options: The options.
        title: Heading of the options in help; empty for no group of their own.
        description: Text below the heading.
    """
    group = parser.add_argument_group(title, description) if title else parser
    for option in options:
        default = f" Default: {option.default}." if option.default else ""
        variables = f" [{', '.join(option.variables)}]" if option.variables else ""
        text = f"{option.help}{default}{variables}".replace("%", "%%")
        given: dict[str, Any] = {"dest": option.name, "default": argparse.SUPPRESS, "help": text}
        if option.is_switch:
            group.add_argument(*option.spellings, action="store_true", **given)
        else:
            group.add_argument(*option.spellings, metavar=option.unit, **given)


def refuse_idle(
    given: Collection[str], command: str, task: str, tasks_of: Mapping[str, Collection[str]]
) -> None:
    """Refuse an argument that would do nothing in the task that is asked for.

    Args:
        given: Names of what was given.
        command: Name of the command.
        task: What is asked for; empty for the command itself.
        tasks_of: What each argument is for, by its documented spelling; one without a row is for all.

    Raises:
        SettingsError: An argument does nothing there.
    """
    for spelling, tasks in tasks_of.items():
        if spelling.lstrip("-").replace("-", "_").lower() in given and task not in tasks:
            wanted = " or ".join(f"{command} {each}".strip() for each in tasks)
            raise SettingsError(
                f"{spelling}: got it with {f'{command} {task}'.strip()}, expected it with {wanted}"
            )


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


# ---- Readers: functions from text to a value, or a `ValueError` with what is expected.


def read_switch(text: str) -> bool:
    """Read a Boolean."""
    try:
        return _TRUTH[text.strip().lower()]
    except KeyError:
        raise ValueError("true or false") from None


def number(lower: float, upper: float) -> Callable[[str], float]:
    """Make a reader of numbers from `lower` to `upper`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not lower <= value <= upper:
            raise ValueError(f"a number from {lower:g} to {upper:g}")
        return value

    return read


def whole_number(lower: int, upper: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `lower` to `upper`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lower <= int(text) <= upper):
            raise ValueError(f"a whole number from {lower} to {upper}")
        return int(text)

    return read
