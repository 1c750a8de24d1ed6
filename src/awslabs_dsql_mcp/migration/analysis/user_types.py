"""Types that a script makes, and what replaces them: of types of one's own, Aurora DSQL has domains."""

from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import Mentions, Name, qualified_name
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

COLLATED: Final = "collated"
"""Stands for the type of a text whose collation is not deterministic: its equality is not that of bytes."""

LABEL: Final = "varchar(63)"
"""The type of an enum's labels, which have at most 63 bytes (PostgreSQL documentation, "Enumerated")."""


@dataclass(frozen=True)
class TypeReplacement:
    """The type of a column or a domain, and the one instead.

    Attributes:
        was: Its name in ``pg_type``, or as written; ``[]`` for an array, ``enum`` for an enum, ``composite``
            for a row type, ``collated`` for a text of a non-deterministic collation.
        now: The type instead, as SQL.
        ordered: Values still compare as they did.
    """

    was: str
    now: str
    ordered: bool = False

    @property
    def former(self) -> str:
        """What the column was, for the reader."""
        kinds = {"[]": "an array", "enum": "an enum", "composite": "of a composite type"}
        kinds[COLLATED] = "of a non-deterministic collation"
        return kinds.get(self.was, f"of type {self.was}")

    @property
    def folds(self) -> bool:
        """Values that differ in their bytes were equal."""
        return self.was in ("citext", COLLATED)


@dataclass
class UserTypes:
    """The types that a script has made up to some place.

    Attributes:
        enums: Their labels, in order.
        composites: The names of row types.
        collations: The names of collations that are not deterministic.
        domains: For a domain, the change of the type that it is over; ``None`` if that stays.
        used: Enums that a table, a domain or a function has been made of.
        checks: For an enum, the CHECKs that let its labels through, each with the value that it is about.
    """

    enums: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    composites: set[Name] = field(default_factory=set[Name])
    collations: set[Name] = field(default_factory=set[Name])
    domains: dict[Name, "TypeReplacement | None"] = field(
        default_factory=dict[Name, "TypeReplacement | None"]
    )
    used: set[Name] = field(default_factory=set[Name])
    checks: dict[Name, list[tuple[Node, str]]] = field(default_factory=dict[Name, list[tuple[Node, str]]])

    def rename(self, old: Name, new: Name) -> bool:
        """Rename a type that is not carried over.

        Returns:
            Whether there is one of that name.
        """
        if old in self.enums:
            self.checks[new] = self.checks.pop(old, [])
            self.enums[new] = self.enums.pop(old)
            self.used.discard(old)
        elif old in self.composites:
            self.composites.remove(old)
            self.composites.add(new)
        else:
            return False
        return True

    def enum_check(self, enum: Name, value: str) -> Node:
        """Make the CHECK that lets only an enum's labels through.

        Args:
            enum: The enum.
            value: The value as SQL: a column, or ``VALUE``.
        """
        self.used.add(enum)
        check = self._check(enum, value)
        self.checks.setdefault(enum, []).append((check["Constraint"], value))
        return check

    def is_own(self, constraint: Node) -> bool:
        """Say if a CHECK is one that lets an enum's labels through."""
        return any(constraint is check for checks in self.checks.values() for check, _ in checks)

    def renew_checks(self, enum: Name) -> None:
        """Let the CHECKs of an enum take the labels that it has now: an earlier row has none that is new."""
        for constraint, value in self.checks.get(enum, ()):
            constraint["raw_expr"] = self._check(enum, value)["Constraint"]["raw_expr"]

    def _check(self, enum: Name, value: str) -> Node:
        labels = ", ".join(map(deparse.literal, self.enums[enum]))
        return deparse.constraint(f"CHECK ({value} IN ({labels}))")

    def column_check(self, enum: Name, column: str) -> Node:
        """Make the CHECK of a column that was of an enum."""
        return self.enum_check(enum, quote_identifier(column))

    def order_kept(self, enum: Name) -> bool:
        """Say if an enum's labels sort by byte as they are declared."""
        labels = [label.encode() for label in self.enums[enum]]
        return labels == sorted(labels)

    def replace_enums(self, found: Mentions, own: set[int]) -> set[Name]:
        """Make each mention of an enum one of varchar, those of columns left out.

        Args:
            found: What a statement mentions.
            own: Identities of the nodes that are the types of columns.

        Returns:
            The enums.
        """
        replaced: set[Name] = set()
        typed = [node for node in found.types if id(node) not in own and self._enum(node) is not None]
        for node in typed:
            replaced.add(qualified_name(strings(node["names"])))
            arrayed, set_of = node.get("arrayBounds"), node.get("setof")
            node.update(deparse.type_name("varchar"))
            node.update({"arrayBounds": arrayed} if arrayed else {}, **({"setof": set_of} if set_of else {}))
        self.used |= replaced
        return replaced

    def _enum(self, node: Node) -> Name | None:
        name = qualified_name(strings(node.get("names")))
        return name if name in self.enums else None
