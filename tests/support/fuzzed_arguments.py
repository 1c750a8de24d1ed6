"""Arguments of a tool made up from its input schema: right, nearly right, and anything."""

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

_SQL: Final = (
    *("SELECT 1", "SELECT %s", "SELECT * FROM made_up", "SELECT * FROM made_up WHERE id = %s", "VALUES (1)"),
    *("SELECT nosuch", "SELEC 1", "SELECT 1; SELECT 2", "", ";", "--", "EXPLAIN SELECT 1", "SHOW timezone"),
    *("CREATE TABLE IF NOT EXISTS made_up (id int PRIMARY KEY, t text)", "DROP TABLE IF EXISTS made_up"),
    *("INSERT INTO made_up VALUES (1, 'a') ON CONFLICT DO NOTHING", "INSERT INTO made_up VALUES (%s, %s)"),
    *("UPDATE made_up SET t = 'b' WHERE id = 1 RETURNING *", "DELETE FROM made_up WHERE id = %s"),
    *("UPDATE made_up SET t = %s", "DELETE FROM made_up", "CREATE INDEX ASYNC ON made_up (t)", "BEGIN"),
    *("CREATE TABLE made_too (id serial, m money)", "COPY made_up FROM stdin;\n1\ta\n\\."),
    *("SELECT E'\\x00'", "SELECT '\U0001f600'::json", 'SELECT 1 AS "", 2 AS ""', "SELECT 9e999::float8"),
    *("SELECT * FROM generate_series(1, 2000)", "WITH a AS (DELETE FROM made_up RETURNING *) TABLE a"),
)  # fmt: skip
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sql": _SQL,
    "sql_list": _SQL,
    "statements": _SQL,
    "table_name": ("", "made_up", "public.made_up", "public", "nosuch", "a.b.c", '"made_up"', "%"),
    "table": ("", "made_up", "public.made_up", "nosuch", '"made_up"', "a.b.c.d", "made_up; SELECT 1"),
    "after": ("", "made_up", "public.made_up", "nosuch"),
    "path": ("rows.csv", "rows.jsonl", "rows.parquet", "none.csv", "../rows.csv", "/etc/hostname", ""),
    "url": ("dsql://guide/limits", "dsql://guide/nosuch", "https://docs.aws.amazon.com/", "file:///etc/hostname"),
    "job_id": ("", "nosuch", "00000000000000000000000000"),
    "delimiter": ("", ",", ";", "\t", ",,", "\n"),
    "encoding": ("", "utf-8", "latin-1", "utf-16", "nosuch", "rot13", "zlib"),
    "columns": ("id", "t", "nosuch"),
    "resume": ("", "new", "abc", "made_up"),
}  # fmt: skip
_TEXT: Final = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
    | st.sampled_from((2**63, -(2**70), 1e308, "x" * 3000, "[1]", "{}", "null", "true", "1", "\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=9,
)  # fmt: skip
_MAX_WAIT: Final = 1  # seconds; tools may wait for longer, tests do not


def arguments(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make arguments; one of two fits the schema, as far as a schema tells.

    Args:
        schema: Of the tool's input.
    """
    known: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    right = st.fixed_dictionaries(
        {name: _value(name, known[name]) for name in required},
        optional={name: _value(name, known[name]) for name in known.keys() - set(required)},
    )
    one_wrong = st.tuples(right, st.sampled_from(sorted(known)), _ANYTHING).map(
        lambda parts: {**parts[0], parts[1]: parts[2]} if parts[1] != "wait_s" else parts[0]
    )
    one_missing = st.tuples(right, st.sampled_from(sorted(known))).map(
        lambda parts: {name: value for name, value in parts[0].items() if name != parts[1]}
    )
    one_more = st.tuples(right, _TEXT, _ANYTHING).map(lambda parts: {parts[1]: parts[2], **parts[0]})
    return st.one_of(right, right, right, one_wrong, one_missing, one_more)


def _value(name: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_value(name, part) for part in schema["anyOf"]])
    kind = schema.get("type")
    if kind == "array":
        return st.lists(_value(name, schema.get("items", {})), max_size=4)
    if kind == "object":
        return st.dictionaries(_TEXT, _value(name, schema.get("additionalProperties", {})), max_size=4)
    return _scalar(name, schema)


def _scalar(name: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if name == "wait_s":
        return st.integers(0, _MAX_WAIT)
    match schema.get("type"):
        case "string":
            return st.sampled_from(_TEXTS[name]) | _TEXT if name in _TEXTS else _TEXT
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 2**31))
        case "null":
            return st.none()
        case _:
            return _ANYTHING
