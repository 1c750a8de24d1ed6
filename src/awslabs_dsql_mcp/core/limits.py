"""Limits of Aurora DSQL, in the units named.

Source, where no other is given: Aurora DSQL user guide, "Cluster quotas and database limits in Amazon
Aurora DSQL".
"""

LARGEST_MESSAGE = 10 * 2**20 - 1024
"""Bytes of one protocol message; DSQL closes the connection on a larger one. Less some room for framing."""
