"""The options of ``awslabs-dsql-mcp local`` that choose a `ClusterConfig`, as one table."""

import argparse
import shlex
from typing import Any

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.option_parser import Option, add_options, number, read_switch, read_value, whole_number

_SHARE, _COUNT = number(0, 1), whole_number(1, 1_000_000_000)
MILLISECONDS = number(0, 60_000)

OPTIONS = (
    Option("--conflict-rate", (), _SHARE, "Share of commits that fail with OC000.", "0..1", "0"),
    Option("--disconnect-rate", (), _SHARE, "Share of messages that cut the connection.", "0..1", "0"),
    Option("--latency-ms", (), MILLISECONDS, "Milliseconds added to each round trip.", "MS", "0"),
    Option(
        "--seed",
        (),
        whole_number(0, 2**63 - 1),
        "Seed of the random faults: the same seed gives the same faults.",
        "N",
    ),
    Option(
        "--session-minutes",
        (),
        number(0.001, 10_000),
        "Minutes after which a connection is closed.",
        "MIN",
        "60",
        ("--local-session-minutes",),
    ),
    Option(
        "--max-transaction-seconds",
        (),
        number(0.001, 100_000),
        "Seconds after which a transaction fails.",
        "S",
        "300",
    ),
    Option("--max-rows", (), _COUNT, "Rows that a transaction may change.", "N", "3000"),
    Option("--max-bytes", (), _COUNT, "Bytes that a transaction may write.", "N", "10 MiB"),
    Option(
        "--max-connections",
        (),
        whole_number(1, 10_000),
        "Connections open at once.",
        "N",
        "500; Aurora DSQL: 10000",
    ),
    Option("--connection-rate", (), number(0, 1_000_000), "New connections a second.", "N", "100"),
    Option(
        "--connection-burst",
        (),
        whole_number(1, 1_000_000),
        "New connections at once, before that rate holds.",
        "N",
        "1000",
    ),
    Option(
        "--transition-seconds",
        (),
        number(0, 100_000),
        "Seconds that a cluster of the API is CREATING, UPDATING or DELETING, and a job of AWS Backup "
        "CREATED and RUNNING; on AWS, up to some minutes.",
        "S",
        "1",
    ),
    Option(
        "--port",
        (),
        whole_number(1, 65_535),
        "Port of the endpoint, on 127.0.0.1 and ::1.",
        "N",
        "that of the last start, or any free one",
    ),
    Option(
        "--honour-cancel", (), read_switch, "Pass cancel requests on to PostgreSQL; Aurora DSQL ignores them."
    ),
)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser, as a group of their own."""
    add_options(
        parser,
        OPTIONS,
        "behaviour",
        "chosen by the process that starts the cluster; by default that of Aurora DSQL, without faults",
    )


def chosen(parsed: argparse.Namespace) -> ClusterConfig | None:
    """Read the options that were given; `None` when none of them was.

    Raises:
        SettingsError: A value is not valid.
    """
    texts = vars(parsed)
    given: dict[str, Any] = {o.name: read_value(o, o.flag, texts[o.name]) for o in OPTIONS if o.name in texts}
    return ClusterConfig(**given) if given else None


def flags(config: ClusterConfig) -> str:
    """Write the options that choose a configuration; empty for the defaults."""
    choices = config.choices()
    words = [
        [option.flag] if option.is_switch else [option.flag, f"{choices[option.name]}"]
        for option in OPTIONS
        if option.name in choices
    ]
    return shlex.join(word for pair in words for word in pair)
