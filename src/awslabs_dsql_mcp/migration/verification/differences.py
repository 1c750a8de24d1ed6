"""Differences between definitions that a plan means and those that are stored.

What the script does not say of a table that it does not make is not asked about; a table that it makes has
nothing beside what the script gives it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from awslabs_dsql_mcp.migration.script.mentions import nested
from awslabs_dsql_mcp.migration.verification.definition_texts import (
    MAX_SHOWN,
    expression_text,
    part_text,
    shown,
    type_text,
)
from awslabs_dsql_mcp.migration.verification.definitions import Column, Relation
from awslabs_dsql_mcp.migration.verification.expressions import VERBATIM, same
from awslabs_dsql_mcp.sql.definitions import column_constraints, items, option
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings
from awslabs_dsql_mcp.text import one_line

_EXPRESSIONS: Final = ("default", "generated")
_TEXTS: Final = ("identity", "collation")
_MAX_BIGINT: Final = str(2**63 - 1)
_FOREIGN: Final = ("fk_attrs", "pk_attrs", "fk_upd_action", "fk_del_action", "fk_matchtype")


@dataclass(frozen=True)
class Difference:
    """A difference, or what cannot be told to be one.

    Attributes:
        text: Where, what is stored, and what was meant.
        is_certain: It is a difference.
    """

    text: str
    is_certain: bool = True


def relation_differences(meant: Relation, stored: Relation) -> Iterator[Difference]:
    """Compare a table, view or sequence with the stored one of its name."""
    if meant.kind and meant.kind != stored.kind:
        yield Difference(f"is a {stored.kind}, was meant as a {meant.kind}")
        return
    if meant.unknown or stored.unknown:
        yield Difference(meant.unknown or stored.unknown, is_certain=False)
        return
    if meant.query is not None and stored.query is not None:
        yield from _of_query(meant, stored)
    if meant.kind != "view":
        yield from _of_columns(meant, stored)
        yield from _of_parts("constraint", meant, stored)
        yield from _of_parts("index", meant, stored)
    yield from _of_comments(meant, stored)


def invalid_indexes(meant: Relation, stored: Relation) -> Iterator[Difference]:
    """Find indexes of a table that queries do not use."""
    if meant.indexes or meant.is_whole:
        yield from (Difference(f"index {name} is not valid") for name in stored.invalid)


def _of_query(meant: Relation, stored: Relation) -> Iterator[Difference]:
    found = same(_with_names(meant.query, meant.names), stored.query)
    if found is True:
        return
    one, other = _leaves(meant.query), _leaves(stored.query)
    is_certain = one.names != other.names or not other.texts <= one.texts | one.values
    is_certain |= not other.values and not one.texts <= other.texts
    text = f"is the view {shown('SelectStmt', stored.query)}, was meant as {shown('SelectStmt', meant.query)}"
    yield Difference(text, is_certain=is_certain)


def _with_names(query: Any, names: Sequence[str]) -> Any:  # noqa: ANN401 - a parse tree
    """Give the output columns of a query the names that CREATE VIEW lists."""
    select: Node = query.get("SelectStmt", {})
    targets = items(select.get("targetList"))
    if not names or not targets:
        return query
    named = [
        {"ResTarget": one["ResTarget"] | ({"name": names[at]} if at < len(names) else {})}
        for at, one in enumerate(targets)
    ]
    return {"SelectStmt": select | {"targetList": named}}


@dataclass(frozen=True)
class _Leaves:
    """Parts of a query without parts of their own.

    Attributes:
        names: Tables and functions, which PostgreSQL prints as they are.
        texts: Constants that it prints as they are, where they are no values of such types.
        values: Constants of types whose values it prints anew, such as dates and intervals.
    """

    names: set[str]
    texts: set[str]
    values: set[str]


def _leaves(node: Any) -> _Leaves:  # noqa: ANN401 - a parse tree
    names: set[str] = set()
    texts: set[str] = set()
    values: set[str] = set()
    for inner in nested(node):
        if "relname" in inner:
            names.add(inner["relname"])
        if "funcname" in inner:
            names.add(strings(inner["funcname"])[-1])
        if "sval" in inner.get("A_Const", {}):
            texts.add(repr(constant(inner)))
        if "sval" in inner.get("TypeCast", {}).get("arg", {}).get("A_Const", {}):
            cast: Node = inner["TypeCast"]
            if strings(cast["typeName"].get("names"))[-1] not in VERBATIM:
                values.add(repr(constant(cast["arg"])))
    return _Leaves(names, texts - values, values)


def _of_columns(meant: Relation, stored: Relation) -> Iterator[Difference]:
    for name, column in meant.columns.items():
        there = stored.columns.get(name)
        if there is None:
            yield Difference(f"column {name} is not there")
            continue
        yield from _of_column(name, column, there)
    for name in sorted(meant.dropped & stored.columns.keys()):
        yield Difference(f"column {name} is still there")
    if meant.kind:
        for name in sorted(stored.columns.keys() - meant.columns.keys() - meant.dropped - meant.later):
            yield Difference(f"column {name} is there, and is not in the script")


def _of_column(name: str, meant: Column, stored: Column) -> Iterator[Difference]:
    if "type" in meant and not same({"TypeName": meant["type"]}, {"TypeName": stored["type"]}):
        one, other = (type_text(column["type"]) for column in (stored, meant))
        yield Difference(f"column {name} is {one}, was meant as {other}")
    if "not null" in meant and meant["not null"] != stored["not null"]:
        state = "NOT NULL" if stored["not null"] else "without NOT NULL"
        yield Difference(f"column {name} is {state}, unlike the script")
    for aspect in _EXPRESSIONS:
        if aspect in meant:
            yield from _of_expression(f"{aspect} of column {name}", meant.get(aspect), stored.get(aspect))
    for aspect in _TEXTS:
        if aspect in meant and meant.get(aspect) != stored.get(aspect):
            one, other = stored.get(aspect) or "none", meant.get(aspect) or "none"
            yield Difference(f"{aspect} of column {name} is {one}, was meant as {other}")
    for aspect in (one for one in meant if one.startswith("identity ") and one in stored):
        if meant[aspect] != stored[aspect]:
            yield Difference(f"{aspect} of column {name} is {stored[aspect]}, was meant as {meant[aspect]}")


def _of_expression(where: str, meant: Node | None, stored: Node | None) -> Iterator[Difference]:
    found = same(meant, stored)
    if found is not True:
        text = f"{where} is {expression_text(stored)}, was meant as {expression_text(meant)}"
        yield Difference(text, is_certain=found is False)


def _of_parts(noun: str, table: Relation, stored_table: Relation) -> Iterator[Difference]:
    """Compare constraints or indexes: by name, or by definition where the script gives no name."""
    name_of = _NAMES[noun]
    is_index = noun == "index"
    left = list(stored_table.indexes if is_index else stored_table.constraints)
    for one in sorted(table.indexes if is_index else table.constraints, key=lambda part: name_of not in part):
        name = one.get(name_of)
        if name is not None:
            found = next((part for part in left if part.get(name_of) == name), None)
            equal = found is not None and _same_part(noun, one, found)
        else:
            judged = [(part, _same_part(noun, one, part)) for part in left]
            found, equal = next(
                (pair for wanted in (True, None) for pair in judged if pair[1] is wanted), (None, False)
            )
        if found is None:
            yield Difference(f"{noun} {name or part_text(noun, one)} is not there as the script has it")
            continue
        left.remove(found)
        if equal is not True:
            text = f"{noun} {name or ''} is {part_text(noun, found)}, was meant as {part_text(noun, one)}"
            yield Difference(text, is_certain=equal is False)
    if table.is_whole:
        for part in left:
            text = f"{noun} {part.get(name_of)} is there, and is not in the script: {part_text(noun, part)}"
            yield Difference(text)
    for part in left if not table.is_whole else ():
        if part.get(name_of) in table.dropped:
            yield Difference(f"{noun} {part.get(name_of)} is still there")


_NAMES: Final = {"constraint": "conname", "index": "idxname"}


def _same_part(noun: str, meant: Node, stored: Node) -> bool | None:
    if "pktable" in meant and not meant.get("pk_attrs"):  # those of the primary key
        stored = {key: value for key, value in stored.items() if key != "pk_attrs"}
    return same(*(_form(noun, part) for part in (meant, stored)))


def _form(noun: str, part: Node) -> Node:
    """Choose what makes a constraint or an index what it is, with what is left out filled in."""
    if noun == "constraint":
        form = {
            "kind": part["contype"],
            "keys": part.get("keys", []),
            "check": part.get("raw_expr"),
            "valid": not part.get("skip_validation"),
            "nulls": bool(part.get("nulls_not_distinct")),
        }
        if part["contype"] == "CONSTR_FOREIGN":
            form |= {key: part.get(key) for key in _FOREIGN}
            form["table"] = {"RangeVar": part["pktable"]}
        return form
    return {
        "table": {"RangeVar": part["relation"]},
        "unique": bool(part.get("unique")),
        "nulls": bool(part.get("nulls_not_distinct")),
        "where": part.get("whereClause"),
        "include": [one["IndexElem"].get("name") for one in items(part.get("indexIncludingParams"))],
        "keys": [_key(one["IndexElem"]) for one in part["indexParams"]],
    }


def _key(element: Node) -> Node:
    descending = element.get("ordering") == "SORTBY_DESC"
    nulls = element.get("nulls_ordering", "SORTBY_NULLS_DEFAULT")
    first = descending if nulls == "SORTBY_NULLS_DEFAULT" else nulls == "SORTBY_NULLS_FIRST"
    expression = element.get("expr") or {"ColumnRef": {"fields": [{"String": {"sval": element["name"]}}]}}
    return {"expr": expression, "descending": descending, "nulls_first": first}


def _of_comments(meant: Relation, stored: Relation) -> Iterator[Difference]:
    for column, comment in meant.comments.items():
        there = stored.comments.get(column)
        if there != comment:
            where = f"comment of column {column}" if column else "comment"
            one, other = (one_line(repr(text), MAX_SHOWN) if text else "none" for text in (there, comment))
            yield Difference(f"{where} is {one}, was meant as {other}")


def sequence_differences(
    meant: dict[str, str], value: int | None, stored: dict[str, str], last: int | None
) -> Iterator[Difference]:
    """Compare the options of a sequence, and the number that it has reached, which may be larger."""
    wanted = {"increment": "1", "cycle": "f"} | meant if meant else {}
    if meant and int(wanted["increment"]) > 0:
        wanted.setdefault("start", meant.get("minvalue", "1"))
        wanted.setdefault("minvalue", "1")
        wanted.setdefault("maxvalue", _MAX_BIGINT)
    for name, number in wanted.items():
        if name in stored and stored[name] != number:
            yield Difference(f"{name} is {stored[name]}, was meant as {number}")
    if value is not None and last is not None:
        up = int(stored.get("increment", "1")) > 0
        if last < value if up else last > value:
            yield Difference(f"it stands at {last:,}, was set to {value:,}")


def function_differences(meant: Node, stored: Node) -> Iterator[Difference]:
    """Compare a function's parameters, result, body and options."""
    if not same({"TypeName": _result(meant)}, {"TypeName": _result(stored)}):
        yield Difference("its result has another type")
    for name in ("language", "volatility", "strict", "security"):
        one, other = (
            constant((option(top.get("options"), name) or {}).get("arg")) or "" for top in (meant, stored)
        )
        if one.lower() != other.lower() and {one, other} != {"", "volatile"}:
            yield Difference(f"its {name} is {other or 'not given'}, was meant as {one or 'not given'}")
    bodies = [_body(top) for top in (meant, stored)]
    if None in bodies:
        found = same(meant.get("sql_body"), stored.get("sql_body"))
        if found is not True:
            yield Difference("its body is printed otherwise than the script has it", is_certain=False)
    elif bodies[0] != bodies[1]:
        yield Difference("its body is another")


def _result(function: Node) -> Node:
    """Give the type of a result; where RETURNS is left out, it follows from the OUT parameters."""
    if "returnType" in function:
        return function["returnType"] | {"typmods": []}  # which PostgreSQL leaves out there
    parameters: list[Node] = [item["FunctionParameter"] for item in function.get("parameters", ())]
    given = [
        one["argType"] for one in parameters if one.get("mode") in ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT")
    ]
    return given[0] | {"typmods": []} if len(given) == 1 else {"names": [{"String": {"sval": "record"}}]}


def _body(top: Node) -> str | None:
    given = option(top.get("options"), "as")
    return None if given is None else "".join(strings(given["arg"]["List"]["items"]))


def domain_differences(meant: Node, stored: Node) -> Iterator[Difference]:
    """Compare a domain's type, default and constraints."""
    if not same({"TypeName": meant["typeName"]}, {"TypeName": stored["typeName"]}):
        one, other = (type_text(top["typeName"]) for top in (stored, meant))
        yield Difference(f"is {one}, was meant as {other}")
    parts = [
        {
            kind: [one["raw_expr"] for one in column_constraints(top) if one["contype"] == f"CONSTR_{kind}"]
            for kind in ("DEFAULT", "CHECK")
        }
        | {"NOTNULL": any(one["contype"] == "CONSTR_NOTNULL" for one in column_constraints(top))}
        for top in (meant, stored)
    ]
    for kind, name in (("NOTNULL", "NOT NULL"), ("DEFAULT", "default"), ("CHECK", "checks")):
        found = same(*(part[kind] for part in parts))
        if found is not True:
            yield Difference(f"its {name} is not as the script has it", is_certain=found is False)
