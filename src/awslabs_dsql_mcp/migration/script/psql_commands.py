"""Meta-commands of psql in a script: those that bring or decide nothing pass, the others stop it.

Source: PostgreSQL 18 documentation, psql, "Meta-Commands" and "Variables".
"""

import re
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Final

from awslabs_dsql_mcp.migration.script.settings import HARMLESS, Ruling, SessionSettings, encoding, is_on

_ARGUMENT: Final = re.compile(r"""'(?:[^'\\]|\\.|'')*'?|"[^"]*"?|`[^`]*`?|\\\\|\\[^\s\\]*|[^\s'"`\\]+""")
_VARIABLE: Final = re.compile(
    r""":(?:'(?P<quoted>\w+)'|"(?P<name>\w+)"|\{\?\w+\}|(?<!::)(?P<plain>[A-Za-z_]\w*))"""
)
_DISPLAY: Final = re.compile(r"\\(?:d[a-zA-Z]*|l|z|sf|sv|lo_list|dconfig)[+S]*\Z")
_HARMLESS: Final = frozenset(
    (
        *("restrict", "unrestrict", "set", "unset", "echo", "qecho", "warn", "pset", "timing", "a", "C", "f"),
        *("H", "html", "t", "T", "x", "cd", "conninfo", "copyright", "h", "help", "?", "p", "print"),
        *("errverbose", "s", "setenv"),
    )
)
_OUTPUT: Final = (
    "send the statement with readonly_query where its rows are needed, and end it with a semicolon"
)
_VALUE: Final = "write the value itself into the statements that use it"
_STOPS: Final = {
    **dict.fromkeys(
        ("i", "ir", "include", "include_relative"), "put the statements of that file in its place"
    ),
    "copy": "its rows are not in the script: write COPY … FROM stdin with the rows, or use load_rows",
    **dict.fromkeys(
        ("if", "elif", "else", "endif"),
        "which branch runs is decided by psql: keep the statements of the one that is wanted",
    ),
    "gexec": "its rows are statements: put those in its place",
    **dict.fromkeys(("gset", "prompt", "getenv", "read"), f"it sets variables: {_VALUE}"),
    **dict.fromkeys(("bind", "bind_named", "parse", "close_prepared"), f"parameters of psql: {_VALUE}"),
    **dict.fromkeys(("g", "gx", "gdesc", "crosstabview", "watch"), _OUTPUT),
    **dict.fromkeys(
        ("o", "out", "w", "write"), "it writes a file: leave it out, or run the script with psql"
    ),
    "!": "it runs a program: leave it out, or run the script with psql",
    **dict.fromkeys(
        ("r", "reset"), "psql forgets what stands before it without a semicolon: remove both, or it alone"
    ),
    "password": "passwords are IAM's: leave it out",
    ";": "write a semicolon alone",
    "\\": "statements stand behind it: put each in a line of its own",
    **dict.fromkeys(
        ("lo_import", "lo_export", "lo_unlink"), "Aurora DSQL has no large objects: store bytea in a column"
    ),
}


def rule(text: str, settings: SessionSettings, *, is_first: bool, is_last: bool) -> Ruling:
    """Decide about a line of meta-commands.

    Args:
        text: The line, from its backslash on.
        settings: Of the script's session, which a new connection begins anew.
        is_first: No statement to run stands before it.
        is_last: Nothing stands after it.
    """
    words = _ARGUMENT.findall(text)
    found = HARMLESS_COMMAND
    for at, word in enumerate(words):
        if not word.startswith("\\"):
            if word.startswith("`"):
                return Ruling("a program's output is its argument: write that in its place", is_blocking=True)
            continue
        ruling = _command(word, words[at + 1 :], settings, is_first=is_first, is_last=is_last)
        if ruling.is_blocking:
            return ruling
        found = ruling if ruling is not HARMLESS_COMMAND else found
    return found


def autocommit(text: str) -> bool | None:
    r"""Tell whether a line of meta-commands switches AUTOCOMMIT on or off; ``None`` if neither.

    Args:
        text: The line, from its backslash on.
    """
    words = _ARGUMENT.findall(text)
    found = None
    for at, word in enumerate(words):
        if word in ("\\set", "\\unset") and _bare(words[at + 1 : at + 2]) == "AUTOCOMMIT":
            found = is_on(_value(word[1:], words[at + 1 :]))
    return found


def variable(sql: str, offset: int) -> str | None:
    """Name the variable of psql's at the place of a syntax error, as it is written there."""
    for match in _VARIABLE.finditer(sql):
        if match.start() <= offset <= match.end() and sql[match.start() - 1 : match.start()] != ":":
            return match.group()
    return None


def _command(
    word: str, arguments: list[str], settings: SessionSettings, *, is_first: bool, is_last: bool
) -> Ruling:
    name = word[1:]
    ruling = HARMLESS_COMMAND
    if name in ("c", "connect"):
        ruling = _connect(settings) if is_first or arguments[:1] in ([], ["-"]) else _OTHER_DATABASE
    elif name in ("q", "quit"):
        ruling = HARMLESS_COMMAND if is_last else _END
    elif name == "encoding":
        given = encoding("", [argument.strip("'\"") for argument in arguments[:1]])
        ruling = HARMLESS_COMMAND if given is HARMLESS else given
    elif name == "set" and _bare(arguments[:1]) == "SINGLELINE":
        ruling = _SINGLE_LINE
    elif name in ("set", "unset") and _bare(arguments[:1]) == "AUTOCOMMIT":
        settings.set_autocommit(_value(name, arguments))
        ruling = _AUTOCOMMIT
    elif name in ("set", "unset") and _bare(arguments[:1]) in _ON_ERROR:
        goes_on = _ON_ERROR[_bare(arguments[:1])]
        ruling = GOES_ON if goes_on(_value(name, arguments)) else HARMLESS_COMMAND
    elif name not in _HARMLESS and not _DISPLAY.match(word):
        base = name if name in _STOPS else re.split(r"\W", name, maxsplit=1)[0]
        ruling = Ruling(_STOPS.get(base, _UNKNOWN), is_blocking=True)
    return ruling


def _bare(arguments: Iterable[str]) -> str:
    """Join arguments as psql does for the value of a variable."""
    return "".join(argument.strip("'\"") for argument in arguments)


def _value(command: str, arguments: list[str]) -> str:
    r"""Read the value that ``\set`` or ``\unset`` gives to a variable that is on or off."""
    given = takewhile(lambda argument: not argument.startswith("\\"), arguments[1:])
    return "off" if command == "unset" else (_bare(given).lower() or "on")


def _connect(settings: SessionSettings) -> Ruling:
    settings.reset()
    return Ruling("a cluster has one database: what follows goes into it")


HARMLESS_COMMAND: Final = Ruling("commands of psql that change nothing that is stored")
GOES_ON: Final = Ruling("psql goes on after an error then; a run stops at the first one")
_TRUE: Final = frozenset(("on", "true", "tru", "tr", "t", "yes", "ye", "y", "1"))
_ON_ERROR: Final[dict[str, Callable[[str], bool]]] = {
    "ON_ERROR_STOP": lambda value: value not in _TRUE,
    "ON_ERROR_ROLLBACK": lambda value: value in _TRUE,  # of "interactive", scripts know nothing
}
_OTHER_DATABASE: Final = Ruling(
    "a cluster has one database: send what belongs into each in a call of its own", is_blocking=True
)
_AUTOCOMMIT: Final = Ruling("each step is a transaction of its own")
_END: Final = Ruling("psql stops reading here: remove what follows, or this line", is_blocking=True)
_SINGLE_LINE: Final = Ruling(
    "a line ends each statement then: end them with semicolons, and remove it", is_blocking=True
)
_UNKNOWN: Final = "a command of psql's that is not known here: leave it out if nothing depends on it"
