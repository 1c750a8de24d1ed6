"""Limits of what a client may send, each with its reason.

What is within them is read in bounded memory, and without holding the event loop; what is beyond them is
refused by an error that names the limit.
"""

from typing import Final

MAX_LINE: Final = 16 << 20
"""Bytes of one message. A transaction of Aurora DSQL changes at most 10 MiB (`dsql.limits.MAX_BYTES`), and
JSON's escapes make a text longer.
"""

MAX_VALUES: Final = 100_000
"""Texts, numbers, keys, objects and arrays of one message. A statement has at most 65,535 values
(PostgreSQL documentation, "PostgreSQL Limits"), and a transaction changes at most 3,000 rows.
"""

MAX_DEPTH: Final = 190
"""Objects and arrays inside each other, those of the envelope included; pydantic reads fewer than 200."""

MAX_NAME: Final = 1_000
"""Characters of an id, progress token, method, URI or name of a tool, argument or prompt: answers repeat
them. Clients count, or make a UUID of 36; a URI names a table in up to 400.
"""

MAX_REQUESTS: Final = 2_000
"""Requests that wait for their answers at once."""

MAX_WAITING_BYTES: Final = MAX_LINE
"""Bytes of all requests that wait for their answers: one of the largest, or many small ones."""

LARGE_LINE: Final = 32 << 10
"""Bytes from which on a message is read off the event loop."""

MAX_DIGITS: Final = 150_000
"""Characters of a number; PostgreSQL's numeric has at most 131,072 digits before the point and 16,383 behind
it (PostgreSQL documentation, "Numeric Types").
"""

KEPT: Final = 64 << 10
"""Bytes that are kept of each end of a line beyond `MAX_LINE`, to find its id there."""
