"""The guide's pages and their ranking, on the questions that agents ask."""

import datetime as dt

import pytest

from awslabs_dsql_mcp.documentation.guide import Guide, load_guide
from awslabs_dsql_mcp.documentation.page import parse_page
from awslabs_dsql_mcp.documentation.search_index import MAX_PASSAGE, words
from awslabs_dsql_mcp.dsql import limits

# A question, and the page that answers it. The wording is not the pages' own.
QUESTIONS = (
    ("how many rows can a transaction change", "limits"),
    ("maximum transaction size in megabytes", "limits"),
    ("how long may a transaction stay open", "limits"),
    ("maximum number of indexes on a table", "limits"),
    ("column count limit", "limits"),
    ("largest value I can put in a text column", "limits"),
    ("how many tables can a database have", "limits"),
    ("storage quota of a cluster", "limits"),
    ("SQLSTATE 40001", "errors"),
    ("what does OC001 mean", "errors"),
    ("transaction row limit exceeded", "errors"),
    ("unable to accept connection, access denied", "errors"),
    ("error 0A000 unsupported statement: Truncate", "errors"),
    ("current transaction is aborted, commands ignored", "errors"),
    ("which errors are safe to retry", "errors"),
    ("is TRUNCATE supported", "sql"),
    ("can I create a trigger", "sql"),
    ("stored procedures in plpgsql", "sql"),
    ("does DSQL have pgvector", "sql"),
    ("create temporary table", "sql"),
    ("materialized views", "sql"),
    ("declare a cursor", "sql"),
    ("MERGE or upsert", "sql"),
    ("savepoints", "sql"),
    ("add a column with a default value", "ddl"),
    ("change the type of a column", "ddl"),
    ("set not null on an existing column", "ddl"),
    ("can I run two DDL statements in one transaction", "ddl"),
    ("are foreign keys enforced", "ddl"),
    ("add unique constraint to existing table", "ddl"),
    ("rename a column", "ddl"),
    ("create index async job status", "jobs"),
    ("wait until the index is built", "jobs"),
    ("sys.wait_for_job", "jobs"),
    ("index build failed with duplicates", "jobs"),
    ("cancel a running index build", "jobs"),
    ("which isolation level does it use", "transactions"),
    ("retry serialization failures with backoff", "transactions"),
    ("optimistic concurrency control", "transactions"),
    ("prevent write skew", "transactions"),
    ("can deadlocks happen", "transactions"),
    ("select for update", "transactions"),
    ("counter row with many writers", "transactions"),
    ("can I store arrays", "types"),
    ("jsonb column", "types"),
    ("enum replacement", "types"),
    ("numeric precision", "types"),
    ("case insensitive collation", "types"),
    ("uuid or sequence for the primary key", "keys-and-indexes"),
    ("auto increment id", "keys-and-indexes"),
    ("hot partition from sequential keys", "keys-and-indexes"),
    ("partial index", "keys-and-indexes"),
    ("gin index", "keys-and-indexes"),
    ("covering index include columns", "keys-and-indexes"),
    ("grant read-only access to a role", "roles"),
    ("map an IAM role to a database role", "roles"),
    ("least privilege user for an agent", "roles"),
    ("generate an authentication token", "connecting"),
    ("token expired", "connecting"),
    ("which port and database name", "connecting"),
    ("how long does a connection live", "connecting"),
    ("connection pool settings", "connecting"),
    ("sslmode verify-full root certificate", "connecting"),
    ("set a statement timeout", "connecting"),
    ("bulk load a CSV file", "loading"),
    ("delete millions of rows", "loading"),
    ("backfill a column in batches", "loading"),
    ("pg_dump export", "loading"),
    ("migrate a PostgreSQL schema", "from-postgresql"),
    ("Django migrations on DSQL", "orms"),
    ("serial to identity", "from-postgresql"),
    ("MySQL AUTO_INCREMENT", "from-mysql"),
    ("ON DUPLICATE KEY UPDATE", "from-mysql"),
    ("backticks around identifiers", "from-mysql"),
    ("tinyint(1)", "from-mysql"),
    ("read an explain plan", "plans"),
    ("how much does a query cost in DPU", "plans"),
    ("why is my query slow", "plans"),
    ("full scan instead of index", "plans"),
    ("count rows without reading the table", "plans"),
    ("list all tables and columns", "catalogs"),
    ("pg_stat_activity running queries", "catalogs"),
    ("size of the cluster", "catalogs"),
    ("try DSQL without an AWS account", "local-cluster"),
    ("emulator for CI tests", "local-cluster"),
    ("how does the local cluster differ", "local-cluster"),
    ("create a cluster locally with boto3", "local-account"),
    ("AWS_ENDPOINT_URL_DSQL", "local-account"),
    ("AWS_ENDPOINT_URL_BACKUP", "local-account"),
    ("rehearse a restore on my machine", "local-account"),
)


# A question, the section that comes first, and what its passage says.
ANSWERS = (
    ("auto-increment id", "keys-and-indexes", "Auto-increment: identity and sequences", "CACHE 65536"),
    ("I got OC000, what should I do", "transactions", "How to retry: OC000 and 40001", "whole transaction"),
    ("how do I create an index", "keys-and-indexes", "Creating an index", "INDEX ASYNC"),
    ("are foreign keys supported", "ddl", "Foreign keys", "since 26 August 2026"),
    ("how many rows can one transaction change", "limits", "Rows a transaction can change", "3,000 rows"),
    ("how to empty a large table", "loading", "Deleting many rows, emptying a table", "DROP TABLE"),
    ("store and index JSON", "types", "json and jsonb: storing and indexing", "index an expression"),
    ("how long can a connection live", "connecting", "How long a connection lives", "60 minutes"),
    ("access denied when connecting", "connecting", "Refused: access denied", "Read the HINT"),
    ("add a NOT NULL column with a default to an existing table", "ddl", "NOT NULL later", "add a CHECK"),
    ("change a column's type", "ddl", "Changing a column's type", "Add a new column"),
    ("load a CSV file with COPY", "loading", "Loading a small CSV file with \\copy", "FORMAT csv"),
    (
        "UUID or sequence as primary key",
        "keys-and-indexes",
        "Which key: uuid or sequence",
        "gen_random_uuid()",
    ),
    ("multi-tenant schema design", "data-modelling", "Multi-tenant schemas", "tenant_id first"),
    ("pagination through a large table", "data-modelling", "Pagination", "key of the last row"),
    ("how to do an upsert", "data-modelling", "Upserts", "ON CONFLICT"),
    ("stream changes, CDC", "cdc", "Streaming changes to Kinesis", "Kinesis data stream"),
    ("multi-Region consistency", "multi-region", "Consistency between Regions", "Strong"),
    ("what does a query cost in DPU", "cost", "What a query costs in DPU", "EXPLAIN (ANALYZE, VERBOSE)"),
    ("connect from AWS Lambda", "pools", "From AWS Lambda", "outside of the handler"),
    ("how do I back up the database", "backups", "How to make a backup", "AWS Backup only"),
    ("point-in-time restore", "backups", "Point-in-time restore", "None is documented"),
    ("CloudWatch metrics for conflicts", "observability", "CloudWatch metrics", "OccConflicts"),
    ("PrivateLink endpoint for my VPC", "network-access", "Connecting from a VPC: PrivateLink", "dsql"),
    ("full text search", "data-modelling", "Full-text search", "CDC stream"),
    (
        "is DSQL available in Frankfurt, which Regions",
        "clusters",
        "In which Regions it is available",
        "Frankfurt",
    ),
    (
        "SELECT FOR UPDATE SKIP LOCKED job queue",
        "data-modelling",
        "Hot keys: counters, queues, last seen",
        "SKIP",
    ),
    ("which ORM adapters exist for Django", "orms", "Adapters for ORMs", "aurora-dsql-django"),
    ("cancel a query or set a timeout", "connecting", "Timeouts and cancel", "300 seconds"),
    ("numeric precision and scale", "types", "numeric", "1 to 1,000"),
    ("unique index build failed because of duplicates", "jobs", "When a build fails", "drop it at once"),
    ("updated_at without a trigger", "data-modelling", "updated_at without triggers", "now()"),
    ("case-insensitive unique email", "types", "Text, collation and case", "lower("),
    ("maximum size of a jsonb value", "limits", "Size of rows, columns and keys", "1 MiB"),
    ("how many indexes per table", "limits", "Columns, indexes and objects", "24"),
    ("how long does a token last", "connecting", "How long a token lives", "15 minutes"),
    ("golang-migrate fails with pg_advisory_lock", "orms", "Advisory locks", "switches locking off"),
    ("how much does the free tier include", "cost", "Free tier", "100,000 DPUs"),
    ("Go connector retry", "connectors", "Retry in each language", "occretry.WithRetry"),
    ("when is the snapshot taken", "transactions", "When the snapshot is taken", "At BEGIN"),
    ("read only role for IAM", "roles", "Read-only access", "SELECT only"),
    ("retry on conflict in Node", "connectors", "Retry in each language", "pool.transaction()"),
    ("storage limit of a cluster", "limits", "Cluster and account quotas", "10 TiB"),
)


@pytest.fixture(scope="module")
def guide() -> Guide:
    return load_guide()


@pytest.mark.parametrize(("question", "slug"), QUESTIONS)
def test_the_answering_page_is_among_the_first_three(guide: Guide, question: str, slug: str) -> None:
    assert slug in [hit.page.slug for hit in guide.search(question, 3)]


@pytest.mark.parametrize(("question", "slug", "heading", "answer"), ANSWERS)
def test_the_answering_section_comes_first_and_shows_its_answer(
    guide: Guide, question: str, slug: str, heading: str, answer: str
) -> None:
    first = guide.search(question, 3)[0]
    assert (first.page.slug, first.heading) == (slug, heading)
    assert answer in first.passage


def test_a_passage_is_short_and_plain(guide: Guide) -> None:
    for question, *_ in (*QUESTIONS, *ANSWERS):
        for hit in guide.search(question, 50):
            assert 0 < len(hit.passage) <= MAX_PASSAGE, (question, hit)
            assert "\n" not in hit.passage
            assert not hit.passage.startswith(("|", "```"))


def test_every_page_is_asked_for(guide: Guide) -> None:
    asked = {slug for _, slug in QUESTIONS} | {slug for _, slug, *_ in ANSWERS}
    assert {page.slug for page in guide.pages} == asked


FIGURES = (
    ("limits", f"delete {limits.MAX_ROWS:,} rows in all"),
    ("limits", f"{limits.MAX_BYTES >> 20} MiB of changed data"),
    ("limits", f"{limits.MAX_TRANSACTION_SECONDS} seconds (5 minutes)"),
    ("limits", f"has {limits.MAX_TEMP_KIB >> 10} MiB for sorts"),
    ("limits", f"| row | {limits.MAX_ROW_BYTES >> 20} MiB |"),
    ("limits", f"json or jsonb column | {limits.MAX_VALUE_BYTES >> 20} MiB |"),
    ("limits", f"about {limits.MAX_KEY_BYTES:,} bytes observed"),
    ("limits", f"| char(n) declared | {limits.MAX_CHAR_BYTES:,} |"),
    ("limits", f"| varchar(n) declared | {limits.MAX_VARCHAR_BYTES:,} |"),
    ("limits", f"| protocol message | {limits.MAX_MESSAGE_BYTES >> 20} MiB |"),
    ("limits", f"| columns of a table | {limits.MAX_COLUMNS} (54011)"),
    ("limits", f"| columns in a key or index | {limits.MAX_KEY_COLUMNS} (54011"),
    ("limits", f"its primary key included | {limits.MAX_INDEXES} |"),
    ("limits", f"| schemas in a database | {limits.MAX_SCHEMAS} |"),
    ("limits", f"| tables in a database | {limits.MAX_TABLES:,} |"),
    ("limits", f"| views | {limits.MAX_VIEWS:,} |"),
    ("limits", f"| sequences | {limits.MAX_SEQUENCES:,} |"),
    ("limits", f"{limits.MAX_CONNECTIONS:,} open connections"),
    (
        "limits",
        f"{limits.CONNECTIONS_PER_SECOND} new ones a second with bursts to {limits.CONNECTION_BURST:,}",
    ),
    ("limits", f"at most {limits.MAX_SESSION_SECONDS // 60} minutes"),
    ("limits", f"{limits.MAX_CLUSTER_BYTES >> 40} TiB per cluster by default"),
    ("connecting", f"at most {limits.MAX_SESSION_SECONDS // 60} minutes"),
    ("connecting", f"{limits.DEFAULT_TOKEN_SECONDS // 60} minutes by default"),
    ("types", f"Precision 1 to {limits.MAX_NUMERIC_PRECISION:,}"),
    ("keys-and-indexes", f"either {limits.SMALL_CACHE} or at least {limits.MIN_LARGE_CACHE}"),
    ("keys-and-indexes", f"At most {limits.MAX_KEY_COLUMNS} columns"),
    ("pools", f"{limits.MAX_CONNECTIONS:,} a cluster"),
    ("data-modelling", f"{limits.MAX_TABLES:,} tables, {limits.MAX_COLUMNS} columns"),
)


@pytest.mark.parametrize(("slug", "figure"), FIGURES)
def test_the_figures_of_pages_are_the_limits(guide: Guide, slug: str, figure: str) -> None:
    page = guide.page(slug)
    assert page is not None
    assert figure in page.body


def test_every_page_says_when_and_from_where(guide: Guide) -> None:
    for page in guide.pages:
        assert dt.date.fromisoformat(page.as_of) <= dt.datetime.now(dt.timezone.utc).date()
        assert "https://docs.aws.amazon.com/aurora-dsql/" in page.sources
        assert page.as_of in page.text
        assert page.sources in page.text


def test_a_page_fits_in_one_answer(guide: Guide) -> None:
    assert max(len(page.text) for page in guide.pages) < 10_000


def test_a_page_is_found_by_its_address_and_by_its_source(guide: Guide) -> None:
    limits = guide.page("limits")
    guides = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/"
    assert (
        guide.page_for_url("dsql://guide/limits") is guide.page_for_url("dsql://guide/limits#rows") is limits
    )
    assert guide.page_for_url(guides + "CHAP_quotas.html?a=b#c") is limits
    assert guide.page_for_url(guides + "troubleshooting.html") is guide.page("errors")
    assert guide.page_for_url(guides + "what-is-aurora-dsql.html") is guide.page("clusters")
    assert guide.page_for_url(guides + "working-with-concurrency-control.html") is guide.page("transactions")
    assert guide.page_for_url("https://docs.aws.amazon.com/other.html") is None
    assert guide.page_for_url("dsql://guide/nothing") is None


def test_the_closest_page_is_looked_for_in_dsqls_documentation_only(guide: Guide) -> None:
    unknown = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/create-sequence-cache.html"
    assert guide.closest(unknown) is guide.page("keys-and-indexes")
    assert guide.closest("https://docs.aws.amazon.com/s3/create-sequence-cache.html") is None


def test_near_pages_leave_out_the_page_itself(guide: Guide) -> None:
    near = [hit.page.slug for hit in guide.related("dsql://guide/jobs", 3)]
    assert "jobs" not in near
    assert "keys-and-indexes" in near
    by_words = guide.related(
        "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/create-sequence.html", 3
    )
    assert "keys-and-indexes" in [hit.page.slug for hit in by_words]


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "the of and",
        "zebra giraffe",
        "☃",
        "kubernetes ingress",
        "connect MongoDB replica set",
        "Redis cache eviction",
        "GraphQL subscriptions",
    ],
)
def test_nothing_is_found_for_what_the_guide_lacks(guide: Guide, phrase: str) -> None:
    assert guide.search(phrase, 3) == ()


def test_words_lose_their_endings() -> None:
    assert words("Queries query creating created create the indexes index running") == [
        *["query"] * 2,
        *["creat"] * 3,
        *["index"] * 2,
        "run",
    ]


def test_a_page_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="sources"):
        parse_page("x", "---\ntitle: T\nsummary: S\nkeywords: k\nas-of: 2026-01-01\n---\nbody")
