"""Write sql/function_catalog.py from the catalog of a PostgreSQL 16 server.

::

    python tests/support/regenerate_functions.py "host=/run/postgresql dbname=postgres"

Aurora DSQL is PostgreSQL 16 to its clients, so that release's own catalog is the source; the server must be
freshly initialised (an extension's functions would look like PostgreSQL's). A test compares the file with
the catalog of the embedded server.
"""

import sys
import textwrap
from pathlib import Path

import psycopg

TABLE = Path(__file__).parents[2] / "src" / "awslabs_dsql_mcp" / "sql" / "function_catalog.py"

# A type's name is a function too: int4('1') is a cast, and runs the type's own conversion.
SIDE_EFFECT_FREE = """
select proname from pg_proc
where pronamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
group by proname having bool_and(provolatile <> 'v')
union
select typname from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype <> 'c' and typelem = 0
  and typname not in (select proname from pg_proc where provolatile = 'v')
"""
VOLATILE = """
select distinct proname from pg_proc
where pronamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and provolatile = 'v'
"""
OPERATORS = "select distinct oprname from pg_operator where oprnamespace = 'pg_catalog'::regnamespace"

HEADER = '''"""The functions and operators of PostgreSQL 16; `sql/functions.py` says what they do.

Written by tests/support/regenerate_functions.py: do not edit.
"""

from typing import Final

'''


def render(connection: psycopg.Connection) -> str:
    """The text of sql/function_catalog.py for this server's catalog."""
    return HEADER + "\n".join(
        f'{name}: Final = """\n{_names(connection, query)}\n"""\n"""{meaning}"""\n'
        for name, query, meaning in (
            (
                "SIDE_EFFECT_FREE",
                SIDE_EFFECT_FREE,
                "Immutable or stable in every overload, and names of types.",
            ),
            ("VOLATILE", VOLATILE, "Volatile in at least one overload."),
            ("OPERATORS", OPERATORS, "Names in pg_operator."),
        )
    )


def _names(connection: psycopg.Connection, query: str) -> str:
    names = sorted(str(name) for (name,) in connection.execute(query.encode()))
    return textwrap.fill(" ".join(names), width=108, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], autocommit=True) as server:
        TABLE.write_text(render(server))
