"""Keys of YAML texts set and taken out, comments, quotes and order left alone.

PyYAML tells where each node is; the text between stays as it was. Block mappings are edited by their
lines; a flow mapping gets a member in JSON's notation, which YAML 1.2 includes.
"""

import json
import re
from collections.abc import Mapping
from typing import cast

import yaml

from awslabs_dsql_mcp.installer.formats import Format, NotEditable, Path

_STEP = 2
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read(text: str) -> Mapping[str, object]:
    """Read a text as data; an empty one is an empty mapping."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotEditable(f"it is not YAML: {' '.join(str(error).split())[:120]}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise NotEditable("it is not a YAML mapping")
    return cast("dict[str, object]", data)


def put(text: str, path: Path, value: object) -> str:
    """Give the text with a value at a path."""
    pair, here, rest = _descend(text, path)
    if not rest and pair:
        return _replaced(text, pair, value)
    for key in reversed(rest[1:]):
        value = {key: value}
    added = {rest[0]: value}
    if here is None:
        return _below(text, pair, added)
    if not isinstance(here, yaml.MappingNode):
        raise NotEditable(f"{'.'.join(path[: len(path) - len(rest)])!r} in it is not a mapping")
    if here.flow_style:
        return _in_flow(text, here, added)
    return _lines_added(text, _content_end(here), here.start_mark.column, added)


def drop(text: str, path: Path) -> str:
    """Give the text without the key at a path."""
    pair, _, rest = _descend(text, path)
    if rest or pair is None:
        return text
    parent = _descend(text, path[:-1])[1]
    if not isinstance(parent, yaml.MappingNode):
        return text
    if parent.flow_style:
        return _out_of_flow(text, parent, pair)
    start = text.rfind("\n", 0, pair[0].start_mark.index) + 1
    stop = text.find("\n", _content_end(pair[1])) + 1 or len(text)
    kept = text[:start], text[stop:]
    if len(_pairs(parent)) == 1 and len(path) > 1:
        holder = _descend(text, path[:-1])[0]
        colon = text.index(":", holder[0].end_mark.index) + 1 if holder else start
        kept = text[:colon] + " {}" + text[colon:start], text[stop:]
    return kept[0] + kept[1]


YAML = Format("YAML", read, put, drop)

_Pair = tuple[yaml.Node, yaml.Node]


def _pairs(node: yaml.MappingNode) -> list[_Pair]:
    return cast("list[_Pair]", node.value)


def _descend(text: str, path: Path) -> tuple[_Pair | None, yaml.Node | None, Path]:
    """Follow a path: the last pair found, its value (``None`` where that is empty), the missing keys."""
    read(text)
    pair, here = None, yaml.compose(text, yaml.SafeLoader)
    for place, key in enumerate(path):
        found = [p for p in (_pairs(here) if isinstance(here, yaml.MappingNode) else ()) if p[0].value == key]
        if len(found) > 1:
            raise NotEditable(f"it has {key!r} twice in one mapping")
        if not found:
            return pair, here, path[place:]
        pair, here = found[0], None if _is_empty(found[0][1]) else found[0][1]
    return pair, here, ()


def _is_empty(node: yaml.Node) -> bool:
    return node.tag == "tag:yaml.org,2002:null" and node.start_mark.index == node.end_mark.index


def _content_end(node: yaml.Node) -> int:
    """Find the end of a node without the blanks and comments that PyYAML counts to a block."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = cast("list[_Pair | yaml.Node]", node.value)[-1]
        return max(map(_content_end, last)) if isinstance(last, tuple) else _content_end(last)
    end = node.end_mark.index
    is_block_text = isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}
    return end - 1 if is_block_text and end else end


def _in_line(value: object) -> str:
    """Write a value in JSON's notation, without the characters that YAML does not print (YAML 1.2, 5.1)."""
    written = json.dumps(value, ensure_ascii=False)
    return _UNPRINTED.sub(lambda match: f"\\u{ord(match.group()):04x}", written)


def _block(value: object, column: int) -> str:
    """Write a mapping in lines that begin at a column."""
    plain = _UNPRINTED.search(json.dumps(value, ensure_ascii=False)) is None
    written = yaml.safe_dump(value, sort_keys=False, width=1_000_000, allow_unicode=plain, indent=_STEP)
    return "".join(" " * column + line + "\n" for line in written.removesuffix("\n").split("\n"))


def _lines_added(text: str, after: int, column: int, added: Mapping[str, object]) -> str:
    line_end = text.find("\n", after)
    at = len(text) if line_end < 0 else line_end + 1
    return text[:at] + ("" if text[:at].endswith("\n") else "\n") + _block(added, column) + text[at:]


def _below(text: str, pair: _Pair | None, added: Mapping[str, object]) -> str:
    """Add where nothing is yet: in an empty text, or below a key without a value."""
    if pair is None:
        return text + ("\n" if text and not text.endswith("\n") else "") + _block(added, 0)
    colon = text.index(":", pair[0].end_mark.index)
    return _lines_added(text, colon, pair[0].start_mark.column + _STEP, added)


def _in_flow(text: str, here: yaml.MappingNode, added: Mapping[str, object]) -> str:
    pairs, end = _pairs(here), here.end_mark.index - 1
    key_column = _key_column(text, here)
    member = _in_line(added)[1:-1]
    in_flow = text[:end].rstrip() + (", " if pairs else "") + member + text[end:]
    if not pairs and key_column is not None and text[here.start_mark.index + 1 : end].strip() == "":
        head = text[: here.start_mark.index].rstrip(" ")
        in_lines = _lines_added(head + text[end + 1 :], len(head), key_column + _STEP, added)
        if _reads_as(in_lines, in_flow):
            return in_lines
    return in_flow


def _out_of_flow(text: str, parent: yaml.MappingNode, pair: _Pair) -> str:
    pairs = _pairs(parent)
    place = [key.start_mark.index for key, _ in pairs].index(pair[0].start_mark.index)
    start, stop = pair[0].start_mark.index, _content_end(pair[1])
    if place + 1 < len(pairs):
        stop = pairs[place + 1][0].start_mark.index
    elif place:
        start = _content_end(pairs[place - 1][1])
    return text[:start] + text[stop:]


def _reads_as(text: str, other: str) -> bool:
    try:
        return read(text) == read(other)
    except NotEditable:
        return False


def _key_column(text: str, here: yaml.Node) -> int | None:
    """Give the column of the key before an empty ``{}``; ``None`` where no plain line holds both."""
    line = text[text.rfind("\n", 0, here.start_mark.index) + 1 : here.start_mark.index]
    return len(line) - len(line.lstrip()) if line.rstrip().endswith(":") else None


def _replaced(text: str, pair: _Pair, value: object) -> str:
    """Put a value behind the key's colon: in lines where it was, else in JSON's notation."""
    key, old = pair
    is_block = isinstance(old, yaml.CollectionNode) and not old.flow_style
    behind_colon = is_block or _is_empty(old)
    start = text.index(":", key.end_mark.index) + 1 if behind_colon else old.start_mark.index
    stop = max(start, _content_end(old))
    if is_block and value:
        return text[:start] + "\n" + _block(value, key.start_mark.column).rstrip("\n") + text[stop:]
    space = " " if behind_colon else ""
    return text[:start] + space + _in_line(value) + text[stop:]
