"""Settings of a script's session.

Each step is a transaction of its own on a session that others use too. So a setting that decides what a
text means is no step: it goes into the transactions of all steps that follow, as SET LOCAL, until the script
resets it (PostgreSQL documentation, SET). A setting that changes nothing there is left out; any other stops
the script.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.dsql import settings
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_STRINGS: Final = "standard_conforming_strings"
_BODIES: Final = "check_function_bodies"
_REPLICATION: Final = "session_replication_role"
_TRUE: Final = frozenset(("on", "true", "tru", "tr", "t", "yes", "ye", "y", "1"))
_FALSE: Final = frozenset(("off", "of", "false", "fals", "fal", "fa", "f", "no", "n", "0"))
_ENGLISH: Final = frozenset(("c", "posix", "en_us", "en_us.utf8", "en_us.utf-8", "c.utf8", "c.utf-8"))
_AS_BY_DEFAULT: Final = {"extra_float_digits": frozenset(("1", "2", "3"))}
_SEARCHED: Final = frozenset(("", "public", "pg_catalog", "$user", "pg_temp"))
_NAME_IN_LIST: Final = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",\s]*))\s*(?:,|\Z)')


@dataclass(frozen=True)
class Ruling:
    """What becomes of a setting.

    Attributes:
        why: The reason, and what to do instead.
        needs_review: Somebody has to do something about it.
        is_blocking: The rest must not run without it.
    """

    why: str
    needs_review: bool = False
    is_blocking: bool = False


HARMLESS: Final = Ruling("settings that change nothing that is stored")
BYTEA_AS_ESCAPES: Final = Ruling(
    "bytea cast to text is hexadecimal: write encode(…, 'escape') where it is cast", needs_review=True
)
FOREIGN_KEYS: Final = Ruling(
    "foreign keys are checked here: the rows must come in an order that fits them", needs_review=True
)
_NO_EFFECT: Final = Ruling(
    "outside of BEGIN … COMMIT it holds for nothing in psql, and for all that follows in tools that run a "
    "script in one transaction: write SET without LOCAL, or remove it",
    is_blocking=True,
)
_NOT_CONSTANT: Final = Ruling("its value is known at run time only: write it as a constant", is_blocking=True)


@dataclass
class SessionSettings:
    """Settings that decide how texts are read and written, as they stand at a place in a script.

    Attributes:
        session: Those of the session: for a name, the statement that sets it in a transaction.
        local: Those of the script's transaction; ``None`` for the default.
        in_block: The place is between BEGIN and COMMIT, or where psql begins a transaction by itself.
        is_open: A transaction has begun there.
        autocommit: A statement that stands alone is committed; psql's variable AUTOCOMMIT.
        switched: Settings of the session, by name, that are not the default and take something away.
        switched_in_block: The same for the script's transaction, where that differs from the session.
    """

    session: dict[str, str] = field(default_factory=dict[str, str])
    local: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    in_block: bool = False
    is_open: bool = False
    autocommit: bool = True
    switched: dict[str, bool] = field(default_factory=dict[str, bool])
    switched_in_block: dict[str, bool] = field(default_factory=dict[str, bool])

    @property
    def checks_bodies(self) -> bool:
        """PostgreSQL checks the bodies of functions here."""
        return not (self.switched | self.switched_in_block).get(_BODIES, False)

    @property
    def is_replica(self) -> bool:
        """Neither triggers nor rules act here (PostgreSQL documentation, session_replication_role)."""
        return (self.switched | self.switched_in_block).get(_REPLICATION, False)

    @property
    def statements(self) -> tuple[str, ...]:
        """Statements that a step's transaction begins with."""
        return tuple(text for text in (self.session | self.local).values() if text)

    def begin(self) -> None:
        """Enter a transaction."""
        self.in_block = self.is_open = True

    def run(self) -> None:
        """Take a statement that is about no transaction: psql may begin one with it."""
        self.is_open = self.in_block

    def end(self) -> None:
        """Leave a transaction: what was set for it alone ends."""
        self.in_block, self.is_open = not self.autocommit, False
        self.local.clear()
        self.switched_in_block.clear()

    def set_autocommit(self, value: str) -> None:
        """Take a value of psql's variable AUTOCOMMIT."""
        self.autocommit = is_on(value)
        self.in_block = self.is_open or not self.autocommit

    def reset(self) -> Ruling:
        """Take RESET ALL or DISCARD ALL."""
        self.session.clear()
        self.local.clear()
        self.switched.clear()
        self.switched_in_block.clear()
        return Ruling("all settings are the defaults again from here on")

    def change(self, top: Node) -> Ruling:
        """Take a ``VariableSetStmt``."""
        kind = str(top.get("kind", ""))
        if kind == "VAR_RESET_ALL":
            return self.reset()
        if kind == "VAR_SET_MULTI":
            return Ruling("each step is a transaction of its own, REPEATABLE READ")
        name = str(top.get("name", "")).lower()
        if "DEFAULT" in kind or "RESET" in kind:
            return self._set(name, None, (), is_local=bool(top.get("is_local")))
        if kind != "VAR_SET_VALUE":
            return _NOT_CONSTANT
        carried = top | {"name": name, "is_local": True}
        values = [constant(argument) for argument in top.get("args", ())]
        return self._set(
            name,
            lambda: deparse.deparse("VariableSetStmt", carried),
            values,
            is_local=bool(top.get("is_local")),
        )

    def configure(self, arguments: Sequence[Node]) -> Ruling:
        """Take the arguments of set_config."""
        given = [constant(argument.get("TypeCast", {}).get("arg") or argument) for argument in arguments]
        if len(given) != 3 or None in (given[0], given[2]):  # noqa: PLR2004 - name, value, is_local
            return _NOT_CONSTANT
        name, value, is_local = given
        name = str(name).lower()
        if value is None:
            return (
                _NOT_CONSTANT
                if "isnull" not in arguments[1].get("A_Const", {})
                else self._set(name, None, ())
            )
        quoted = f"SET LOCAL {name} TO {deparse.literal(value)}"
        values = _listed(value) if name == "search_path" else [value]
        return self._set(name, lambda: quoted, values, is_local=str(is_local).lower() in _TRUE)

    def _set(
        self,
        name: str,
        carried: Callable[[], str] | None,
        values: Sequence[str | None],
        *,
        is_local: bool = False,
    ) -> Ruling:
        if name in _SWITCHES:
            is_on = bool(values) and _all(values, _SWITCHES[name])
            if is_local:
                self.switched_in_block[name] = is_on
            else:
                self.switched[name] = is_on
                self.switched_in_block.pop(name, None)
        if name not in settings.TEXT:
            ruling = _HARMLESS_VALUES.get(name, _other)(name, values)
            is_reset = ruling is HARMLESS and not values and not settings.is_harmless(name)
            return Ruling(f"{name} is the default again from here on") if is_reset else ruling
        if is_local and not self.in_block:
            return _NO_EFFECT
        text = carried() if carried and not _all(values, _AS_BY_DEFAULT.get(name, frozenset())) else None
        if is_local:
            self.local[name] = text
        else:
            self.local.pop(name, None)
            if text is None:
                self.session.pop(name, None)
            else:
                self.session[name] = text
        how = "is set in the transaction of each step" if text else "is the default again"
        return Ruling(f"{name} {how} from here on")


def session_calls(top: Node) -> list[Sequence[Node]] | None:
    """Read a SELECT that only calls set_config: the arguments of each call; ``None`` for any other."""
    targets = [item["ResTarget"].get("val", {}) for item in top.get("targetList", ())]
    called: list[Node] = [value.get("FuncCall", {}) for value in targets]
    if not called or any(strings(call.get("funcname"))[-1:] != ["set_config"] for call in called):
        return None
    return None if {"fromClause", "whereClause", "withClause"} & top.keys() else [c["args"] for c in called]


def is_on(value: str) -> bool:
    """Read a boolean of psql's as its variable AUTOCOMMIT has it."""
    return value.lower() not in _FALSE


def _listed(value: str) -> list[str]:
    names = (match.groups() for match in _NAME_IN_LIST.finditer(value.strip()) if match.group())
    return [(quoted or "").replace('""', '"') if plain is None else plain for quoted, plain in names]


def _other(name: str, _values: Sequence[str | None]) -> Ruling:
    if settings.is_harmless(name):
        return HARMLESS
    return Ruling(
        f"Aurora DSQL cannot set {name}, and whether the script needs it is not known: remove it if what is "
        "stored does not depend on it",
        is_blocking=True,
    )


def _search_path(_name: str, schemas: Sequence[str | None]) -> Ruling:
    if set(schemas) <= _SEARCHED:
        return Ruling("names without a schema are in public")
    return Ruling("qualify names with their schema instead", is_blocking=True)


def _strings(_name: str, values: Sequence[str | None]) -> Ruling:
    if not values or _all(values, _TRUE):
        return HARMLESS
    if _all(values, _FALSE):
        return Ruling("backslashes in literals are escapes from here on: the steps have those as E'…'")
    return _NOT_CONSTANT


def encoding(_name: str, values: Sequence[str | None]) -> Ruling:
    """Decide about the encoding that a script says it is in."""
    known = ("utf8", "unicode", "sqlascii", "default")
    if all(re.sub(r"[^a-z0-9]", "", (value or "").lower()) in known for value in values):
        return HARMLESS
    return Ruling(
        f"the script is text here, no longer {values[0]}: check that its letters beyond ASCII are right",
        needs_review=True,
    )


def _formats(_name: str, values: Sequence[str | None]) -> Ruling:
    if _all(values, _ENGLISH):
        return HARMLESS
    return Ruling("to_char writes English names of days and months, and a decimal point", needs_review=True)


def _only(wanted: Iterable[str], otherwise: Ruling) -> Callable[[str, Sequence[str | None]], Ruling]:
    allowed = frozenset(wanted)
    return lambda _name, values: HARMLESS if _all(values, allowed) else otherwise


def _all(values: Sequence[str | None], allowed: frozenset[str]) -> bool:
    return all(value is not None and value.lower() in allowed for value in values)


_SWITCHES: Final = {_BODIES: _FALSE, _REPLICATION: frozenset(("replica",))}
_OWNER: Final = _only((), Ruling("who runs this owns what it makes"))
_HARMLESS_VALUES: Final[dict[str, Callable[[str, Sequence[str | None]], Ruling]]] = {
    "search_path": _search_path,
    _STRINGS: _strings,
    "client_encoding": encoding,
    "role": _OWNER,
    "session_authorization": _OWNER,
    _REPLICATION: _only(("origin", "local"), FOREIGN_KEYS),
    "array_nulls": _only(_TRUE, Ruling('write NULL in arrays as "NULL", and remove it', is_blocking=True)),
    "transform_null_equals": _only(
        _FALSE, Ruling("write IS NULL in place of = NULL, and remove it", is_blocking=True)
    ),
    "bytea_output": _only(("hex",), BYTEA_AS_ESCAPES),
    "lc_time": _formats,
    "lc_numeric": _formats,
    "lc_monetary": _only(
        _ENGLISH,
        Ruling("write amounts of money as plain numbers, and remove it", is_blocking=True),
    ),
    "timezone_abbreviations": _only(
        ("default",), Ruling("write time zones by their names or offsets, and remove it", is_blocking=True)
    ),
    "backslash_quote": _only(
        (*_TRUE, "safe_encoding"), Ruling("it makes the script fail at \\'; remove it", is_blocking=True)
    ),
}
