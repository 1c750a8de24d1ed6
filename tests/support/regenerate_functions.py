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

# A type's name is a function too: int4('1') is a cast, and runs the type's own conversion. A variadic
# parameter takes any number of arguments, of the 100 that a call has at most.
FUNCTIONS = """
with called as (
  select proname as name, provolatile = 'v' as volatile,
    pronargs - pronargdefaults - (provariadic <> 0)::int as fewest,
    case when provariadic <> 0 then 100 else pronargs end as most
  from pg_proc where pronamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    and not starts_with(proname, '_dsql_')
  union all
  select typname, false, 1, 1 from pg_type
  where typnamespace = 'pg_catalog'::regnamespace and typtype <> 'c' and typelem = 0
)
select name || ':' || min(fewest) || case when max(most) > min(fewest) then '-' || max(most) else '' end
from called group by name having
"""
SIDE_EFFECT_FREE = f"{FUNCTIONS} not bool_or(volatile)"
VOLATILE = f"{FUNCTIONS} bool_or(volatile)"
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
                "Immutable or stable in every overload, and names of types; the arguments of each.",
            ),
            ("VOLATILE", VOLATILE, "Volatile in at least one overload; the arguments of each."),
            ("OPERATORS", OPERATORS, "Names in pg_operator."),
        )
    )


def _names(connection: psycopg.Connection, query: str) -> str:
    names = sorted(str(name) for (name,) in connection.execute(query.encode()))
    return textwrap.fill(" ".join(names), width=108, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], autocommit=True) as server:
        TABLE.write_text(render(server))
