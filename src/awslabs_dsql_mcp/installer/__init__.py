"""``awslabs-dsql-mcp install``: the server's entry in the configuration of an MCP client.

::

    cli             the command
    clients         the table of clients: files, keys, entries
    launch          the command line with which a client starts the server
    platform_paths  configuration directories of the platforms
    merge           edits of a file, as values
    formats/        edits applied to JSON with comments, TOML and YAML; the rest is unchanged
    redacted_diff   diffs without secrets
    files           reading and writing of files
    deeplinks       links for one-click installation
    examples        the files of ``config-examples/``
"""
