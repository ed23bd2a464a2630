"""
What a question asks of a record, as a tree of plain values: the query room builds it, `render` turns it into SQL.

    event:tool AND latency_ms:>1000 "full table scan"

    And((Equals(Field("event"), "tool"), Compare(Field("latency_ms"), ">", 1000.0), Phrase("full table scan")))

Nothing here knows a table or a column. A record that lacks a field satisfies no condition on it, so it satisfies every `Not` of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal["<", "<=", ">", ">="]


class Scope(Enum):
    """Where a field is looked for."""

    INTRINSIC = "intrinsic"  # a part of the record's own, such as its service
    ANYWHERE = "anywhere"  # every kind of attribute
    RECORD = "record"  # attributes of the log record or span itself
    RESOURCE = "resource"
    EVENT = "event"  # attributes of a span's events
    LINK = "link"  # attributes of a span's links


class Gap(Enum):
    """The part of a wildcard that stands for text: any amount of it, or exactly one character."""

    MANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute's key, or the name of an intrinsic part of the record."""

    name: str
    scope: Scope = Scope.ANYWHERE


@dataclass(frozen=True, slots=True)
class Everything:
    """Every record satisfies it."""


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part holds, or several."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Word:
    """A whole word of the record's text, any case, or exactly an attribute's value."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other in the record's text, any case, whatever stands between them, or exactly an attribute's value."""

    text: str


@dataclass(frozen=True, slots=True)
class Equals:
    """
    The field has the value: one text for attributes, compared by value when it is a number (5000 finds 5000 and 5000.0).

    For intrinsic fields the value has the column's own type: kinds and statuses are OTLP numbers, ids are hexadecimal.
    """

    field: Field
    value: str | int


@dataclass(frozen=True, slots=True)
class Compare:
    """The field lies on one side of a bound: by value when the bound is a number, else in the order of texts."""

    field: Field
    operator: Operator
    bound: str | float


@dataclass(frozen=True, slots=True)
class Between:
    """The field lies between two bounds of one type, each of which may belong to the range."""

    field: Field
    low: str | float
    high: str | float
    low_included: bool = True
    high_included: bool = True


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The whole value fits the pattern; without a field, a part of the record's text does, any case."""

    field: Field | None
    pieces: tuple[str | Gap, ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """The regular expression (RE2) is found in the value, or, without a field, in the record's text."""

    field: Field | None
    pattern: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The record has the field, whatever its value."""

    field: Field


Leaf: TypeAlias = Everything | Word | Phrase | Equals | Compare | Between | Wildcard | Regex | Exists
Predicate: TypeAlias = Leaf | And | Or | Not


def leaves(predicate: Predicate) -> list[Leaf]:
    """Every condition of the tree, each once, from left to right."""
    found: dict[Leaf, None] = {}
    waiting: list[Predicate] = [predicate]
    while waiting:
        match waiting.pop():
            case And(parts) | Or(parts):
                waiting.extend(reversed(parts))
            case Not(part):
                waiting.append(part)
            case leaf:
                found[leaf] = None
    return list(found)
