"""libpg_query's JSON parse tree: nodes by type, each with its location.

Trees can be thousands of levels deep (a chain of operators, a UNION of many branches), so nothing here
recurses: neither the decoder nor the walk.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, NamedTuple, cast

Node = dict[str, Any]
"""A node's fields, as libpg_query writes them; fields with their default value are left out."""


class NodeRef(NamedTuple):
    """A node and its location.

    Attributes:
        node: The node's fields.
        location: Byte offset in the UTF-8 text, its own or that of the nearest node around it.
    """

    node: Node
    location: int


Place = tuple[Node, int]
"""A `NodeRef` without names: to make those of all nodes would take a third of the walk's time."""

_LOCATION: Final = itemgetter(1)


@dataclass(frozen=True)
class Tree:
    """One statement's tree.

    Attributes:
        kind: The statement's node type, ``SelectStmt`` for instance.
        root: Its fields.
        start: Byte offset of the statement's first token.
        end: Byte offset of the semicolon that ends it; ``None`` when it runs to the end of the text.
    """

    kind: str
    root: Node
    start: int
    end: int | None

    @cached_property
    def nodes(self) -> Mapping[str, list[Place]]:
        """Its nodes, the statement itself included, by node type and in no order."""
        return walk(self.root, self.kind, self.start)

    def __contains__(self, kind: object) -> bool:
        """Tell whether a node of this type is anywhere in the tree."""
        return kind in self.nodes

    def find(self, kind: str) -> Sequence[NodeRef]:
        """Find all nodes of a type, in the order of their locations."""
        if (found := self.nodes.get(kind)) is None:
            return ()
        return [NodeRef(*place) for place in (sorted(found, key=_LOCATION) if len(found) > 1 else found)]


def decode(text: str) -> tuple[Tree, ...]:
    """Read libpg_query's JSON into one tree a statement.

    Raises:
        RecursionError: It is both deep and large; reading it would take seconds.
    """
    return tuple(_tree(raw) for raw in loads(text)["stmts"])


def strings(items: object) -> list[str]:
    """Read the texts of a list of ``String`` nodes: the parts of a dotted name."""
    listed = cast("list[Node]", items or [])
    return [item["String"].get("sval", "") for item in listed if "String" in item]


def constant(value: object) -> str | None:
    """Read a constant's text as SQL prints it (``t`` and ``f`` for booleans); ``None`` for other nodes."""
    fields = cast("Node", value or {})
    inner: Node = fields.get("A_Const") or fields
    for kind, key in (("sval", "sval"), ("String", "sval"), ("fval", "fval"), ("Float", "fval")):
        if kind in inner:
            return str(inner[kind].get(key, ""))
    for kind in ("ival", "Integer"):
        if kind in inner:
            return str(inner[kind].get("ival", 0))
    for kind in ("boolval", "Boolean"):
        if kind in inner:
            return "t" if inner[kind].get("boolval") else "f"
    return None


def _tree(raw: Node) -> Tree:
    ((kind, top),) = raw["stmt"].items()
    start: int = raw.get("stmt_location", 0)
    length: int = raw.get("stmt_len", 0)
    return Tree(kind, top, start, start + length if length else None)


_LEAVES: Final = frozenset({"String", "A_Const", "A_Star", "Integer", "Float", "Boolean", "BitString"})


def walk(  # noqa: C901 - one loop, without calls
    top: Node, kind: str = "Node", start: int = 0
) -> dict[str, list[Place]]:
    """Collect all nodes below and with one, but constants and names.

    A key in upper case names a node's type, one in lower case is a field, which may hold a node as well;
    of those only ``intoClause`` is collected, as ``IntoClause``. A list holds nodes with their types.
    """
    nodes: dict[str, list[Place]] = {}
    waiting: list[tuple[str, Node, int]] = [(kind, top, start)]
    while waiting:
        key, fields, location = waiting.pop()
        if "location" in fields and type(own := fields["location"]) is int and own > 0:
            location = own  # CREATE TABLESPACE has a text there
        if key < "a":
            if key in nodes:
                nodes[key].append((fields, location))
            else:
                nodes[key] = [(fields, location)]
        elif key == "intoClause":
            nodes["IntoClause"] = [(fields, location)]
        for field, child in fields.items():  # a fifth of the guard's time
            if type(child) is list:
                for item in cast("list[Node]", child):
                    for each in item:
                        if each not in _LEAVES:
                            waiting.append((each, item[each], location))  # noqa: PERF401 - half as fast
            elif type(child) is dict and field not in _LEAVES:
                waiting.append((field, cast("Node", child), location))
    return nodes


_SHORT: Final = 8_000
"""Characters that `json` may read in one: its C stack takes a thousand levels of them in any thread."""
_PIECE: Final = 500
_DEEP: Final = 1_000
_MAX_DEEP_TEXT: Final = 4_000_000
"""Most characters of a tree of more than ``_DEEP`` levels: some 25,000 chained operators."""

_read_piece: Final = json.JSONDecoder().raw_decode


def loads(text: str) -> Node:
    """`json.loads` in small steps, for what libpg_query writes: no white space, keys without escapes.

    `json` reads all of a text in one, however deep it has to go, and lets no other thread run meanwhile: the
    event loop would wait. So what is longer than a piece is opened here, and `json` reads what is in it.

    Raises:
        RecursionError: It is both deep and large.
    """
    if len(text) <= _SHORT:
        with suppress(RecursionError):
            return _read_piece(text)[0]
    root: list[Any] = []
    holders: list[Any] = [root]
    at, key = 0, ""
    while True:
        is_object = isinstance(holders[-1], dict)
        if text[at] in "]}":
            holders.pop()
            at += 1
        else:
            if is_object:
                end = text.index('"', at + 1)
                key, at = text[at + 1 : end], end + 2
            value, end = _small(text, at)
            if is_object:
                holders[-1][key] = value
            else:
                holders[-1].append(value)
            if end is None:
                holders.append(value)
                if len(holders) > _DEEP and len(text) > _MAX_DEEP_TEXT:
                    raise RecursionError("deep and large")
            at = at + 1 if end is None else end
        if len(holders) == 1:
            return root[0]
        if text[at] == ",":
            at += 1


def _small(text: str, at: int) -> tuple[Any, int | None]:
    """Read the value at a place and give its end; of a long object or array, an empty one without an end."""
    opening = text[at]
    if opening not in "{[":
        return _read_piece(text, at)
    try:
        value, length = _read_piece(text[at : at + _PIECE], 0)
    except ValueError:
        return ({} if opening == "{" else []), None
    return value, at + length
