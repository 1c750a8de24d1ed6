"""An MCP server for Amazon Aurora DSQL.

The way of a call, and where each part lives::

    cli        the commands; the only reader of the environment
    settings   the table of options; arguments and readers turn text into it
    doctor/    checks what the server needs, and names cause and remedy of what fails
    targets    the cluster that the settings name
    clusters   what the server works on: the cluster of its flags, or those of a file
    serving    puts together what is offered, and serves it
    services   builds what lives as long as the server, closes it at the end
    server     every tool behind one boundary, where errors become answers
    surface/   what clients see: names, texts, hints, schemas
    tools/     what an agent can ask for
    core/      what is true, without I/O: statements, guard, transactions, results
    adapters/  what touches the world, one library a file: psycopg, boto3, httpx
    local/     a cluster on this machine, reached as a real one is
    guide/     pages about Aurora DSQL, for when its documentation cannot be reached
    errors     what a caller is told when something failed

Imports point one way: cli → serving → services → server → surface → tools → core → errors, and
services → adapters → core.
"""

__version__ = "0.1.0"
