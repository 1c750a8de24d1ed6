"""``awslabs-dsql-mcp doctor``: checks of everything that the server needs, with cause and remedy of failures.

::

    checks/   the checks, each a function of the context
    context   settings, environment, and results of earlier checks
    runner    order, prerequisites and duration of the checks
    report    results
    format    results as lines, and as JSON
    cli       the command
"""
