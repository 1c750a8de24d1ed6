"""Limits of what a client may send, each with its reason.

What is within them is read in bounded memory, and without holding the event loop; what is beyond them is
refused by an error that names the limit. What its JSON may hold is in `json_reader`.
"""

from typing import Final

MAX_LINE: Final = 16 << 20
"""Bytes of one message. A transaction of Aurora DSQL changes at most 10 MiB (`dsql.limits.MAX_BYTES`), and
JSON's escapes make a text longer.
"""

MAX_NAME: Final = 1_000
"""Characters of an id, progress token, method, URI or name of a tool, argument or prompt: answers repeat
them. Clients count, or make a UUID of 36; a URI names a table in up to 400.
"""

MAX_REQUESTS: Final = 2_000
"""Requests that wait for their answers at once."""

MAX_WAITING_BYTES: Final = MAX_LINE
"""Bytes of all requests that wait for their answers: one of the largest, or many small ones."""

KEPT: Final = 64 << 10
"""Bytes that are kept of each end of a line beyond `MAX_LINE`, to find its id there."""
