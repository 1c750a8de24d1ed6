"""Names that PostgreSQL chooses for indexes, constraints and sequences that are given none.

(PostgreSQL 16 source: ``makeObjectName``, ``ChooseIndexName`` and ``ChooseIndexColumnNames`` in indexcmds.c,
``FigureColname`` in parse_target.c, ``ChooseForeignKeyConstraintNameAddition`` in tablecmds.c.)
"""

from collections.abc import Container, Iterable
from itertools import count
from typing import Final

from awslabs_dsql_mcp.dsql.limits import MAX_IDENTIFIER_BYTES
from awslabs_dsql_mcp.migration.script.mentions import mentions
from awslabs_dsql_mcp.sql.definitions import column_constraints, table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_NAMED_EXPRESSIONS: Final = {
    "CoalesceExpr": "coalesce",
    "A_ArrayExpr": "array",
    "RowExpr": "row",
    "CaseExpr": "case",
    "XmlSerialize": "xmlserialize",
}


def index_name(table: str, columns: Iterable[str], label: str, taken: Container[str]) -> str:
    """Choose the name of an index or of the constraint that it stands for.

    Args:
        table: Name of the table, without its schema.
        columns: Names as `index_columns` gives them.
        label: ``idx``; ``key`` of a unique constraint; ``pkey``, which takes no columns.
        taken: Names of relations that are there.
    """
    return choose(table, _joined(columns), label, taken)


def choose(first: str, second: str, label: str, taken: Container[str]) -> str:
    """Choose the first name of a row, ``label``, ``label1``, ``label2``, that is not taken."""
    for attempt in count():
        name = _object_name(first, second, label + (str(attempt) if attempt else ""))
        if name not in taken:
            return name
    raise AssertionError


def index_columns(elements: Iterable[Node]) -> list[str]:
    """Name the columns of an index, those of INCLUDE too, each once.

    Args:
        elements: ``IndexElem`` nodes.
    """
    found: list[str] = []
    for element in elements:
        own = element.get("name") or expression_name(element.get("expr", {})) or "expr"
        name = own
        for attempt in count(1):
            if name not in found:
                break
            name = _clipped(own, MAX_IDENTIFIER_BYTES - len(str(attempt))) + str(attempt)
        found.append(name)
    return found


def constraint_name(table: str, constraint: Node, taken: Container[str], column: str = "") -> str:
    """Choose the name of a CHECK or foreign key.

    Args:
        table: Name of the table, without its schema.
        constraint: The ``Constraint`` node.
        taken: Names of constraints that its schema has.
        column: The column that a foreign key is written with.
    """
    if constraint["contype"] == "CONSTR_FOREIGN":
        return index_name(table, strings(constraint.get("fk_attrs")) or [column], "fkey", taken)
    columns = mentions(constraint.get("raw_expr")).columns
    return choose(table, next(iter(columns)) if len(columns) == 1 else "", "check", taken)


def constraint_names(table: str, top: Node, left_out: Container[int], reserved: Iterable[str]) -> set[str]:
    """Collect the names of the CHECKs and foreign keys that a ``CreateStmt`` makes.

    Args:
        table: Name of the table, without its schema.
        top: The statement.
        left_out: Identities of constraints that do not count.
        reserved: Names of constraints of other tables of its schema.
    """
    return {name for _, name in named_constraints(table, top, left_out, reserved)}


def named_constraints(
    table: str, top: Node, left_out: Container[int], reserved: Iterable[str]
) -> list[tuple[Node, str]]:
    """List the constraints of a ``CreateStmt`` with their names, those without that are given one included.

    Args:
        table: Name of the table, without its schema.
        top: The statement.
        left_out: Identities of constraints that do not count.
        reserved: Names of constraints of other tables of its schema.
    """
    found: list[tuple[Node, str]] = []
    taken = set(reserved)
    owned = [
        (constraint, column["colname"])
        for column in table_elements(top, "ColumnDef")
        for constraint in column_constraints(column)
    ]
    for constraint, column in (
        *owned,
        *((constraint, "") for constraint in table_elements(top, "Constraint")),
    ):
        if id(constraint) in left_out:
            continue
        name = constraint.get("conname")
        if name is None and constraint["contype"] in ("CONSTR_CHECK", "CONSTR_FOREIGN"):
            name = constraint_name(table, constraint, taken, column)
        if name is not None:
            found.append((constraint, name))
            taken.add(name)
    return found


def _joined(columns: Iterable[str]) -> str:
    text = ""
    for column in columns:
        text = f"{text}_{column}" if text else column
        if len(text.encode()) > MAX_IDENTIFIER_BYTES:
            break
    return text


def _object_name(first: str, second: str, label: str) -> str:
    room = MAX_IDENTIFIER_BYTES - len(label) - 1 - (1 if second else 0)
    sizes = [len(first.encode()), len(second.encode())]
    while sum(sizes) > room:
        sizes[0 if sizes[0] > sizes[1] else 1] -= 1
    parts = (_clipped(first, sizes[0]), _clipped(second, sizes[1]), label)
    return "_".join(part for part in parts if part)


def _clipped(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def expression_name(node: Node) -> str | None:  # noqa: PLR0911 - the cases of FigureColname
    """Name the column that an expression makes; ``None`` if it has no name of its own."""
    ((kind, fields),) = node.items() if len(node) == 1 else (("", node),)
    if kind == "ColumnRef":
        return next(reversed(strings(fields.get("fields"))), None)
    if kind == "FuncCall":
        return strings(fields.get("funcname"))[-1]
    if kind == "TypeCast":
        return expression_name(fields["arg"]) or strings(fields["typeName"].get("names"))[-1]
    if kind == "CollateClause":
        return expression_name(fields["arg"])
    if kind == "MinMaxExpr":
        return "least" if fields.get("op") == "IS_LEAST" else "greatest"
    if kind == "A_Expr" and fields.get("kind") == "AEXPR_NULLIF":
        return "nullif"
    if kind == "A_Indirection":
        names = strings([item for item in fields.get("indirection", ()) if "String" in item])
        return names[-1] if names else expression_name(fields["arg"])
    if kind == "CaseExpr" and "defresult" in fields and (found := expression_name(fields["defresult"])):
        return found
    return _NAMED_EXPRESSIONS.get(kind)
