"""
Functions that every template has: those of Go's text/template.

`and` and `or` are not here: they look at their arguments one after another and stop, so the one who evaluates does them.
Source: Go documentation, package text/template, 'Functions'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote_plus

from tocsin.alert.template.printing import sprint, sprintf, sprintln
from tocsin.alert.template.values import Function, Kind, Structure, Value, element, is_list, truth, type_name
from tocsin.errors import InvalidInput

SHORT_CIRCUITS = ("and", "or")

_HTML = str.maketrans({"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def html(text: str) -> str:
    """A text in which HTML sees no markup."""
    return text.translate(_HTML)


def js(text: str) -> str:
    """A text that can stand in quotes in JavaScript."""
    return "".join(_JS.get(one) or (one if one.isprintable() else f"\\u{ord(one):04X}") for one in text)


def url_query(text: str) -> str:
    """A text as the value of a parameter of a URL."""
    return quote_plus(text.encode("utf-8", "replace"))


def _printed(change: Callable[[str], str]) -> Callable[..., str]:
    """Whatever is given is printed as one text and changed."""
    return lambda *values: change(values[0] if len(values) == 1 and isinstance(values[0], str) else sprint(*values))


def length(value: Value) -> int:
    """How many elements a list or a map has, or bytes a text, as in Go."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    if is_list(value) or isinstance(value, Mapping):
        return len(value)
    raise InvalidInput(f"a value of type {type_name(value)} has no length; a text, a list or a map has")


def index(value: Value, *keys: Value) -> Value:
    """`index x 1 "a"`: x[1]["a"]; a map without the key gives its zero value."""
    for key in keys:
        if isinstance(value, Mapping):
            if not isinstance(key, str):
                raise InvalidInput(f"a map is asked for a text, found one of type {type_name(key)}")
            value = element(value, key)
        elif is_list(value) or isinstance(value, str):
            value = _at(value, key)
        else:
            raise InvalidInput(f"a value of type {type_name(value)} can't be indexed; a list, a map or a text can")
    return value


def _at(value: Value, key: Value) -> Value:
    if isinstance(key, bool) or not isinstance(key, int):
        raise InvalidInput(f"a list is asked for a whole number, found a value of type {type_name(key)}")
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if not 0 <= key < len(value):
        raise InvalidInput(f"index {key} is out of range: there are {len(value)}, counted from 0")
    return value[key]


def cut(value: Value, *bounds: Value) -> Value:
    """`slice x 1 3`: x[1:3]; of a text its bytes."""
    if not is_list(value) and not isinstance(value, str):
        raise InvalidInput(f"a value of type {type_name(value)} can't be sliced; a list or a text can")
    if len(bounds) > (2 if isinstance(value, str) else 3):
        raise InvalidInput("slice takes a value and at most two bounds of a text, three of a list")
    whole = value.encode("utf-8", "replace") if isinstance(value, str) else value
    for bound in bounds:
        if isinstance(bound, bool) or not isinstance(bound, int) or not 0 <= bound <= len(whole):
            raise InvalidInput(f"slice takes whole numbers from 0 to {len(whole)}, found {sprint(bound)}")
    if list(bounds) != sorted(bounds):
        raise InvalidInput("the bounds of a slice must not fall")
    part = whole[bounds[0] if bounds else 0 : bounds[1] if len(bounds) > 1 else len(whole)]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part


def _comparable(value: Value) -> type | None:
    """What it can be compared with: values of the same basic type."""
    for basic in (bool, int, float, str):
        if isinstance(value, basic):
            return basic
    return None


def _equal(first: Value, second: Value) -> bool:
    one, other = _comparable(first), _comparable(second)
    if first is None or second is None:
        return first is None and second is None
    if isinstance(first, Structure) and type(first) is type(second) and not isinstance(first, Mapping):
        return bool(first == second)
    if one is None or other is None:
        raise InvalidInput(f"values of type {type_name(first)} and {type_name(second)} can't be compared")
    if one is not other:
        raise InvalidInput(f"a {type_name(first)} can't be compared with a {type_name(second)}; write 5.0 to compare with a float")
    return bool(first == second)


def equal(first: Value, *others: Value) -> bool:
    """`eq x a b c`: whether x is one of the others."""
    if not others:
        raise InvalidInput("eq compares at least two values")
    return any(_equal(first, other) for other in others)


def _less(first: Value, second: Value) -> bool:
    one, other = _comparable(first), _comparable(second)
    if one in (None, bool) or other in (None, bool):
        raise InvalidInput(f"values of type {type_name(first)} and {type_name(second)} have no order")
    if one is not other:
        raise InvalidInput(f"a {type_name(first)} can't be compared with a {type_name(second)}; write 5.0 to compare with a float")
    return bool(first < second)


def _at_most(first: Value, second: Value) -> bool:
    return _less(first, second) or _equal(first, second)


def call(function: Value, *values: Value) -> Value:
    """`call f a b`: what a function that is a value gives."""
    if not isinstance(function, Function):
        raise InvalidInput(f"a value of type {type_name(function)} can't be called")
    return function.run(*values)


_TWO = (Kind.ANY, Kind.ANY)
GO_FUNCTIONS: Mapping[str, Function] = {
    "call": Function(call, (Kind.ANY,), Kind.ANY),
    "eq": Function(equal, (Kind.ANY,), Kind.ANY),
    "ge": Function(lambda first, second: not _less(first, second), _TWO),
    "gt": Function(lambda first, second: not _at_most(first, second), _TWO),
    "html": Function(_printed(html), (), Kind.ANY),
    "index": Function(index, (Kind.ANY,), Kind.ANY),
    "js": Function(_printed(js), (), Kind.ANY),
    "le": Function(_at_most, _TWO),
    "len": Function(length, (Kind.ANY,)),
    "lt": Function(_less, _TWO),
    "ne": Function(lambda first, second: not _equal(first, second), _TWO),
    "not": Function(lambda value: not truth(value), (Kind.ANY,)),
    "print": Function(sprint, (), Kind.ANY),
    "printf": Function(sprintf, (Kind.TEXT,), Kind.ANY),
    "println": Function(sprintln, (), Kind.ANY),
    "slice": Function(cut, (Kind.ANY,), Kind.ANY),
    "urlquery": Function(_printed(url_query), (), Kind.ANY),
}
NAMES = frozenset({*GO_FUNCTIONS, *SHORT_CIRCUITS})
