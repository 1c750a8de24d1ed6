"""``awslabs-dsql-mcp install``: the server's entry in the configuration of an MCP client.

::

    cli             the command
    clients         the table of clients: files, keys, entries
    chooser         the clients of this machine, and the question for one
    client_environment  what each client hands on of its environment
    launch          the command line with which a client starts the server
    source          where uv installs the server from
    uv_tool         uv, which keeps the server as a tool
    started         the server as a client starts it, for ``doctor --as``
    platform_paths  configuration directories of the platforms
    merge           edits of a file, as values
    formats/        edits applied to JSON with comments, TOML and YAML; the rest is unchanged
    redacted_diff   diffs without secrets
    files           reading and writing of files
    deeplinks       links for one-click installation
    examples        the files of ``config-examples/``
"""
