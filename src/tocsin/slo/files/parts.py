"""
The values of an SLO file with their places: what the readers of each kind walk.

A `Part` is a scalar, a list or a mapping. Its getters note a mistake when the value is of another sort and return some default, so that
reading goes on and finds the next mistake. `Fields` is a mapping whose keys are known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum

from tocsin.model.spelling import did_you_mean
from tocsin.slo.files.notes import Notes, Place, listed

SHOWN_MAX = 60  # characters of a wrong value that a message repeats
MERGE_KEY = "<<"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Sort(Enum):
    """What a part is; the value is its name in messages."""

    SCALAR = "a single value"
    LIST = "a list"
    MAPPING = "a mapping of names to values"


@dataclass(slots=True, eq=False)
class Part:
    """
    One value of a file.

    Args:
        place: Where it stands.
        notes: Where mistakes go.
        sort: What it is.
        value: The text of a scalar, as it means after quotes and escapes.
        quoted: The scalar stands in quotes or is a block, so it is a text whatever it looks like.
        items: Elements of a list.
        pairs: Keys and values of a mapping, as written: merge keys and doubles included.
        size: Values in it, aliases counted in full.
        depth: Levels in it, through aliases as well.
        text_offset: Columns between the place and the scalar's first character; None when the text does not stand there as it means.
    """

    place: Place
    notes: Notes
    sort: Sort = Sort.SCALAR
    value: str = ""
    quoted: bool = False
    items: list[Part] = field(default_factory=list)
    pairs: list[tuple[Part, Part]] = field(default_factory=list)
    size: int = 1
    depth: int = 1
    text_offset: int | None = None

    @property
    def is_null(self) -> bool:
        """Whether nothing stands there: `key:`, `key: null`."""
        return self.sort is Sort.SCALAR and not self.quoted and self.value in _NULLS

    @property
    def shown(self) -> str:
        """The value as messages repeat it."""
        if self.sort is not Sort.SCALAR:
            return str(self.sort.value)
        return repr(self.value) if len(self.value) <= SHOWN_MAX else repr(self.value[:SHOWN_MAX]) + "..."

    def wrong(self, message: str, position: int | None = None) -> None:
        """Note a mistake here, or at a character of the scalar's text where that can be told."""
        place = self.place
        if position is not None and self.text_offset is not None:
            place = Place(place.path, place.line, place.column + self.text_offset + position)
        self.notes.mistake(place, message)

    def remark(self, message: str) -> None:
        """Note what is allowed but probably not meant."""
        self.notes.remark(self.place, message)

    def text(self, what: str = "a text") -> str:
        """The scalar's text without spaces around it; empty for nothing."""
        if self.sort is not Sort.SCALAR:
            self.wrong(f"expected {what}, found {self.shown}")
            return ""
        return "" if self.is_null else self.value.strip()

    def number(self, default: float = 0.0) -> float:
        """A finite number."""
        text = self.text("a number")
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if math.isfinite(number):
            return number
        if self.sort is Sort.SCALAR:
            self.wrong(f"expected a number, found {self.shown}")
        return default

    def flag(self, *, default: bool = False) -> bool:
        """True or false."""
        text = self.text("true or false").lower()
        if text in _TRUE | _FALSE:
            return text in _TRUE
        if self.sort is Sort.SCALAR:
            self.wrong(f"expected true or false, found {self.shown}")
        return default

    def choice(self, known: Collection[str]) -> str:
        """One of several words; the first of them when it is none."""
        text = self.text(listed(known))
        if text in known:
            return text
        if self.sort is Sort.SCALAR:
            self.wrong(f"expected {listed(known)}, found {self.shown}{did_you_mean(text, known)}")
        return next(iter(known))

    def elements(self, what: str) -> list[Part]:
        """The elements of a list; none for nothing."""
        if self.sort is Sort.LIST:
            return self.items
        if not self.is_null:
            self.wrong(f"expected a list of {what}, found {self.shown}; write each after a '-'")
        return []

    def fields(self, what: str, known: Collection[str], *, open_ended: bool = False) -> Fields:
        """
        A mapping whose keys are known.

        Args:
            what: Names it in messages, with its article: `an objective`.
            known: Keys that it may have.
            open_ended: Others may have added keys of their own: a mistake is only what looks like a slip of the pen, the rest is remarked.
        """
        found: dict[str, Part] = {}
        for key, value in self.entries(what):
            name = key.value
            if name in known:
                found.setdefault(name, value)
                continue
            near = did_you_mean(name, known)
            if near or not open_ended:
                key.wrong(f"{what} has no field {key.shown}{near or '; it may have ' + ', '.join(known)}")
            else:
                key.remark(f"{what} has no field {key.shown} in the specification, so it is ignored")
        return Fields(self, what, found)

    def entries(self, what: str) -> Iterator[tuple[Part, Part]]:
        """Keys and values of a mapping, merged ones (`<<`) last, each key once; a key that stands there twice is a mistake."""
        if self.sort is not Sort.MAPPING:
            if not self.is_null:
                self.wrong(f"expected {what} as {Sort.MAPPING.value}, found {self.shown}")
            return
        seen: dict[str, Part] = {}
        merged: list[Part] = []
        for key, value in self.pairs:
            if key.sort is not Sort.SCALAR:
                key.wrong(f"expected the name of a field, found {key.shown}")
            elif key.value == MERGE_KEY and not key.quoted:
                merged += value.items if value.sort is Sort.LIST else [value]
            elif key.value in seen:
                key.wrong(f"{key.shown} stands here twice, first in line {seen[key.value].place.line}; only one can count")
            else:
                seen[key.value] = key
                yield key, value
        for other in merged:
            yield from ((key, value) for key, value in other.entries(what) if key.value not in seen and not seen.update({key.value: key}))


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping that was read: `what` names it in messages, `found` has its known keys."""

    part: Part
    what: str
    found: dict[str, Part]

    def __contains__(self, name: str) -> bool:
        return name in self.found and not self.found[name].is_null

    def optional(self, name: str) -> Part | None:
        """A field, None when it is not there or nothing stands there."""
        return self.found[name] if name in self else None

    def needed(self, name: str, hint: str = "") -> Part | None:
        """A field that must be there; notes a mistake, with a hint, when it is not."""
        if name not in self:
            self.part.wrong(f"{self.what} needs {name!r}{'; ' + hint if hint else ''}")
            return None
        return self.found[name]

    def text(self, name: str, default: str = "") -> str:
        """The text of a field that may be missing."""
        part = self.optional(name)
        return part.text() if part is not None else default

    def flag(self, name: str, *, default: bool) -> bool:
        """Truth of a field that may be missing."""
        part = self.optional(name)
        return part.flag(default=default) if part is not None else default

    def elements(self, name: str, what: str) -> list[Part]:
        """Elements of a list that may be missing."""
        part = self.optional(name)
        return part.elements(what) if part is not None else []

    def one_of(self, names: Collection[str], hint: str = "") -> str:
        """The one of several fields that is there; notes a mistake when none or more are, and is then the first there, or empty."""
        there = [name for name in names if name in self.found]
        if len(there) > 1:
            self.found[there[1]].wrong(f"{self.what} takes exactly one of {', '.join(names)}; found {' and '.join(there)}")
        elif not there:
            self.part.wrong(f"{self.what} needs exactly one of {', '.join(names)}{'; ' + hint if hint else ''}")
        return there[0] if there else ""

    def wrong(self, message: str) -> None:
        """Note a mistake about the whole mapping."""
        self.part.wrong(message)
