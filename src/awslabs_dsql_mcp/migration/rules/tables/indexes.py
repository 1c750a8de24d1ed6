"""CREATE INDEX for Aurora DSQL: ASYNC, a b-tree, with the name that PostgreSQL would give it.

The name is written since a job is followed by it. (AWS: Aurora DSQL user guide, CREATE INDEX.)
"""

from collections.abc import Iterable, Iterator
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.clauses import INDEX_CLAUSES, INDEX_METHOD
from awslabs_dsql_mcp.dsql.types import TYPES
from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.expressions import obstacle, unknown_function
from awslabs_dsql_mcp.migration.rules.operations import differences
from awslabs_dsql_mcp.migration.rules.tables.constraints import folded_key
from awslabs_dsql_mcp.migration.rules.tables.create_table import has_room
from awslabs_dsql_mcp.migration.script.mentions import Name, mentions, relation_name
from awslabs_dsql_mcp.migration.values.stored import is_json
from awslabs_dsql_mcp.sql.definitions import builtin_type
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_METHODS: Final = frozenset(("btree", "hash", INDEX_METHOD))
"""Access methods that a b-tree serves as well."""
_EITHER_WAY: Final = "an index is read either way, its NULLs where they were"
_MIXED: Final = (
    "an index is read one way for all its columns, so a query that orders by some upwards and by others "
    "downwards sorts its rows"
)


def create_index(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE INDEX over."""
    top, table = draft.top, relation_name(draft.top["relation"])
    method = top.pop("accessMethod", "btree")
    lost = "uniqueness is lost: " if top.get("unique") else ""
    parted = conversion.survey.partitions
    if table in parted.roots:
        own = bool(lost) and (table[0], top.get("idxname", "")) not in parted.attached
        conversion.skip(draft, f"{lost if own else ''}an index of a partition, which is left out", human=own)
    elif table in conversion.views:
        conversion.skip(draft, "an index of a materialized view, which is a plain view", human=bool(lost))
    elif method not in _METHODS:
        conversion.skip(draft, f"USING {method}: Aurora DSQL's indexes are b-trees", human=True)
    elif top.get("if_not_exists") and top.get("idxname") in conversion.taken(table[0]):
        conversion.skip(draft, "IF NOT EXISTS: the script has made it already")
    elif (why := _refusal(conversion, draft, table)) is not None:
        conversion.skip(draft, f"{lost}{why}", human=True)
    else:
        if method == "hash":
            draft.notes.append("USING hash left out: it is a b-tree")
        _append(conversion, draft, table)


def _append(conversion: Conversion, draft: ConvertedStatement, table: Name) -> None:
    top = draft.top
    draft.changed("CREATE INDEX ASYNC: built by a job")
    top["relation"]["inh"] = True
    top.pop("concurrent", None)
    for clause in (row for field, row in INDEX_CLAUSES.items() if top.pop(field, None) is not None):
        draft.notes.append(f"{clause.spelled} left out")
    draft.notes += unknown_function(conversion, [top.get("indexParams"), top.get("whereClause")])
    ways = {item["IndexElem"].get("ordering") == "SORTBY_DESC" for item in top.get("indexParams", ())}
    for element in _elements(top):
        _plain_element(draft, element, _MIXED if len(ways) > 1 else _EITHER_WAY)
    if top.get("unique"):
        draft.notes += folded_key(conversion, table, [item.get("name", "") for item in _elements(top)])
    taken = conversion.taken(table[0])
    if "idxname" not in top:
        top["idxname"] = names.index_name(table[1], names.index_columns(_elements(top)), "idx", taken)
    taken.add(top["idxname"])
    if (made := conversion.tables.get(table)) is not None:
        made.indexes += 1
        named = {element["name"] for element in _elements(top) if "name" in element}
        made.relations[top["idxname"]] = named | set(mentions(top.get("indexParams")).columns)
    conversion.statements.append(draft)


def _elements(top: Node) -> Iterator[Node]:
    return (item["IndexElem"] for item in (*top.get("indexParams", ()), *top.get("indexIncludingParams", ())))


def _plain_element(draft: ConvertedStatement, element: Node, direction: str) -> None:
    """Take the order away; where the NULLs are, read backwards, stays as it was."""
    if (ordering := element.get("ordering")) in ("SORTBY_ASC", "SORTBY_DESC"):
        element["ordering"] = "SORTBY_DEFAULT"
        if ordering == "SORTBY_DESC":
            nulls = element.get("nulls_ordering", "SORTBY_NULLS_DEFAULT")
            last = nulls == "SORTBY_NULLS_LAST"
            element["nulls_ordering"] = "SORTBY_NULLS_FIRST" if last else "SORTBY_NULLS_DEFAULT"
            draft.changed(f"ASC and DESC left out: {direction}")
    for name, note in (("opclass", "operator class left out"), ("collation", "COLLATE left out")):
        if element.pop(name, None) is not None:
            draft.changed(note)
    element.pop("opclassopts", None)


def _refusal(conversion: Conversion, draft: ConvertedStatement, table: Name) -> str | None:
    """Say why Aurora DSQL cannot have an index."""
    top = draft.top
    if (line := conversion.survey.lacking.relations.get(table)) is not None:
        return f"it is of {table[1]} of line {line}, which is left out"
    expressions = [top.get("indexParams"), top.get("whereClause")]
    if why := obstacle(conversion, expressions, [table]) or _other(conversion, expressions, table):
        return why
    if (count := len(top.get("indexParams", ()))) > limits.MAX_KEY_COLUMNS:
        return f"an index has at most {limits.MAX_KEY_COLUMNS} columns, and this one {count}"
    made = conversion.tables.get(table)
    if made is None:
        return None
    if not has_room(made):
        return f"a table has at most {limits.MAX_INDEXES} indexes"
    return refused_key(conversion, table, [item["IndexElem"].get("name", "") for item in top["indexParams"]])


def _other(conversion: Conversion, expressions: object, table: Name) -> str | None:
    """Say which operation of an index gives other values or other rows."""
    changed = differences(conversion, "", expressions, [table])
    return next((f"{one.clause}: write it for that" for one in changed if not one.is_form), None)


def refused_key(conversion: Conversion, table: Name, columns: Iterable[str]) -> str | None:
    """Say which column of a table no index can have in its key; an empty name stands for an expression."""
    made = conversion.tables.get(table)
    for name in columns if made else ():
        column = made.column(name) if made else None
        row = builtin_type(column["typeName"]) if column and "typeName" in column else None
        if row is None and (typed := conversion.source.column(table, name)) is not None:
            row = TYPES.get("jsonb" if is_json(typed) else typed.name)
        if row is not None and not row.key and (column is not None or row.stored):
            return f"{name} is of type {row.displayed}, which no index can have in its key"
    return None


def index_of(conversion: Conversion, name: str) -> ConvertedStatement | None:
    """Find the CREATE INDEX of the script that makes an index."""
    made = (draft for draft in conversion.statements if draft.kind == "IndexStmt")
    return next((draft for draft in made if draft.top.get("idxname") == name), None)


def unique_index(
    conversion: Conversion, table: Name, relation: Node, constraint: Node, line: int
) -> ConvertedStatement:
    """Make the CREATE UNIQUE INDEX that a unique constraint is added with; name both."""
    keys, included = strings(constraint.get("keys")), strings(constraint.get("including"))
    taken = conversion.taken(table[0])
    name = constraint.get("conname") or names.index_name(table[1], [*keys, *included], "key", taken)
    constraint["conname"] = name
    taken.add(name)
    top: Node = {
        "idxname": name,
        "relation": relation | {"inh": True},
        "indexParams": [{"IndexElem": {"name": key}} for key in keys],
        "unique": True,
    }
    if included:
        top["indexIncludingParams"] = [{"IndexElem": {"name": column}} for column in included]
    if constraint.get("nulls_not_distinct"):
        top["nulls_not_distinct"] = True
    return ConvertedStatement("IndexStmt", top, line, None, [f"UNIQUE: first its index {name}, by a job"])
