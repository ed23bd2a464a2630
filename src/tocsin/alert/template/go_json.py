"""
Values as JSON, as Go writes it: no space, and `<`, `>`, `&` as escapes, so that it can stand in a page.

Source: Go documentation, package encoding/json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from tocsin.alert.template.printing import NESTED_MAX
from tocsin.alert.template.times import RFC3339_NANO, GoDuration, GoTime
from tocsin.alert.template.values import Structure, Value, is_list, type_name
from tocsin.errors import InvalidInput, LimitExceeded

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
ELEMENTS_MAX = 100_000


def to_json(value: Value) -> str:
    """
    A value as JSON text.

    Raises:
        InvalidInput: It has no form in JSON, LimitExceeded: it is too large.
    """
    text = json.dumps(json_value(value), ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def json_value(value: Value) -> Value:
    """The same as plain objects, lists, texts and numbers; surrogates that stand alone are replaced."""
    return _plain(value, 0, [ELEMENTS_MAX])


def _plain(value: Value, depth: int, room: list[int]) -> Value:
    room[0] -= 1
    if depth > NESTED_MAX or room[0] < 0:
        raise LimitExceeded("the value is too large for JSON")
    match value:
        case None | bool() | int():
            return value
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case float():
            return _number(value)
        case GoTime():
            return value.format(RFC3339_NANO)
        case GoDuration():
            return value.nanoseconds
        case Structure():
            return _composed(value.json_form(), depth, room)
    return _composed(value, depth, room)


def _composed(value: Value, depth: int, room: list[int]) -> Value:
    if isinstance(value, Mapping):
        return {str(key): _plain(one, depth + 1, room) for key, one in value.items()}
    if is_list(value):
        return [_plain(one, depth + 1, room) for one in value]
    raise InvalidInput(f"a value of type {type_name(value)} has no form in JSON")


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise InvalidInput(f"JSON has no number for {value}")
    return int(value) if value == int(value) and abs(value) < 1e15 else value
