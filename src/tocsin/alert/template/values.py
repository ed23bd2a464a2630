"""
What templates work on, in Python's words: Go's types, and what of them a template can see.

    bool, int, float, str     as they are                nil          None
    slice                     list or tuple              map          a mapping with text for keys
    struct, and anything with methods                    a Structure

A map of texts gives an empty text for a key that it does not have (`Texts`), any other mapping gives nil.
Source: Go documentation, package text/template, 'Actions' (truth), 'Arguments' (fields, keys, methods).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from tocsin.errors import InvalidInput

Value: TypeAlias = Any  # one of those above; a template can't be typed before it runs


class Kind(Enum):
    """What a function takes; the value is Go's word for it."""

    ANY = "interface {}"
    TEXT = "string"
    LIST = "list"
    TEXTS = "[]string"
    TIME = "time.Time"
    DURATION = "time.Duration"


@dataclass(frozen=True, slots=True)
class Function:
    """
    What a template may call.

    Args:
        run: Gets as many values as were given, checked; raises InvalidInput.
        takes: What it needs, in order.
        more: What any number of further values must be; None: it takes no more.
    """

    run: Callable[..., Value]
    takes: tuple[Kind, ...] = ()
    more: Kind | None = None

    def kind_at(self, index: int) -> Kind:
        """What the value at an index must be."""
        return self.takes[index] if index < len(self.takes) else self.more or Kind.ANY


class Structure:
    """A struct of Go, or a type with methods: what subclasses show of themselves."""

    type_name = "struct"

    def members(self) -> Mapping[str, Value]:
        """Its fields, in order."""
        return {}

    def methods(self) -> Mapping[str, Function]:
        """What can be called on it."""
        return {}

    def json_form(self) -> Value:
        """What it is in JSON: None, numbers, texts, lists and mappings."""
        return dict(self.members())


class Texts(dict[str, str], Structure):
    """A map of texts: labels, annotations."""

    type_name = "map[string]string"


def truth(value: Value) -> bool:
    """Whether `if` takes its first branch: not for false, 0, nil, and what is empty; a struct is always true."""
    if isinstance(value, Mapping) or is_list(value):
        return len(value) > 0
    return True if isinstance(value, Structure) else bool(value)


def type_name(value: Value) -> str:
    """What Go calls its type."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case Structure():
            return value.type_name
        case Mapping():
            return "map[string]interface {}"
        case list() | tuple():
            return "[]string" if value and all(isinstance(one, str) for one in value) else "[]interface {}"
        case Function():
            return "func"
    return type(value).__name__


def is_list(value: Value) -> bool:
    """Whether it is a slice."""
    return isinstance(value, list | tuple)


def fits(value: Value, kind: Kind) -> bool:
    """Whether a value is what a function takes, without any conversion."""
    match kind:
        case Kind.ANY:
            return True
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.LIST:
            return value is None or is_list(value)
        case Kind.TEXTS:
            return is_list(value) and all(isinstance(one, str) for one in value)
        case _:
            return isinstance(value, Structure) and value.type_name == kind.value


def member(value: Value, name: str) -> Value:
    """
    `.name` of a value: a method (a Function that is not called yet), a field, or the value of a key.

    Raises:
        InvalidInput: There is no such thing.
    """
    if isinstance(value, Structure):
        methods = value.methods()
        if name in methods:
            return methods[name]
        if not isinstance(value, Mapping):
            members = value.members()
            if name in members:
                return members[name]
            known = ", ".join([*members, *methods])
            raise InvalidInput(f"{value.type_name} has no field {name}; it has {known}")
    if isinstance(value, Mapping):
        return element(value, name)
    if value is None:
        raise InvalidInput(f"there is no .{name}, for nothing is being looked at (nil)")
    raise InvalidInput(f"a value of type {type_name(value)} has no field {name}")


def element(value: Mapping[str, Value], key: str) -> Value:
    """The value of a key; where it is missing an empty text in a map of texts, else nil."""
    return value.get(key, "" if isinstance(value, Texts) else None)


def elements(value: Value) -> Sequence[tuple[Value, Value]]:
    """
    What `range` goes over: index or key, and value; keys in order.

    Raises:
        InvalidInput: It is nothing that can be gone over.
    """
    if value is None:
        return ()
    if is_list(value):
        return list(enumerate(value))
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value)]
    raise InvalidInput(f"range can't go over a value of type {type_name(value)}; it goes over lists, maps and whole numbers")
