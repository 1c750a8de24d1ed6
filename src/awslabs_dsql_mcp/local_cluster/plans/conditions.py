"""Conditions of a plan, as PostgreSQL writes them: their parts, their columns, and where they are decided.

In a verbose plan each column has its table's name in front of it, which tells columns from all else.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_TOKEN: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d][\w$]*|.""", re.DOTALL)
_CONSTANT: Final = r"'(?:[^']|'')*'::([a-z][a-z ]*(?:\(\d+\))?)|-?\d+|\$\d+|true|false"
_COLUMN: Final = "\0"  # no text of a plan has one
_COMPARED: Final = re.compile(rf"\({_COLUMN} (=|<>|<|<=|>|>=) (?:{_CONSTANT})\)")
_KNOWN_OR_NOT: Final = re.compile(rf"\({_COLUMN} IS (?:NOT )?NULL\)|{_COLUMN}|\(NOT {_COLUMN}\)")
_OF_THE_PROCESSOR: Final = frozenset(("numeric", "double precision", "real"))


def references(text: str) -> Iterator[tuple[str, str]]:
    """Yield the columns in a text, each with the name of its table in the query, as the text writes them.

    Args:
        text: Condition or list of expressions.
    """
    tokens = _TOKEN.findall(text)
    for at in _places(tokens):
        yield tokens[at], tokens[at + 2]


def names(text: str) -> Iterator[str]:
    """Yield the names in a text, of whatever they are, as the text writes them."""
    return filter(_is_name, _TOKEN.findall(text))


def columns(text: str, table: str) -> list[str]:
    """List the columns of a table in a text, each once."""
    return list(dict.fromkeys(column for of, column in references(text) if of == table))


def without_table(text: str, table: str) -> str:
    """Write the columns of a table without its name."""
    tokens = _TOKEN.findall(text)
    dropped = {at for place in _places(tokens) if tokens[place] == table for at in (place, place + 1)}
    return "".join(token for at, token in enumerate(tokens) if at not in dropped)


def _places(tokens: Sequence[str]) -> Iterator[int]:
    for at in range(1, len(tokens) - 1):
        if tokens[at] == "." and _is_name(tokens[at - 1]) and _is_name(tokens[at + 1]):
            yield at - 1


def _is_name(token: str) -> bool:
    return token[0] in '_"' or token[0].isalpha()


def conjuncts(condition: str) -> list[str]:
    """Take a condition apart at its outermost ANDs."""
    parts, depth, start = list[str](), 0, 1
    tokens = _TOKEN.findall(condition)
    at = 0
    for place, piece in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 1 and piece == "AND" and tokens[place - 1] == " ":
            parts.append(condition[start : at - 1])
            start = at + len("AND ")
        if not depth and place < len(tokens) - 1:
            return [condition]  # its parentheses are not around all of it
        at += len(piece)
    return [*parts, condition[start:-1]] if parts else [condition]


def all_of(parts: Sequence[str]) -> str:
    """Put conjuncts together again."""
    return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"


def is_decided_by_storage(condition: str, table: str) -> bool:
    """Say if the storage decides a condition before a row travels.

    Recorded on clusters: comparisons of a column with a constant of text, uuid, integers and timestamps are;
    those of numeric, LIKE and comparisons of rows are not. By likeness: IS NULL, booleans, other types.
    """
    _, shape = _shape(condition, table)
    if _KNOWN_OR_NOT.fullmatch(shape):
        return True
    compared = _COMPARED.fullmatch(shape)
    return compared is not None and compared[2] not in _OF_THE_PROCESSOR


def comparison(condition: str, table: str) -> tuple[str, str] | None:
    """Take a comparison of a column with a constant apart: the column, and the operator."""
    column, shape = _shape(condition, table)
    compared = _COMPARED.fullmatch(shape)
    return (column, compared[1]) if compared else None


def _shape(condition: str, table: str) -> tuple[str, str]:
    """Find the only column of a condition, and write the condition with a mark in its place."""
    tokens = _TOKEN.findall(condition)
    places = list(_places(tokens))
    if len(places) != 1 or tokens[places[0]] != table:
        return "", ""
    place = places[0]
    column, tokens[place : place + 3] = tokens[place + 2], [_COLUMN]
    return column, re.sub(rf"\({_COLUMN}\)::[a-z]+(?: [a-z]+)*", _COLUMN, "".join(tokens))
