"""Whatever a file looks like: an entry goes in and out, and nothing else moves."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.installer.formats import Format, NotEditable
from awslabs_dsql_mcp.installer.formats.jsonc import JSON
from awslabs_dsql_mcp.installer.formats.toml import TOML
from awslabs_dsql_mcp.installer.formats.yaml import YAML
from awslabs_dsql_mcp.installer.launch import ServerEntry, is_own_variable
from awslabs_dsql_mcp.installer.merge import with_entry, without_entry

PATH = ("servers", "aurora-dsql")
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SERVERS = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)
DATA = st.dictionaries(st.text(max_size=5), VALUES, max_size=3).flatmap(
    lambda data: st.just(data) | SERVERS.map(lambda servers: {**data, "servers": servers})
)
GAPS = st.sampled_from(["", " ", "\n", "\n\t", " // c\n  ", "/* }, */", '\n// "x": [\n    '])
ARGS = st.lists(st.text(max_size=6), max_size=3)


def started(args: list[str], env: dict[str, str]) -> ServerEntry:
    return ServerEntry({"command": "uvx", "args": ["awslabs-dsql-mcp", *args], "env": env}, {"on": True})


ENTRIES = st.builds(
    started,
    ARGS,
    st.dictionaries(
        st.text(min_size=1, max_size=4) | st.sampled_from(["AWS_PROFILE", "DSQL_TOOLS"]),
        st.text(max_size=4),
        min_size=1,
        max_size=2,
    ),
)


@st.composite
def jsonc(draw: Callable[..., Any], data: object) -> str:
    """Write data as JSON with comments, blanks and trailing commas at random places."""

    def gap() -> str:
        return draw(GAPS)

    def write(value: Any) -> str:  # noqa: ANN401 - anything that JSON can say
        if isinstance(value, dict):
            items = [f"{json.dumps(k)}{gap()}:{gap()}{write(v)}" for k, v in value.items()]  # pyright: ignore[reportUnknownVariableType] - any data
            return "{" + listed(items) + "}"
        if isinstance(value, list):
            return "[" + listed([write(item) for item in value]) + "]"  # pyright: ignore[reportUnknownVariableType] - any data
        return json.dumps(value)

    def listed(items: list[str]) -> str:
        trailing = draw(st.sampled_from(["", ","])) if items else ""
        return gap() + f"{gap()},{gap()}".join(items) + gap() + trailing + gap()

    return gap() + write(data) + gap()


def in_and_out(text: str, fmt: Format, first: ServerEntry, second: ServerEntry) -> None:
    servers = fmt.read(text).get("servers")
    if servers is not None and not isinstance(servers, dict):
        with pytest.raises(NotEditable, match="is not a"):
            with_entry(text, fmt, PATH, first)
        return
    one = with_entry(text, fmt, PATH, first)
    assert at(fmt.read(one)) == first.full
    assert with_entry(one, fmt, PATH, first) == one
    two = with_entry(one, fmt, PATH, second)
    before: Any = first.required["env"]
    after: Any = second.required["env"]
    env = {name: value for name, value in before.items() if not is_own_variable(name)} | after
    assert at(fmt.read(two)) == {**second.full, "env": env}
    out = without_entry(two, fmt, PATH)
    assert pruned(fmt.read(out)) == pruned(fmt.read(text))
    assert remarks(out) == remarks(text)


def at(data: Mapping[str, Any]) -> object:
    return data["servers"]["aurora-dsql"]


def pruned(data: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in data.items() if value not in ({}, None)}


def remarks(text: str) -> int:
    return sum(text.count(mark) for mark in ("// c", "/* }, */", '// "x": ['))


@given(DATA.flatmap(jsonc), ENTRIES, ENTRIES)
@example('{"a": {}, /* }, */"servers":{ // c\n  }/* }, */}', started([], {"A": "1"}), started([], {"A": "1"}))
def test_json_with_comments(text: str, first: ServerEntry, second: ServerEntry) -> None:
    in_and_out(text, JSON, first, second)


PLAIN = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


@given(PLAIN, PLAIN, st.booleans(), ENTRIES, ENTRIES)
def test_toml(
    data: dict[str, Any],
    servers: dict[str, Any],
    crlf: bool,  # noqa: FBT001 - drawn
    first: ServerEntry,
    second: ServerEntry,
) -> None:
    import tomlkit  # noqa: PLC0415 - only here

    text = tomlkit.dumps({**data, "servers": servers} if servers else data)
    in_and_out(text.replace("\n", "\r\n") if crlf and "\r" not in text else text, TOML, first, second)


@given(DATA, st.booleans(), st.booleans(), ENTRIES, ENTRIES)
def test_yaml(
    data: dict[str, Any],
    flow: bool,  # noqa: FBT001 - drawn
    indented: bool,  # noqa: FBT001 - drawn
    first: ServerEntry,
    second: ServerEntry,
) -> None:
    import yaml  # noqa: PLC0415 - only here

    text = yaml.safe_dump(data, default_flow_style=flow or None, indent=4 if indented else 2)
    in_and_out(text, YAML, first, second)
