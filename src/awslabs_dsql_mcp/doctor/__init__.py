"""``awslabs-dsql-mcp doctor``: what the server needs, checked in order; for what fails, cause and remedy.

::

    findings     what a check found, and what the whole comes to
    patient      what is examined: settings, environment, and what earlier checks learned
    settings …   the checks, each a function of the patient: `aws`, `network`, `tls`, `clock`, `session`,
                 `privileges`, `surroundings`
    examination  their order, what each needs, and the time each takes
    rendering    findings as lines, and as JSON
    command      arguments in, exit status out
"""
