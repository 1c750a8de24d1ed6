"""Effects on rows that PostgreSQL has and a cluster has not: left-out defaults, triggers and rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from awslabs_dsql_mcp.migration.script.mentions import Name, object_name, qualified_name, relation_name
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_TRIGGER_EVENTS: Final = {"INSERT": 1 << 2, "DELETE": 1 << 3, "UPDATE": 1 << 4}
"""Bits of the events of a trigger (PostgreSQL 16 source, pg_trigger.h)."""
_OBJECTS: Final = {"OBJECT_TRIGGER": "trigger", "OBJECT_RULE": "rule"}
_SWITCHES: Final = {
    "Trig": ("trigger", False),
    "TrigAll": ("trigger", True),
    "TrigUser": ("trigger", True),
    "Rule": ("rule", False),
}
_ON_DELETE: Final = {"c": "DELETE", "n": "UPDATE", "d": "UPDATE"}
_ON_UPDATE: Final = {"c": "UPDATE", "n": "UPDATE", "d": "UPDATE"}


@dataclass
class Action:
    """A trigger or a rule that is left out.

    Attributes:
        line: The line of its statement.
        events: Kinds of changes of rows that it acts on.
        columns: Those that an UPDATE has to be of; none for all.
        is_enabled: It is not disabled.
    """

    line: int
    events: frozenset[str]
    columns: frozenset[str] = frozenset()
    is_enabled: bool = True


class Cascade(NamedTuple):
    """A foreign key that changes the rows that refer to another.

    Attributes:
        table: The table that refers.
        on_delete: The kind of that change where the other row is deleted; empty for none.
        on_update: The same where its key is changed.
        key: The columns that are referred to; none if they are not given.
    """

    table: Name
    on_delete: str
    on_update: str
    key: frozenset[str]


@dataclass
class LostEffects:
    """The effects, as they stand at a place in a script.

    Attributes:
        defaults: For a table, the columns whose DEFAULT is left out, each with its line.
        domains: The same for domains.
        actions: For a table, its triggers and rules by kind and name.
        cascades: For a table, the foreign keys that refer to it and change rows.
        views: For a view of one table, that table.
        bodies: For the name of a function of the script, its bodies.
    """

    defaults: dict[Name, dict[str, int]] = field(default_factory=dict[Name, dict[str, int]])
    domains: dict[Name, int] = field(default_factory=dict[Name, int])
    actions: dict[Name, dict[tuple[str, str], Action]] = field(
        default_factory=dict[Name, dict[tuple[str, str], Action]]
    )
    cascades: dict[Name, list[Cascade]] = field(default_factory=dict[Name, list[Cascade]])
    views: dict[Name, Name] = field(default_factory=dict[Name, Name])
    bodies: dict[str, list[object]] = field(default_factory=dict[str, list[object]])

    def __bool__(self) -> bool:
        """There are effects that a change of rows may lack."""
        return any(self.defaults.values()) or any(self.actions.values())

    def add_trigger(self, top: Node, line: int) -> None:
        """Add a ``CreateTrigStmt``."""
        given = int(top.get("events", 0))
        events = frozenset(name for name, bit in _TRIGGER_EVENTS.items() if given & bit)
        action = Action(line, events, frozenset(strings(top.get("columns"))))
        self._of(relation_name(top["relation"]))["trigger", top["trigname"]] = action

    def add_rule(self, top: Node, line: int) -> None:
        """Add a ``RuleStmt``."""
        events = frozenset((top["event"].removeprefix("CMD_"),))
        self._of(relation_name(top["relation"]))["rule", top["rulename"]] = Action(line, events)

    def add_cascade(self, table: Name, constraint: Node) -> None:
        """Add a foreign key, if it changes rows."""
        on_delete = _ON_DELETE.get(constraint.get("fk_del_action", ""), "")
        on_update = _ON_UPDATE.get(constraint.get("fk_upd_action", ""), "")
        if on_delete or on_update:
            key = frozenset(strings(constraint.get("pk_attrs")))
            cascade = Cascade(table, on_delete, on_update, key)
            self.cascades.setdefault(relation_name(constraint["pktable"]), []).append(cascade)

    def add_view(self, view: Name, query: Node) -> None:
        """Add a view, if it is of one table."""
        sources: list[Node] = query.get("SelectStmt", {}).get("fromClause", [])
        self.views.pop(view, None)
        if len(sources) == 1 and "RangeVar" in sources[0]:
            self.views[view] = relation_name(sources[0]["RangeVar"])

    def switch(self, table: Name, command: Node) -> None:
        """Take ENABLE and DISABLE of triggers and rules."""
        form = str(command["subtype"]).removeprefix("AT_")
        is_on = form.startswith("Enable")
        form = form.removeprefix("Enable" if is_on else "Disable")
        form = form.removeprefix("Always").removeprefix("Replica")
        kind, every = _SWITCHES.get(form, ("", False))
        for (own, name), action in self.actions.get(table, {}).items():
            if own == kind and (every or name == command.get("name")):
                action.is_enabled = is_on

    def drop(self, kind: str, named: Node) -> None:
        """Take DROP of a trigger, a rule, a table or a view."""
        parts = object_name(named)
        if kind in _OBJECTS:
            self.actions.get(qualified_name(parts[:-1]), {}).pop((_OBJECTS[kind], parts[-1]), None)
        elif kind in ("OBJECT_TABLE", "OBJECT_VIEW") and parts:
            name = qualified_name(parts)
            for known in self._by_name():
                known.pop(name, None)

    def rename(self, kind: str, top: Node) -> None:
        """Take RENAME of a trigger, a rule or a column."""
        table, old, new = relation_name(top["relation"]), top.get("subname", ""), top["newname"]
        own = self.actions.get(table, {})
        if kind == "OBJECT_COLUMN":
            changed = self.defaults.get(table, {})
            if old in changed:
                changed[new] = changed.pop(old)
            for action in own.values():
                action.columns = frozenset(new if name == old else name for name in action.columns)
        elif (key := (_OBJECTS.get(kind, ""), old)) in own:
            own[key[0], new] = own.pop(key)

    def move(self, old: Name, new: Name) -> None:
        """Take another name of a table or a view."""
        for known in self._by_name():
            if old in known:
                known[new] = known.pop(old)
        for view, table in self.views.items():
            self.views[view] = new if table == old else table
        for found in self.cascades.values():
            found[:] = [one._replace(table=new) if one.table == old else one for one in found]

    def base(self, name: Name) -> Iterator[Name]:
        """Iterate over a view, and the view or table that its rows are of, down to the table."""
        seen: set[Name] = set()
        while name not in seen:
            seen.add(name)
            yield name
            name = self.views.get(name, name)

    def acting(self, table: Name, event: str, columns: frozenset[str], *, by_copy: bool) -> str | None:
        """Name a trigger or rule that acts on a change of a table's rows, with its line.

        Args:
            table: The table, or a view.
            event: The kind of the change.
            columns: Those that an UPDATE is of; none if that is unknown.
            by_copy: COPY adds the rows, which knows no rules (PostgreSQL documentation, COPY).
        """
        waiting = [(name, event, columns) for name in self.base(table)]
        for name, kind, changed in waiting:
            for (noun, own), action in self.actions.get(name, {}).items():
                is_of = not action.columns or not changed or not action.columns.isdisjoint(changed)
                acts = action.is_enabled and kind in action.events and not (by_copy and noun == "rule")
                if acts and (kind != "UPDATE" or is_of):
                    return f"the {noun} {own} of line {action.line}"
            for cascade in self.cascades.get(name, ()):
                then = (
                    cascade.on_delete if kind == "DELETE" else cascade.on_update if kind == "UPDATE" else ""
                )
                is_of = not cascade.key or not changed or not cascade.key.isdisjoint(changed)
                item = (cascade.table, then, frozenset[str]())
                if then and (kind == "DELETE" or is_of) and item not in waiting:
                    waiting.append(item)
        return None

    def _by_name(self) -> tuple[dict[Name, Any], ...]:
        return self.defaults, self.actions, self.cascades, self.views

    def _of(self, table: Name) -> dict[tuple[str, str], Action]:
        return self.actions.setdefault(table, {})
