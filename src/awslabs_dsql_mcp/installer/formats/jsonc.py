"""Members of JSON texts set and taken out, with comments, commas, indentation and order left alone."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from awslabs_dsql_mcp.installer.formats import Format, NotEditable, Path
from awslabs_dsql_mcp.installer.formats.jsonc_parser import Member, Value, read_tree

_BLANK_OR_COMMENT = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_DEFAULT_INDENT = "  "


def read(text: str) -> Mapping[str, object]:
    """Read a text as data; nothing but comments is an empty object."""
    return cast("dict[str, object]", _root(text).data)


def put(text: str, path: Path, value: object) -> str:
    """Give the text with a value at a path."""
    text = _with_object(text)
    found, rest = _descend(_root(text), path)
    if not rest:
        return _replaced(text, found[-1], value)
    target = found[-1].value if found else _root(text)
    if target.members is None:
        raise NotEditable(f"{'.'.join(path[: len(path) - len(rest)])!r} in it is not an object")
    for key in reversed(rest[1:]):
        value = {key: value}
    return _added(text, target, rest[0], value)


def drop(text: str, path: Path) -> str:
    """Give the text without the member at a path."""
    found, rest = _descend(_root(text), path)
    if rest:
        return text
    parent = found[-2].value if len(found) > 1 else _root(text)
    return _taken_out(text, parent, found[-1])


JSON = Format("JSON", read, put, drop)


def _root(text: str) -> Value:
    root = read_tree(text) or Value({}, 0, 0, ())
    if root.members is None:
        raise NotEditable("it is not a JSON object")
    return root


def _with_object(text: str) -> str:
    if read_tree(text) is not None:
        return text
    return text + ("\n" if text and not text.endswith("\n") else "") + "{}\n"


def _descend(root: Value, path: Path) -> tuple[list[Member], Path]:
    """Follow a path; give the members found on it and the keys that are missing."""
    found, here = list[Member](), root
    for place, key in enumerate(path):
        member = here.member(key)
        if member is None:
            return found, path[place:]
        found.append(member)
        here = member.value
    return found, ()


@dataclass(frozen=True)
class _Layout:
    """Layout of a member: its indentation, or on one line with its siblings."""

    indent: str | None
    unit: str

    def render(self, value: object) -> str:
        if self.indent is None:
            return json.dumps(value, ensure_ascii=False)
        lines = json.dumps(value, ensure_ascii=False, indent=self.unit).split("\n")
        return ("\n" + self.indent).join(lines)


def _replaced(text: str, member: Member, value: object) -> str:
    layout = _Layout(_own_line(text, member.start), _unit(text))
    return text[: member.value.start] + layout.render(value) + text[member.value.stop :]


def _added(text: str, target: Value, key: str, value: object) -> str:
    """Add a member behind the others, and behind the comments that follow them."""
    layout = _layout_in(text, target)
    member = f"{json.dumps(key, ensure_ascii=False)}: {layout.render(value)}"
    last = target.members[-1] if target.members else None
    end = _content_end(text, last, target)
    comma_after = "," if last and last.comma is not None else ""
    if layout.indent is None:
        comma = "" if comma_after or not last else ","
        return text[:end] + f"{comma} {member}{comma_after}" + text[end:]
    closing = text[end : target.stop - 1]
    if "\n" not in closing:
        closing = "\n" + _line_indent(text, target.start)
    text = text[:end] + f"\n{layout.indent}{member}{comma_after}" + closing + text[target.stop - 1 :]
    if last and not comma_after:
        text = text[: last.value.stop] + "," + text[last.value.stop :]
    return text


def _content_end(text: str, last: Member | None, target: Value) -> int:
    """Find the end of the last thing before the closing brace, comments included."""
    start = target.start + 1 if last is None else last.value.stop if last.comma is None else last.comma + 1
    gap = _BLANK_OR_COMMENT.match(text, start, target.stop - 1)
    return start + len(gap.group().rstrip(" \t\r\n")) if gap else start


def _layout_in(text: str, target: Value) -> _Layout:
    """Write as the siblings are written; an only child stands on a line of its own."""
    unit = _unit(text)
    if not target.members:
        return _Layout(_line_indent(text, target.start) + unit, unit)
    if "\n" not in text[target.start : target.stop]:
        return _Layout(None, unit)
    own = [indent for m in target.members if (indent := _own_line(text, m.start)) is not None]
    return _Layout(own[-1] if own else _line_indent(text, target.start) + unit, unit)


def _taken_out(text: str, parent: Value, member: Member) -> str:
    members = parent.members or ()
    place = members.index(member)
    stop = member.value.stop if member.comma is None else member.comma + 1
    start, stop = _cut(text, member.start, stop, is_last=place == len(members) - 1)
    kept = text[:start], text[stop:]
    if len(members) == 1 and not (text[parent.start + 1 : start] + text[stop : parent.stop - 1]).strip():
        return text[: parent.start + 1] + text[parent.stop - 1 :]
    before = members[place - 1].comma if place and member.comma is None else None
    if before is not None:
        kept = kept[0][:before] + kept[0][before + 1 :], kept[1]
    return kept[0] + kept[1]


def _cut(text: str, start: int, stop: int, *, is_last: bool) -> tuple[int, int]:
    """Widen a member's place by the blanks that were there for its sake."""
    line_end = text.find("\n", stop)
    rest = text[stop : len(text) if line_end < 0 else line_end]
    if _own_line(text, start) is not None and not rest.strip():
        begin = text.rfind("\n", 0, start)
        return max(begin, 0), stop + len(rest)
    if is_last:
        return len(text[:start].rstrip(" \t")), stop
    return start, stop + len(rest) - len(rest.lstrip(" \t"))


def _own_line(text: str, at: int) -> str | None:
    """Give the indentation of what stands first on its line; ``None`` where something is before it."""
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return None if before.strip() or "\n" not in text[:at] else before


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _unit(text: str) -> str:
    """Take the file's step of indentation from the first member that has one."""
    root = read_tree(text)
    for member in (root and root.members) or ():
        indent = _own_line(text, member.start)
        if indent:
            return indent
    return _DEFAULT_INDENT
