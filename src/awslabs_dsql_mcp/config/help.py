"""Help of the command line: commands and options by what they are for, and one topic at a time."""

from collections.abc import Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.option_parser import Option, SettingsError, closest

COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "to begin": {
        "demo": "call the tools on a local cluster, and show what they answer",
        "install": "write the server's entry into the configuration of an MCP client",
        "doctor": "check settings, credentials, network and privileges, with the remedy of what fails",
    },
    "of the server": {"serve": "serve MCP over standard input and output; what is done without a command"},
    "for people and scripts": {
        "view": "a query editor in the browser, on this machine alone",
        "clusters": "clusters looked at, made, changed and deleted; backups, cost",
        "roles": "database roles, and the script that makes one",
        "local": "a cluster on this machine, without the server",
        "help": "this text, or that of a command, an option or a group of options: help TOPIC",
    },
}
"""Commands, which the command line may begin with in place of the server's options, by purpose."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster": (
        *("cluster_endpoint", "region", "database_user", "profile", "config"),
        *("local", "local_data", "local_session_minutes"),
    ),
    "permissions": (
        *("allow_writes", "allow_cluster_changes", "confirm", "max_dpu", "max_clusters"),
        *("load_dir", "export_dir"),
    ),
    "answers": ("tools", "max_rows", "max_result_chars", "max_cell_chars"),
    "time": (
        *("connect_timeout", "statement_timeout", "call_timeout", "knowledge_timeout"),
        *("retry_attempts", "retry_time", "retry_delay"),
    ),
    "connections": ("max_connections", "ssl_root_cert", "knowledge_server"),
    "logs": ("log_level", "audit_log", "audit_parameters"),
}
"""Options by what they are for; a test holds that each is in one group."""

_TOPICS: Final = "a command, an option or a group of options, as `help` lists them"
_WIDTH: Final = 79
_HEAD: Final = """\
usage: awslabs-dsql-mcp [serve] [OPTION ...]
       awslabs-dsql-mcp COMMAND [ARGUMENT ...]

MCP server for Amazon Aurora DSQL, over stdio. An MCP client starts it; without
--allow-writes it only reads."""
_FOOT: Final = """\
Each option is an environment variable, too. `awslabs-dsql-mcp help TOPIC` tells
all of a command, an option or a group, such as `help doctor`, `help time`."""


def command_names() -> tuple[str, ...]:
    """List the names of all commands."""
    return tuple(name for commands in COMMANDS.values() for name in commands)


def overview() -> str:
    """Write the help: usage, commands, options with their first sentence."""
    blocks = [_HEAD]
    for purpose, commands in COMMANDS.items():
        rows = [_row(name, what) for name, what in commands.items()]
        blocks.append("\n".join([f"commands {purpose}:", *rows]))
    blocks += [*(_group(group, brief=True) for group in GROUPS), _FOOT]
    return "\n\n".join(blocks)


def topic(words: Sequence[str]) -> str | None:
    """Write the help of a topic; ``None`` for a command, which has its own.

    Args:
        words: What is asked for; nothing for all.

    Raises:
        SettingsError: There is no such topic, or more than one.
    """
    if not words:
        return overview()
    name = words[0].lstrip("-").replace("-", "_").lower()
    option = next((option for option in OPTIONS if option.name == name), None)
    if len(words) > 1:
        raise SettingsError(f"help: got {len(words)} topics, expected one")
    if words[0] in command_names():
        return overview() if words[0] in ("help", "serve") else None
    if option is not None and (words[0].startswith("-") or name not in GROUPS):
        return _option(option)
    if name in GROUPS:
        return _group(name, brief=False)
    known = [*command_names(), *GROUPS, *(each.flag.lstrip("-") for each in OPTIONS)]
    raise SettingsError(f"help: got {words[0]!r}, expected {closest(words[0], known, _TOPICS)}")


def _group(group: str, *, brief: bool) -> str:
    options = [option for name in GROUPS[group] for option in OPTIONS if option.name == name]
    if not brief:
        return "\n\n".join(map(_option, options))
    rows = [_row(f"{option.flag} {option.unit}".strip(), _first_sentence(option.help)) for option in options]
    return "\n".join([f"options, {group}:", *rows])


def _first_sentence(text: str) -> str:
    sentence, stop, _ = text.partition(". ")
    return sentence.removesuffix(".") if stop or text.endswith(".") else text


def _wrapped(text: str, margin: str) -> list[str]:
    import textwrap  # noqa: PLC0415 - only for help

    return textwrap.wrap(
        text, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )


def _row(head: str, text: str) -> str:
    margin = " " * 27
    first = f"  {head:<24} "
    lines = _wrapped(text, margin)
    if len(first) > len(margin):
        return "\n".join([first.rstrip(), *lines])
    return "\n".join([first + lines[0].strip(), *lines[1:]])


def _option(option: Option) -> str:
    facts = [
        f"Environment: {', '.join(option.variables)}." if option.variables else "",
        f"Default: {option.default}." if option.default else "",
    ]
    text = " ".join(filter(None, [option.help, *facts]))
    body = _wrapped(text, "  ")
    return "\n".join([f"{', '.join(option.spellings)} {option.unit}".rstrip(), *body])
