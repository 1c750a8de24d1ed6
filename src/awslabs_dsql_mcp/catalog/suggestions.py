"""Errors that name what was meant: a look into the catalog behind a name that does not exist.

It costs a round trip, and only after a failure, where the model would need one to find out by itself.
"""

import re
from typing import Final

from awslabs_dsql_mcp.catalog import key_sequences, model
from awslabs_dsql_mcp.catalog import queries as catalog_queries
from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE, Table
from awslabs_dsql_mcp.database import error_mapping
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, PermissionDenied, RequestInvalid, StatementFailed
from awslabs_dsql_mcp.sql import dsql_syntax, identifiers
from awslabs_dsql_mcp.sql.identifiers import TableName, qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.text import truncate

_UNKNOWN_TABLE: Final = "42P01"
_UNKNOWN_COLUMN: Final = "42703"
_DENIED: Final = "42501"
_KEY_TAKEN: Final = "23505"
_MAX_TABLES: Final = 3
_MAX_COLUMNS: Final = 12
_MAX_HINT: Final = 190
_MAX_PARSED: Final = 20_000  # characters: the event loop waits meanwhile
# PostgreSQL's messages of 42P01, 42703 and 42501, in English (Aurora DSQL has no other lc_messages).
_RELATION_TEXT: Final = re.compile(r'relation "(.+?)" does not exist')
_COLUMN_TEXT: Final = re.compile(
    r'column (?:"([^"]+)"|(?:\S+\.)?([^\s".]+)) (?:of relation "[^"]+" )?does not exist'
)
_KEY_TEXT: Final = re.compile(r'unique constraint "(.+?)"')
_DENIED_TEXT: Final = re.compile(r"permission denied for (?:table|view) (\S+)")


class SuggestingDatabase:
    """A database whose errors about names say which names there are.

    Args:
        database: What runs the units.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work.

        Raises:
            DsqlError: What the database raises; of an unknown table or column, and of a missing privilege on
                a table, with a hint that names them.
        """
        try:
            return await self._database.run(unit)
        except (StatementFailed, PermissionDenied) as error:
            error.hint = await NameSuggester(self._database).hint(error, unit) or error.hint
            raise


class NameSuggester:
    """Finds in the catalog what an error about a name was about.

    Args:
        database: What runs the look-ups.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hint(self, error: DsqlError, unit: UnitOfWork) -> str | None:
        """Ask the catalog; a failure there must not hide the error itself."""
        if _has_server_hint(error.hint or ""):
            return None
        try:
            if error.sqlstate == _UNKNOWN_TABLE:
                found = await self._tables_like(_missing_relation(error.message))
            elif error.sqlstate == _UNKNOWN_COLUMN:
                found = await self._columns_like(_missing_column(error.message), _mentioned(unit))
            elif error.sqlstate == _KEY_TAKEN:
                return await self._catching_up(error)
            elif error.sqlstate == _DENIED:
                found = await self._whole_grant(error, _mentioned(unit))
            else:
                found = None
        except DsqlError:
            return None
        return truncate(found, _MAX_HINT) if found else None

    async def _ask(self, *queries: Query) -> tuple[Result, ...]:
        return (await self._database.run(UnitOfWork(queries, read_only=True))).results

    async def _tables_like(self, wanted: TableName | None) -> str | None:
        if wanted is None:
            return None
        (known,) = await self._ask(catalog_queries.known_tables())
        return identifiers.suggestion(
            wanted.table, [(str(schema), str(table)) for schema, table in known.rows]
        )

    async def _columns_like(self, wanted: str | None, mentioned: tuple[TableName, ...]) -> str | None:
        if wanted is None or not mentioned:
            return None
        chosen = mentioned[:_MAX_TABLES]
        batches = [catalog_queries.table_queries(name, caches=False) for name in chosen]
        results = await self._ask(*(query for batch in batches for query in batch))
        size = len(batches[0])
        found = [
            table
            for place, name in enumerate(chosen)
            for table in _tables(name, results[place * size : (place + 1) * size])
        ]
        near = [said for table in found if (said := _near_columns(wanted, table))]
        if near:
            return f"Did you mean {', or '.join(near)}?"
        return f"Name a column that is there: {' '.join(map(_all_columns, found))}" if found else None

    async def _catching_up(self, error: DsqlError) -> str | None:
        """Say how a sequence is moved on whose number may be the one that is taken."""
        named = _KEY_TEXT.search(error.message)
        found = key_sequences.parse((await self._ask(key_sequences.of_key(named[1])))[0]) if named else []
        if len(found) != 1:
            return None
        (behind,) = found
        return (
            f"{error.hint or ''} If {behind.column} was left to its sequence, move that on, and insert "
            f"again: {behind.catch_up}"
        ).lstrip()

    async def _whole_grant(self, error: DsqlError, mentioned: tuple[TableName, ...]) -> str:
        """Put the role's name, and the table's schema, into the GRANT that is missing."""
        role, known = await self._ask(Query("SELECT current_user"), catalog_queries.known_tables())
        hint = (error.hint or "").replace(error_mapping.ROLE, quote_identifier(str(role.rows[0][0])))
        table = _denied_relation(error.message)
        schemas = [str(schema) for schema, name in known.rows if name == table]
        chosen = [schema for schema in schemas if TableName(schema, str(table)) in mentioned] or schemas
        if table is None or not chosen:
            return hint
        return hint.replace(f"ON TABLE {table} ", f"ON TABLE {qualified_name(chosen[0], table)} ")


def _mentioned(unit: UnitOfWork) -> tuple[TableName, ...]:
    short = [query.sql for query in unit.queries if len(query.sql) <= _MAX_PARSED]
    named = dict.fromkeys(name for sql in short for name in _tables_in(sql))
    return tuple(name for name in named if name.table != PROGRESS_TABLE)  # the server's own statement


def _has_server_hint(hint: str) -> bool:
    """Tell if PostgreSQL guessed the name; it writes "Vans.Plate", which is no SQL if there are capitals."""
    return hint.startswith("Perhaps you meant") and hint[1:].islower()


def _tables(name: TableName, results: tuple[Result, ...]) -> tuple[Table, ...]:
    try:
        return model.fold_tables(name, results)
    except RequestInvalid:  # a function in FROM, say
        return ()


def _near_columns(wanted: str, table: Table) -> str:
    near = identifiers.closest(wanted, [column.name for column in table.columns], 2)
    return f"{' or '.join(map(quote_identifier, near))} of {table.title}" if near else ""


def _all_columns(table: Table) -> str:
    shown = ", ".join(quote_identifier(column.name) for column in table.columns[:_MAX_COLUMNS])
    return f"{table.title} has {shown}{' …' if table.column_count > _MAX_COLUMNS else ''}."


def _missing_relation(message: str) -> TableName | None:
    """The table that an undefined_table error (42P01) misses."""
    found = _RELATION_TEXT.search(message)
    if found is None:
        return None
    schema, _, table = found.group(1).rpartition(".")
    return TableName(schema or None, table)


def _missing_column(message: str) -> str | None:
    """The column that an undefined_column error (42703) misses."""
    found = _COLUMN_TEXT.search(message)
    return (found.group(1) or found.group(2)) if found else None


def _denied_relation(message: str) -> str | None:
    """The table that an insufficient_privilege error (42501) is about, without its schema."""
    found = _DENIED_TEXT.search(message)
    return found.group(1) if found else None


def _tables_in(sql: str) -> tuple[TableName, ...]:
    """The tables and views that a statement names, in order; none for a text that does not parse."""
    try:
        trees = dsql_syntax.trees(sql)
    except (ParseError, RecursionError):
        return ()
    named: dict[TableName, None] = {}
    for tree in trees:
        own = {place.node.get("ctename") for place in tree.find("CommonTableExpr")}
        for place in tree.find("RangeVar"):
            name = TableName(place.node.get("schemaname"), place.node.get("relname", ""))
            if name.schema or name.table not in own:
                named[name] = None
        relation = tree.root.get("relation", {})  # of INSERT, UPDATE, DELETE: a field, not a node of its own
        if relation.get("relname"):
            named[TableName(relation.get("schemaname"), relation["relname"])] = None
    return tuple(named)
