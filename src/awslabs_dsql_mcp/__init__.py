"""An MCP server for Amazon Aurora DSQL.

The way of a call, and where each part lives::

    cli        argv and environment → Settings; builds everything, closes everything
    settings   the table of options
    server     the MCP surface: tools, annotations, the one error boundary
    tools/     what an agent can ask for
    core/      what is true, without I/O: statements, guard, transactions, results
    adapters/  what touches the world, one library a file: psycopg, boto3, httpx
    local/     a cluster on this machine, reached as a real one is
    errors     what a caller is told when something failed

Imports point one way: cli → server → tools → core → errors, and cli → adapters → core.
"""

__version__ = "0.1.0"
