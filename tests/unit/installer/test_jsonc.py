"""JSON with comments: what is not ours stays, to the byte."""

import pytest

from awslabs_dsql_mcp.installer.formats import NotEditable
from awslabs_dsql_mcp.installer.formats.jsonc import drop, put, read

PATH = ("servers", "ours")

ADDED = {
    "an empty file": ("", '{\n  "servers": {\n    "ours": 1\n  }\n}\n'),
    "nothing but a comment": ("// mine\n", '// mine\n{\n  "servers": {\n    "ours": 1\n  }\n}\n'),
    "an empty object": ("{}", '{\n  "servers": {\n    "ours": 1\n  }\n}'),
    "behind the last member": (
        '{\n  "a": 1\n}\n',
        '{\n  "a": 1,\n  "servers": {\n    "ours": 1\n  }\n}\n',
    ),
    "a trailing comma, kept": (
        '{\n\t"servers": {\n\t\t"a": 1,\n\t},\n}',
        '{\n\t"servers": {\n\t\t"a": 1,\n\t\t"ours": 1,\n\t},\n}',
    ),
    "a comment behind the last member": (
        '{\n  "servers": {\n    "a": 1 // one, "quoted"\n    // "b": 2\n  }\n}',
        '{\n  "servers": {\n    "a": 1, // one, "quoted"\n    // "b": 2\n    "ours": 1\n  }\n}',
    ),
    "a comment in an empty object": (
        '{\n    "servers": { // none yet\n    }\n}',
        '{\n    "servers": { // none yet\n        "ours": 1\n    }\n}',
    ),
    "all in one line": (
        '{"a": [1,2], "servers": {"a": 1 /* b */}}',
        '{"a": [1,2], "servers": {"a": 1 /* b */, "ours": 1}}',
    ),
    "one line, trailing comma": ('{"servers": {"a": 1,}}', '{"servers": {"a": 1, "ours": 1,}}'),
    "a key in escapes": (
        '{\n  "\\u0073ervers": {\n    "a": 1\n  }\n}',
        '{\n  "\\u0073ervers": {\n    "a": 1,\n    "ours": 1\n  }\n}',
    ),
}


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED)
def test_a_member_is_added(before: str, after: str) -> None:
    assert put(before, PATH, 1) == after
    assert read(after) == {**read(before), "servers": {**dict(_servers(before)), "ours": 1}}


def _servers(text: str) -> dict[str, object]:
    servers = read(text).get("servers", {})
    assert isinstance(servers, dict)
    return servers  # pyright: ignore[reportUnknownVariableType] - of a parsed text


REMOVED = {
    "the only one": ('{\n  "servers": {\n    "ours": {"x": 1}\n  }\n}', '{\n  "servers": {}\n}'),
    "the first": (
        '{"servers": {\n  "ours": 1,\n  // a\n  "a": 1\n}}',
        '{"servers": {\n  // a\n  "a": 1\n}}',
    ),
    "the last, and the comma before it": (
        '{"servers": {\n  "a": 1, // a\n  "ours": 1\n}}',
        '{"servers": {\n  "a": 1 // a\n}}',
    ),
    "the last, with its comma": (
        '{"servers": {\n  "a": 1,\n  "ours": 1,\n}}',
        '{"servers": {\n  "a": 1,\n}}',
    ),
    "between": ('{"servers": {"a": 1, "ours": 1, "b": 2}}', '{"servers": {"a": 1, "b": 2}}'),
    "the last of a line": ('{"servers": {"a": 1, "ours": 1}}', '{"servers": {"a": 1}}'),
    "behind a line comment": (
        '{"servers": {"a": 1, // a\n"ours": 1, "b": 2}}',
        '{"servers": {"a": 1, // a\n"b": 2}}',
    ),
    "not there": ('{"servers": {}, /* x */}', '{"servers": {}, /* x */}'),
}


@pytest.mark.parametrize(("before", "after"), REMOVED.values(), ids=REMOVED)
def test_a_member_is_taken_out(before: str, after: str) -> None:
    assert drop(before, PATH) == after
    assert "ours" not in _servers(after)


def test_a_value_is_replaced_and_its_neighbours_are_not() -> None:
    before = '{\n  "servers": {\n    "ours": {"x": 1, /* y */ "y": 2}, "b": 2\n  }\n}'
    assert put(before, (*PATH, "x"), [3]) == before.replace('"x": 1', '"x": [3]')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "it is not a JSON object"),
        ('{"servers": 1}', "'servers' in it is not an object"),
        ('{"a": 1\n "b": 2}', "line 2 has '\"' where ',' should be"),
        ('{\n  "a": \n}', "line 3 has '}' where a value should be"),
        ('{"a": 1', "line 1 has the end of the file where ',' should be"),
        ("{a: 1}", "line 1 has 'a' where a key in double quotes should be"),
        ('{"a": NaN}', "line 1 has 'N' where a value should be"),
        ('{"a": "x\ny"}', "line 1 has something that is not JSON"),
        ("{} {}", "line 1 has '{' where the end should be"),
        ('{"servers": {}, "servers": {}}', "it has 'servers' twice in one object"),
        ('{"a": ' + "[" * 200, "line 1 has more than 100 levels"),
        ("{/* no end", "line 1 has something that is not JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(NotEditable) as refused:
        put(text, PATH, 1)
    assert str(refused.value) == reason
