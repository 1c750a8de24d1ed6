"""Queries of the system catalogs; `model` builds tables from their results.

They use only tables and functions of pg_catalog that Aurora DSQL has (user guide, "Systems tables"), except
for pg_sequence, which has the cache size of identity columns: that query is last and can be omitted.
"""

from typing import Final

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import TableName

_NOT_SYSTEM: Final = "n.nspname NOT IN ('information_schema', 'sys') AND n.nspname NOT LIKE 'pg\\_%'"
_RELATIONS: Final = (
    "SELECT c.oid, c.relnamespace, n.nspname, c.relname, c.relkind, c.reltuples"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND "
)
# A schema that the caller names may be a system schema.
_NAMED: Final = (
    _RELATIONS + f"c.relname = $2 AND (n.nspname = $1::text OR ($1::text IS NULL AND {_NOT_SYSTEM}))"
)
_PAGE: Final = (
    _RELATIONS
    + f"{_NOT_SYSTEM} AND (n.nspname, c.relname) > ($1::name, $2::name) ORDER BY 3, 4 LIMIT $3::int"
)

_HEADS: Final = """
SELECT w.oid, w.nspname, w.relname, w.relkind, w.reltuples::bigint, d.description,
       (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped),
       (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {users} AND (n.nspname, c.relname) > ({after}))
FROM w LEFT JOIN pg_description d
  ON d.objoid = w.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
ORDER BY 2, 3"""

_BODIES: Final = """
SELECT w.oid, CASE WHEN w.relkind IN ('v', 'm') THEN pg_get_viewdef(w.oid) END, current_user,
       concat_ws(' ', CASE WHEN has_schema_privilege(w.relnamespace, 'USAGE') THEN 'USAGE' END,
                 CASE WHEN has_table_privilege(w.oid, 'SELECT') THEN 'SELECT' END,
                 CASE WHEN has_table_privilege(w.oid, 'INSERT') THEN 'INSERT' END,
                 CASE WHEN has_table_privilege(w.oid, 'UPDATE') THEN 'UPDATE' END,
                 CASE WHEN has_table_privilege(w.oid, 'DELETE') THEN 'DELETE' END)
FROM w"""

_COLUMNS: Final = """
SELECT w.oid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(e.adbin, e.adrelid),
       a.attidentity, a.attgenerated, c.collname, d.description
FROM w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
LEFT JOIN pg_collation c ON c.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_description d
  ON d.objoid = w.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
ORDER BY w.oid, a.attnum"""

# Column names are joined by a line feed, which names rarely contain.
_CONSTRAINTS: Final = """
SELECT w.oid, k.conrelid = w.oid, k.conname, k.contype, pg_get_constraintdef(k.oid), n.nspname, c.relname,
       (SELECT string_agg(a.attname::text, E'\\n' ORDER BY array_position(k.conkey, a.attnum))
        FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
       tn.nspname, t.relname
FROM w JOIN pg_constraint k ON k.conrelid = w.oid OR k.confrelid = w.oid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = k.confrelid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
ORDER BY array_position(ARRAY['p', 'u', 'f', 'c'], k.contype::text), n.nspname, c.relname, k.conname"""

_INDEXES: Final = """
SELECT w.oid, i.oid, i.relname, x.indisunique, x.indisprimary, x.indisvalid, pg_get_indexdef(i.oid)
FROM w JOIN pg_index x ON x.indrelid = w.oid JOIN pg_class i ON i.oid = x.indexrelid
ORDER BY i.relname"""

_NEIGHBOURS: Final = f"""
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_NOT_SYSTEM}"""  # noqa: S608 - built from constants

_CACHES: Final = """
SELECT w.oid, a.attname, s.seqcache
FROM w JOIN pg_depend d ON d.refobjid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
  AND d.classid = 'pg_class'::regclass
JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum = d.refobjsubid AND a.attidentity <> ''
JOIN pg_sequence s ON s.seqrelid = d.objid"""

_JOBS: Final = """
SELECT j.object_id, j.object_name, j.job_id, j.status, j.details
FROM sys.jobs j WHERE j.job_type = 'INDEX_BUILD' ORDER BY j.start_time NULLS FIRST"""


def known_tables() -> Query:
    """Query for schema and name of every table and view outside of the system schemas."""
    return Query(f"{_NEIGHBOURS} ORDER BY 1, 2 LIMIT 1000")


def page_queries(after: TableName | None, limit: int, *, full: int) -> tuple[Query, ...]:
    """Queries for the tables after a name.

    Args:
        after: The last table of the previous page.
        limit: Maximum number of tables.
        full: Number of tables, from the first, with full details; the others get those for a line of a list.
    """
    schema, table = (after.schema or "", after.table) if after else ("", "")
    heads = _HEADS.format(users=_NOT_SYSTEM, after="$1::name, $2::name")
    details = (_BODIES, _COLUMNS, _CONSTRAINTS, _INDEXES) if full else ()
    return (
        Query(f"WITH w AS ({_PAGE}) {heads}", (schema, table, limit)),
        *(Query(f"WITH w AS ({_PAGE}) {part}", (schema, table, min(full, limit))) for part in details),
    )


def table_queries(name: TableName, *, caches: bool) -> tuple[Query, ...]:
    """Queries for full details of the tables of a name, and for all names if there is none.

    Args:
        name: The name.
        caches: Include the CACHE of identity columns, which not every server has.
    """
    params = (name.schema, name.table)
    heads = _HEADS.format(users="false", after="'', ''")
    parts = (heads, _BODIES, _COLUMNS, _CONSTRAINTS, _INDEXES, *((_CACHES,) if caches else ()))
    others = f"{_NEIGHBOURS} AND NOT EXISTS (SELECT FROM w) ORDER BY 1, 2 LIMIT 1000"
    return tuple(Query(f"WITH w AS ({_NAMED}) {part}", params) for part in (others, *parts))


def index_jobs_query() -> Query:
    """Query for the jobs that build indexes, the latest last."""
    return Query(_JOBS)
