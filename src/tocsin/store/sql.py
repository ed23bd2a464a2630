"""
Statements as values: text with typed placeholders, and the parameters that fill them.

    Sql("service = {s:String}", {"s": "checkout"})

Values never enter the text: the engine substitutes `{name:Type}` itself, in chDB and on a server alike. Fragments are joined
with `+` and `Sql.join`; a bare `str` is refused, so that no value can be spliced in by accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

Parameter: TypeAlias = "str | int | float | bool | bytes | list[str] | list[int] | list[float]"


@dataclass(frozen=True, slots=True)
class Sql:
    """
    A statement or a piece of one.

    Args:
        text: SQL with placeholders `{name:Type}`; a constant of the source code, never built from input.
        params: A value for each placeholder.
    """

    text: str
    params: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))

    def __add__(self, other: Sql) -> Sql:
        if not isinstance(other, Sql):
            raise TypeError(f"only Sql can be joined to Sql, not {type(other).__name__}: put values into params")
        return Sql(self.text + other.text, _merge(self.params, other.params))

    @staticmethod
    def join(separator: str, parts: Iterable[Sql]) -> Sql:
        """Pieces with `separator` (a constant such as ' AND ') between them."""
        pieces = list(parts)
        merged: Mapping[str, Parameter] = {}
        for piece in pieces:
            merged = _merge(merged, piece.params)
        return Sql(separator.join(piece.text for piece in pieces), merged)


class ParameterNames:
    """Hands out placeholders with names that do not clash within one statement: `names.bind("String", value)`."""

    def __init__(self, prefix: str = "p") -> None:
        self._prefix = prefix
        self._used = 0

    def bind(self, engine_type: str, value: Parameter) -> Sql:
        """A fragment that is one placeholder of the given engine type, bound to `value`."""
        name = f"{self._prefix}{self._used}"
        self._used += 1
        return Sql("{" + name + ":" + engine_type + "}", {name: value})


def quote_string(text: str) -> str:
    """`text` as a quoted SQL literal, for the few places where the engine takes no placeholder (settings, table functions)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def encode_parameter(value: Parameter) -> str:
    """
    A value in the text form that the engine parses placeholders from: strings with TSV escapes, arrays as `['a','b']`.

    The same text goes to chDB's parameters and to a server's `param_NAME` URL arguments.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("latin-1").translate(_TSV_ESCAPES)
    if isinstance(value, str):
        return value.translate(_TSV_ESCAPES)
    if isinstance(value, list):
        return "[" + ",".join(quote_string(item) if isinstance(item, str) else encode_parameter(item) for item in value) + "]"
    return repr(value)


_TSV_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"})


def _merge(left: Mapping[str, Parameter], right: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
    for name in left.keys() & right.keys():
        assert left[name] == right[name], f"placeholder {name} is bound to two values"
    return MappingProxyType({**left, **right})
