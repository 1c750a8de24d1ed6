"""Limits of Aurora DSQL, in the units named.

Source, where no other is given: Aurora DSQL user guide, "Cluster quotas and database limits in Amazon
Aurora DSQL".
"""

MAX_MESSAGE_BYTES = 10 * 2**20 - 1024
"""Bytes of one protocol message; DSQL closes the connection on a larger one. Less some room for framing."""

MAX_ROWS = 3000
"""Rows that one transaction may change; cascades count, index entries do not."""

MAX_BYTES = 10 * 2**20
"""Bytes that one transaction may change, index entries included."""
