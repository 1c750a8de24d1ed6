"""Definitions that DDL leaves: those that a plan means, and, by the same reading, those that are stored."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final

from awslabs_dsql_mcp.migration.script.mentions import Name, qualified_name
from awslabs_dsql_mcp.sql.definitions import items, option
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

Column = dict[str, Any]
"""Aspects of a column: ``type``, ``not null``, ``default``, ``generated``, ``identity``, ``collation``."""

_NOTHING: Final[Column] = {"not null": False} | dict.fromkeys(
    ("default", "generated", "identity", "collation")
)

FunctionKey = tuple[Name, tuple[str, ...]]
"""A function's schema and name, and the types of its parameters."""

IDENTITIES: Final = {"a": "ALWAYS", "d": "BY DEFAULT"}
"""Kinds of identity columns, by the letter of the catalog."""

_KEYS: Final = frozenset({"CONSTR_PRIMARY", "CONSTR_UNIQUE"})
_OF_COLUMNS: Final = {"CONSTR_FOREIGN": "fk_attrs"} | dict.fromkeys(_KEYS, "keys")


@dataclass
class Relation:
    """A table, a view or a sequence.

    Attributes:
        kind: ``table``, ``view`` or ``sequence``; empty if it was there before.
        is_whole: It has no constraints and indexes beside those here.
        columns: Its columns, by name: all that a table of a kind has, but those of ``later``.
        later: Names of columns that may be there beside those.
        dropped: Columns and constraints that must not be there.
        constraints: ``Constraint`` nodes with their columns, whichever way they were written.
        indexes: ``IndexStmt`` nodes.
        invalid: Names of indexes that are not valid.
        query: The query of a view.
        names: Names of the view's columns, where it gives them.
        options: Options of a sequence: name and value.
        value: Number that a sequence was set to.
        comments: Comments by column, or that of the relation by the empty name.
        grants: Roles with privileges: true for granted, false for revoked.
        unknown: The reason why its definition is not known; empty if it is.
    """

    kind: str = ""
    is_whole: bool = False
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    later: AbstractSet[str] = frozenset()
    dropped: set[str] = field(default_factory=set[str])
    constraints: list[Node] = field(default_factory=list[Node])
    indexes: list[Node] = field(default_factory=list[Node])
    invalid: Sequence[str] = ()
    query: Node | None = None
    names: Sequence[str] = ()
    options: dict[str, str] = field(default_factory=dict[str, str])
    value: int | None = None
    comments: dict[str, str | None] = field(default_factory=dict[str, str | None])
    grants: dict[tuple[str, str], bool] = field(default_factory=dict[tuple[str, str], bool])
    unknown: str = ""

    def add_column(self, definition: Node) -> None:
        """Add a ``ColumnDef``."""
        name: str = definition["colname"]
        column: Column = _NOTHING | {"type": definition.get("typeName", {})}
        self.columns[name] = column
        self.dropped.discard(name)
        for item in items(definition.get("constraints")):
            self._add_column_constraint(name, column, item["Constraint"])
        if "collClause" in definition:
            column["collation"] = strings(definition["collClause"]["collname"])[-1]

    def _add_column_constraint(self, name: str, column: Column, constraint: Node) -> None:
        kind = constraint["contype"]
        if kind == "CONSTR_NOTNULL":
            column["not null"] = True
        elif kind == "CONSTR_DEFAULT":
            self.set_default(name, constraint["raw_expr"])
        elif kind == "CONSTR_GENERATED":
            column["generated"] = constraint["raw_expr"]
        elif kind == "CONSTR_IDENTITY":
            column |= {"not null": True, "identity": IDENTITIES[constraint["generated_when"]]}
            named = option(constraint.get("options"), "sequence_name")
            column["sequence"] = strings(named["arg"]["List"]["items"])[-1] if named else ""
            column |= {f"identity {key}": value for key, value in sequence_options(constraint).items()}
        elif kind.startswith("CONSTR_ATTR_"):
            if self.constraints:
                self.constraints[-1] = self.constraints[-1] | {kind: True}
        elif kind != "CONSTR_NULL":
            part = _OF_COLUMNS.get(kind)
            own = {part: [{"String": {"sval": name}}]} if part else {}
            self.add_constraint(constraint | own)

    def set_default(self, name: str, value: Node | None) -> None:
        """Set or drop the default of a column; NULL is none."""
        column = self.columns.setdefault(name, {})
        inner = value
        while inner and "TypeCast" in inner:
            inner = inner["TypeCast"]["arg"]
        column["default"] = None if inner and inner.get("A_Const", {}).get("isnull") else value

    def add_constraint(self, constraint: Node) -> None:
        """Add a ``Constraint``; the columns of a primary key are NOT NULL."""
        if constraint["contype"] == "CONSTR_NOTNULL":
            for name in strings(constraint.get("keys")):
                self.columns.setdefault(name, {})["not null"] = True
            return
        if "indexname" in constraint:  # UNIQUE USING INDEX: the index is now the constraint's
            index = next((one for one in self.indexes if one.get("idxname") == constraint["indexname"]), None)
            if index is not None:
                self.indexes.remove(index)
                keys = [
                    {"String": {"sval": one["IndexElem"].get("name", "")}} for one in index["indexParams"]
                ]
                nulls = {"nulls_not_distinct": True} if index.get("nulls_not_distinct") else {}
                constraint = {"conname": constraint["indexname"]} | constraint | nulls | {"keys": keys}
        self.constraints.append(constraint)
        self.dropped.discard(constraint.get("conname", ""))
        if constraint["contype"] == "CONSTR_PRIMARY":
            for name in strings(constraint.get("keys")):
                self.columns.setdefault(name, {})["not null"] = True

    def merge_keys(self) -> None:
        """Make one of keys that are equal, as CREATE TABLE does, the primary key first.

        (PostgreSQL 16 source, ``transformIndexConstraints`` in parse_utilcmd.c.)
        """
        found: dict[tuple[object, ...], Node] = {}
        keys = [one for one in self.constraints if one["contype"] in ("CONSTR_PRIMARY", "CONSTR_UNIQUE")]
        others = [one for one in self.constraints if one not in keys]
        for one in sorted(keys, key=lambda key: key["contype"]):
            columns = (tuple(strings(one.get(part))) for part in ("keys", "including"))
            same = (*columns, one.get("nulls_not_distinct", False), one.get("deferrable", False))
            found[same] = one | found.get(same, {})
        self.constraints = [*found.values(), *others]

    def lasting(self, end: "Relation") -> "Relation":
        """Give what of it is there in each state on the way to a later one."""
        columns = {
            name: {
                aspect: value for aspect, value in column.items() if end.columns[name].get(aspect) == value
            }
            for name, column in self.columns.items()
            if name in end.columns
        }
        return replace(
            self,
            is_whole=False,
            columns=columns,
            later=end.columns.keys() | self.columns.keys(),
            constraints=[one for one in self.constraints if one in end.constraints],
            indexes=[one for one in self.indexes if one in end.indexes],
            query=self.query if self.query == end.query else None,
            options=self.options if self.options == end.options else {},
        )


@dataclass
class Definitions:
    """Definitions that a sequence of statements leaves.

    Attributes:
        relations: Tables, views and sequences, by schema and name.
        functions: ``CreateFunctionStmt`` nodes, by schema, name and types of their parameters.
        domains: ``CreateDomainStmt`` nodes.
        line: Line of the last statement.
        is_stored: They are as the catalog has them, rather than as a script means them.
    """

    relations: dict[Name, Relation] = field(default_factory=dict[Name, Relation])
    functions: dict[FunctionKey, Node] = field(default_factory=dict[FunctionKey, Node])
    domains: dict[Name, Node] = field(default_factory=dict[Name, Node])
    line: int = 0
    is_stored: bool = False

    def lasting(self, end: "Definitions") -> "Definitions":
        """Give what of them is there in each state on the way to a later one."""
        return Definitions(
            {
                name: relation.lasting(end.relations[name])
                for name, relation in self.relations.items()
                if name in end.relations and not end.relations[name].unknown
            },
            domains={name: domain for name, domain in self.domains.items() if name in end.domains},
        )

    def identity_sequences(self) -> set[Name]:
        """Names that PostgreSQL gives the sequences of identity columns."""
        return {
            (schema, column.get("sequence") or f"{table}_{name}_seq")
            for (schema, table), relation in self.relations.items()
            for name, column in relation.columns.items()
            if column.get("identity")
        }

    def relation(self, name: Name) -> Relation:
        """Give a relation, which is added if nothing is known of it."""
        return self.relations.setdefault(name, Relation())


def sequence_options(top: Node) -> dict[str, str]:
    """Read the options of a sequence that have a number, and CYCLE."""
    found: dict[str, str] = {}
    for item in items(top.get("options")):
        option = item["DefElem"]
        value = constant(option.get("arg"))
        if value is not None:
            found[option["defname"]] = value
    return found


def function_key(top: Node) -> FunctionKey:
    """Identify a function by its name and the types of the parameters that a call gives."""
    parameters = [item["FunctionParameter"] for item in items(top.get("parameters"))]
    taken = [one for one in parameters if one.get("mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")]
    types = [strings(one["argType"].get("names"))[-1] for one in taken]
    arrays = ["[]" * bool(one["argType"].get("arrayBounds")) for one in taken]
    return qualified_name(strings(top["funcname"])), tuple(map("".join, zip(types, arrays, strict=True)))
