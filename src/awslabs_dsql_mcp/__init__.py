"""An MCP server for Amazon Aurora DSQL.

The packages, from the top down; imports point down, as import-linter checks::

    cli             the commands; the only reader of the environment and of command lines
    viewer/         ``view``: a query editor in the browser, made of the tools and their views
    server/         the MCP server: its contents, the boundary of calls, errors as results, routing, audit
    doctor/         ``doctor``: checks of all that the server needs
    installer/      ``install``: the server's entry in the configuration files of MCP clients
    clusters_command  ``clusters``: what AWS tells of clusters, for people and scripts
    cluster_changes_command/  ``clusters create`` and its kind: a person's changes of clusters
    roles_command   ``roles``: database roles, and the script that makes one
    demo            ``demo``: every tool on a local cluster
    tools/          the tools: what an agent can ask for
    views/          what a person sees of an answer: HTML pages, for clients that show them
    target          the cluster that the settings name, real or local, and its AWS account
    diagnosis/      findings about a cluster and its conflicts, each with its next step
    clusters/       clusters as AWS's APIs tell of them: state, peers, backup, usage, cost
    explain/        query plans: findings, index advice
    export/         results written to files
    lint/           dsql-lint and the server's own rules
    migration/      PostgreSQL scripts rewritten for Aurora DSQL, and applied in steps
    bulk/           large writes in batches that can be resumed; the record of jobs
    catalog/        the database catalog: queries, model, text, suggestions for errors
    output/         results as text and as structured content
    guard/          may this statement run? pure
    database/       one cluster: transactions, connections, errors
    local_cluster/  a cluster on this machine; it stands alone
    sql/            SQL text to values; the only package that parses
    documentation/  the documentation service, and the guide for when it cannot be reached
    aws/            AWS credentials, login tokens and calls of AWS's APIs
    dsql/           facts about Aurora DSQL as data
    files/          directories that the operator allows
    config/         options, environment and files of clusters to frozen settings
    errors          the errors that callers see
    large_work      garbage collection that waits while large texts are read
    json_reader     JSON of megabytes, in small steps and within limits
    json_text       JSON with the digits of its numbers
    command_error   how a command reports an error
    option_parser   command-line options, read the same way by each command
    logging_setup   logging to standard error
    daemon_thread   work that may hang, on threads that the end of the process does not wait for
    terminal        colours and progress on a terminal
    text            text made to fit

A call goes from `server.app` to its tool in `tools/`; `guard` judges its statements; `database.transaction`
decides each step and `database.executor` carries it out; `output` formats what came back.
"""

__version__ = "0.1.0"
