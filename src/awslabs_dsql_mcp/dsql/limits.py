"""Limits of Aurora DSQL, in the units named.

Source, where no other is given: Aurora DSQL user guide, "Cluster quotas and database limits in Amazon
Aurora DSQL". "Observed" means on a cluster in 2026, where the guide says less or something else.
"""

from typing import Final

# ---- One transaction

MAX_ROWS: Final = 3_000
"""Rows that one transaction may change; cascades count, index entries do not."""

MAX_BYTES: Final = 10 << 20
"""Bytes that one transaction may change, index entries included."""

MAX_TRANSACTION_SECONDS: Final = 300
"""Seconds from BEGIN to COMMIT, of a read too."""

# ---- Tables and indexes

MAX_COLUMNS: Final = 255
"""Columns of a table or view."""

MAX_KEY_COLUMNS: Final = 8
"""Columns of a primary key or an index, without those of INCLUDE."""

MAX_INDEXES: Final = 24
"""Indexes of a table, its primary key among them."""

MAX_KEY_BYTES: Final = 1_981
"""Bytes of a stored key: observed; the guide says 1 KiB."""

MAX_DECLARED_KEY_BYTES: Final = 2_000
"""Declared bytes of a key's columns of type char and varchar: observed."""

MAX_ROW_BYTES: Final = 2 << 20
"""Bytes of a row."""

MAX_VALUE_BYTES: Final = 1 << 20
"""Bytes of a value of type text, bytea, json or jsonb, compressed."""

MAX_CHAR_BYTES: Final = 4_096
"""Declared length of char."""

MAX_VARCHAR_BYTES: Final = 65_535
"""Declared length of varchar."""

MAX_NUMERIC_PRECISION: Final = 1_000
"""Digits of numeric (release notes of 2026-08-25)."""

MAX_IDENTIFIER_BYTES: Final = 63
"""Bytes of a name (PostgreSQL documentation, "Identifiers and Key Words")."""

SMALL_CACHE: Final = 1
MIN_LARGE_CACHE: Final = 65_536
"""Cache sizes of a sequence or identity column: exactly the first, or at least the second (user guide,
"CREATE SEQUENCE")."""

# ---- A cluster

MAX_SCHEMAS: Final = 10
MAX_TABLES: Final = 1_000
MAX_VIEWS: Final = 5_000
MAX_SEQUENCES: Final = 5_000

MAX_VIEW_CHARACTERS: Final = 512 << 10
"""Characters of CREATE VIEW that fit in any case: observed, the limit was met between 127 KiB and 524 KiB.

The guide says 2 MiB of a view's definition.
"""

MAX_CLUSTER_BYTES: Final = 10 << 40
"""Storage of a cluster, by default."""

MAX_CONNECTIONS: Final = 10_000
"""Connections to a cluster, by default."""

CONNECTIONS_PER_SECOND: Final = 100
"""Rate at which a cluster takes new connections."""

CONNECTION_BURST: Final = 1_000
"""Connections that may be opened at once before that rate holds."""

# ---- An account, in each Region

MAX_SINGLE_REGION_CLUSTERS: Final = 20
"""Single-Region clusters, by default."""

MAX_MULTI_REGION_CLUSTERS: Final = 5
"""Multi-Region clusters, by default."""

# ---- A session

MAX_SESSION_SECONDS: Final = 3_600
"""Seconds that a connection lives."""

MAX_MESSAGE_BYTES: Final = 10 << 20
"""Bytes of one protocol message; observed: the connection is closed on a larger one."""

MAX_PARAMETERS: Final = 65_535
"""Values of one statement: the protocol counts them in 16 bits (PostgreSQL documentation, "Limits")."""

DEFAULT_TOKEN_SECONDS: Final = 900
"""Lifetime of an authentication token unless another is asked for (user guide, "Authentication tokens")."""

MAX_TOKEN_SECONDS: Final = 604_800
"""Longest lifetime of an authentication token: a week (Signature Version 4)."""

MAX_TEMP_KIB: Final = 128 << 10
"""KiB of temporary space for a query."""


def is_cache_size(size: int) -> bool:
    """Say whether a sequence or identity column can have a cache of a size."""
    return size == SMALL_CACHE or size >= MIN_LARGE_CACHE
