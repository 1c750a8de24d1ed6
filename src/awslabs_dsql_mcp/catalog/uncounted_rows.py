"""Changes of rows that no command tag counts: actions of foreign keys, functions that change rows.

A tag counts the rows of the table that its statement names (PostgreSQL documentation, "CommandComplete" in
"Message Formats"). Rows that a foreign key's action changes are not in it, nor those that a function
changes, which may be called by its name, like a column (``row.function``), or by a view, a default, a
constraint, an operator or a cast that the statement comes upon.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings
from awslabs_dsql_mcp.sql.statements import calls

# Columns of a view may have other names than those of its tables: a change through one counts as one of all
# columns. A function in SQL can only change rows if its text has one of five words; of other languages any
# volatile function can. A function whose text has the name of such a one, or names with escapes in them, may
# call it, and is taken for one as well.
_UNCOUNTED: Final = """
WITH RECURSIVE changed AS (
  SELECT to_regclass(c.name)::oid AS relation, c.deletes, c.updates, c.columns
  FROM json_to_recordset($1::json) AS c(name text, deletes boolean, updates boolean, columns text[])
  UNION
  SELECT d.refobjid, c.deletes, c.updates, NULL
  FROM changed c JOIN pg_rewrite r ON r.ev_class = c.relation
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.relation
), functions AS (
  SELECT p.oid, p.proname,
         coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS body, p.provolatile, l.lanname
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'sys') AND l.lanname NOT IN ('internal', 'c')
), changing AS (
  SELECT oid, proname FROM functions WHERE provolatile = 'v'
    AND (lanname <> 'sql' OR body ~* '\\m(insert|update|delete|merge|truncate)\\M')
  UNION
  SELECT f.oid, f.proname FROM functions f JOIN changing c
    ON strpos(lower(f.body), lower(replace(c.proname, '"', '""'))) > 0 OR f.body ~* 'u&"'
)
SELECT 'foreign key', f.conrelid::regclass::text || '.' || quote_ident(f.conname)
FROM pg_constraint f
WHERE f.contype = 'f' AND EXISTS (
  SELECT FROM changed c
  WHERE c.relation = f.confrelid AND (
    c.deletes AND f.confdeltype IN ('c', 'n', 'd')
    OR c.updates AND f.confupdtype IN ('c', 'n', 'd') AND (c.columns IS NULL OR EXISTS (
      SELECT FROM pg_attribute a
      WHERE a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey) AND a.attname = ANY (c.columns)))))
UNION ALL
SELECT 'function', c.oid::regprocedure::text FROM changing c
WHERE c.proname = ANY ($2::text[]) OR EXISTS (
  SELECT FROM pg_depend d
  WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = c.oid AND d.classid <> 'pg_proc'::regclass)
ORDER BY 1, 2 LIMIT 4"""


def uncounted_rows_query(trees: Iterable[Tree]) -> Query:
    """Query for the kinds and names of some that may change rows uncounted; without a row, nothing does.

    Args:
        trees: The statements' trees.
    """
    trees = list(trees)
    changes = [change for tree in trees for change in _changes(tree)]
    names = sorted({name for tree in trees for name in _names(tree)})
    return Query(_UNCOUNTED, (json.dumps(changes), names))


def _changes(tree: Tree) -> Iterator[dict[str, object]]:
    for kind in ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
        for place in tree.find(kind):
            updating: Node | None = place.node if kind == "UpdateStmt" else place.node.get("onConflictClause")
            yield {
                "name": _table(place.node["relation"]),
                "deletes": kind in ("DeleteStmt", "MergeStmt"),
                "updates": kind == "MergeStmt" or updating is not None,
                "columns": None if kind == "MergeStmt" else _columns(updating or {}),
            }


def _columns(updating: Node) -> list[str]:
    return [target["ResTarget"]["name"] for target in updating.get("targetList", ())]


def _table(relation: Node) -> str:
    name: str = relation["relname"]
    schema: str | None = relation.get("schemaname")
    return qualified_name(schema, name) if schema else quote_identifier(name)


def _names(tree: Tree) -> Iterator[str]:
    """Find the names by which a statement may call a function."""
    for name, _, _ in calls(tree):
        yield name[-1]
    for place in tree.find("ColumnRef"):
        yield from strings(place.node.get("fields"))[1:]
