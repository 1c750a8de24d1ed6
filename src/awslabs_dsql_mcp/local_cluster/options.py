"""The options of ``awslabs-dsql-mcp local`` that choose a `ClusterConfig`, as one table."""

import argparse
import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: The field of `ClusterConfig`; the flag is the same with dashes.
        read: Turns the text given into the value; `None` for a switch.
        help: One sentence, without its end.
        unit: What stands for the value in help.
        alias: Another spelling.
    """

    name: str
    read: Callable[[str], float] | None
    help: str
    unit: str = "N"
    alias: str | None = None

    @property
    def flag(self) -> str:
        """Its documented spelling."""
        return "--" + self.name.replace("_", "-")

    @property
    def spellings(self) -> list[str]:
        """All that is taken: dashes and underscores alike, then the alias."""
        return list(dict.fromkeys((self.flag, "--" + self.name, *([self.alias] if self.alias else []))))


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a number from {least:g} to {most:g}")
        return value

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from {least} to {most}")
        return int(text)

    return read


_SHARE, _COUNT = _number(0, 1), _whole(1, 1_000_000_000)
milliseconds = _number(0, 60_000)

OPTIONS = (
    Option("conflict_rate", _SHARE, "share of commits that fail with OC000 (default: 0)", "0..1"),
    Option(
        "disconnect_rate", _SHARE, "share of messages at which the connection is cut (default: 0)", "0..1"
    ),
    Option("latency_ms", milliseconds, "milliseconds that each round trip takes longer (default: 0)", "MS"),
    Option("seed", _whole(0, 2**63 - 1), "what the faults follow from: the same seed, the same faults"),
    Option(
        "session_minutes",
        _number(0.001, 10_000),
        "minutes after which a connection ends (default: 60)",
        "MIN",
        alias="--local-session-minutes",
    ),
    Option(
        "max_transaction_seconds",
        _number(0.001, 100_000),
        "seconds that a transaction may last (default: 300)",
        "S",
    ),
    Option("max_rows", _COUNT, "rows that a transaction may change (default: 3000)"),
    Option("max_bytes", _COUNT, "bytes that a transaction may write (default: 10 MiB)"),
    Option(
        "max_connections", _whole(1, 10_000), "connections open at once (default: 500; Aurora DSQL: 10000)"
    ),
    Option("connection_rate", _number(0, 1_000_000), "new connections a second (default: 100)"),
    Option("connection_burst", _whole(1, 1_000_000), "new connections at once, after a rest (default: 1000)"),
    Option("honour_cancel", None, "let cancel requests through, which Aurora DSQL ignores"),
)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Let a parser take the options."""
    group = parser.add_argument_group(
        "behaviour",
        "chosen by whoever starts the cluster; by default, what Aurora DSQL does, and no faults",
    )
    for option in OPTIONS:
        given: dict[str, Any] = {"dest": option.name, "default": argparse.SUPPRESS, "help": option.help}
        if option.read is None:
            group.add_argument(*option.spellings, action="store_true", **given)
        else:
            group.add_argument(*option.spellings, type=option.read, metavar=option.unit, **given)


def chosen(parsed: argparse.Namespace) -> ClusterConfig | None:
    """Take the behaviour out of what was parsed; `None` when no option of it was given."""
    given = {
        option.name: value for option in OPTIONS if (value := getattr(parsed, option.name, None)) is not None
    }
    return ClusterConfig(**given) if given else None


def flags(config: ClusterConfig) -> str:
    """Write the options that choose it; empty for the defaults."""
    choices = config.choices()
    words = [
        [option.flag] if option.read is None else [option.flag, f"{choices[option.name]}"]
        for option in OPTIONS
        if option.name in choices
    ]
    return shlex.join(word for pair in words for word in pair)
