"""An MCP server for Amazon Aurora DSQL.

The packages, in the order of a call::

    cli             commands; the only reader of the environment
    config/         options, settings, the file of clusters
    target          the cluster that the settings name
    server/         the MCP server: tools, routing, errors as results, audit log
    tools/          the tools: schema, texts and implementation
    guard/          statements that may run, and reasons for those that may not
    sql/            SQL text to values: parser, scripts, identifiers, functions
    dsql/           facts about Aurora DSQL as data
    database/       transactions, connections, errors of one cluster
    aws/            credentials and login tokens
    output/         results as text and as JSON
    catalog/        tables, indexes and jobs of a cluster
    explain/  bulk/  migration/  lint/  documentation/    one subject each
    doctor/         checks of the installation, the credentials and the connection
    installer/      entries in the configuration of MCP clients
    local_cluster/  a cluster on this machine, independent of the server
    errors          the errors that callers see

Imports point from the top of the list down; import-linter holds the rules (``pyproject.toml``).
"""

__version__ = "0.1.0"
