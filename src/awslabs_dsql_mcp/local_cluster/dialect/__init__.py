"""Aurora DSQL's dialect as a function of text: what a cluster accepts, and how PostgreSQL 16 runs it.

::

    translate     a text's statements → what PostgreSQL is to run, and what the session must know of each
    statements    supported statements, and the rule of each
    tables, column_types, indexes, objects, settings, queries    those rules
    refusal_sql   a refusal as SQL that fails with it, and back

No module does I/O. A message is Aurora DSQL's, as recorded on clusters from July to October 2026
where there is a record; the rules say where there is none.
"""

from awslabs_dsql_mcp.local_cluster.dialect.model import (
    OWN_PREFIX,
    Explanation,
    StatementKind,
    TableName,
    TranslatedStatement,
)
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import Refusal, raise_sql, refusal_in
from awslabs_dsql_mcp.local_cluster.dialect.translate import translate

__all__ = [
    "OWN_PREFIX",
    "Explanation",
    "Refusal",
    "StatementKind",
    "TableName",
    "TranslatedStatement",
    "raise_sql",
    "refusal_in",
    "translate",
]
