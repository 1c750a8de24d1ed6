"""``awslabs-dsql-mcp install``: the server's entry in the configuration of an MCP client.

::

    command     arguments in, words and status out
    clients     the table: who keeps which entry in which file, under which key
    launch      how a client starts the server: flags checked by the server's own settings
    machine     where a platform keeps its configuration files
    merging     what has to change in a file, as edits; pure
    formats/    edits carried out in JSON with comments, TOML and YAML; pure, the rest stays as it is
    difference  a change shown without anybody's secrets
    files       the only one that reads and writes files
    links       one-click installation; examples: the files of ``config-examples/``
"""
