"""
YAML and JSON files as parts with their places, read safely whatever stands in them.

The parser gives events, and the tree is built here, without recursion: a file that nests deeper than DEPTH_MAX, by aliases or without, is
refused before anything recurses into it, and aliases are counted in full, so that nine lines can't stand for a billion values.
A file may hold several documents (`---`); a document may be a list of objects, or a `kind: List` with `items`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tocsin.slo.files.notes import Notes, Place
from tocsin.slo.files.parts import Part, Sort

SIZE_BYTES_MAX = 16 << 20
DEPTH_MAX = 64
VALUES_MAX = 1_000_000  # with aliases counted in full
TOO_DEEP = f"values are nested deeper than {DEPTH_MAX} levels; no SLO needs that"
BLOCKS = frozenset({"|", ">"})
SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def read_documents(path: Path, notes: Notes) -> list[Part]:
    """
    The objects of a file, in order; what can't be read is noted, and what came before it is returned.

    Args:
        path: YAML, or JSON, which is YAML but for tabs.
        notes: Where mistakes go.
    """
    text = _text_of(path, notes)
    if not text.strip():
        return []
    building = _Building(str(path), notes)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if not building.take(event):
                break
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        notes.mistake(place, f"not YAML: {_in_words(error, text, place.line)}")
    except yaml.YAMLError as error:
        notes.mistake(_place_of_character(path, text, getattr(error, "position", None)), f"not YAML: {_first_line(error)}")
    return [item for document in building.documents for item in _objects(document)]


def _text_of(path: Path, notes: Notes) -> str:
    place = Place(str(path))
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            notes.mistake(place, f"the file is larger than {SIZE_BYTES_MAX >> 20} MiB; split it, a list of files may be given")
            return ""
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        notes.mistake(place, f"the file can't be read: {getattr(error, 'strerror', None) or error}")
        return ""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        notes.mistake(Place(str(path), line, 1), "the file is not UTF-8; save it with that encoding")
        return ""
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    # No JSON text holds a bare tab, so in JSON tabs are indentation, which YAML takes only as spaces. JSON escapes characters over 16 bits
    # as two halves, which YAML's parser refuses.
    return SURROGATES.sub(lambda found: found[1] + _joined(found[2], found[3]), text.replace("\t", " "))


def _joined(high: str, low: str) -> str:
    return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))


def _in_words(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    lines = text.splitlines()
    if 0 < line <= len(lines) and "\t" in lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]:
        return "a tab stands at the start of the line; indent with spaces"
    return f"{error.problem}{f' ({error.context})' if error.context else ''}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _place_of_character(path: Path, text: str, position: int | None) -> Place:
    if position is None or position > len(text):
        return Place(str(path))
    return Place(str(path), text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1)


def _objects(document: Part) -> Iterator[Part]:
    """A document's objects: itself, its elements, or those of a Kubernetes `List`."""
    if document.sort is Sort.LIST:
        yield from document.items
        return
    values = {key.value: value for key, value in document.pairs if key.sort is Sort.SCALAR} if document.sort is Sort.MAPPING else {}
    kind, items = values.get("kind"), values.get("items")
    if kind is not None and items is not None and kind.value == "List" and items.sort is Sort.LIST:
        yield from items.items
    elif not document.is_null:
        yield document


@dataclass(slots=True)
class _Building:
    """The tree that events make; `open_parts` are lists and mappings that are not closed yet, each with the key that waits for a value."""

    path: str
    notes: Notes
    documents: list[Part] = field(default_factory=list)
    open_parts: list[tuple[Part, list[Part]]] = field(default_factory=list)
    anchors: dict[str, Part] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> bool:
        """Add what an event says; False when the file is to be read no further."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()
        elif isinstance(event, yaml.AliasEvent):
            return self._place_value(self._aliased(event))
        elif isinstance(event, yaml.ScalarEvent):
            return self._place_value(self._scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            sort = Sort.LIST if isinstance(event, yaml.SequenceStartEvent) else Sort.MAPPING
            part = self._anchored(event, Part(self._place(event), self.notes, sort))
            if len(self.open_parts) == DEPTH_MAX:
                part.wrong(TOO_DEEP)
                return False
            self.open_parts.append((part, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            return self._place_value(self.open_parts.pop()[0])
        return True

    def _place_value(self, part: Part) -> bool:
        if not self.open_parts:
            self.documents.append(part)
            return True
        around, waiting = self.open_parts[-1]
        around.size += part.size
        around.depth = max(around.depth, part.depth + 1)
        if around.depth > DEPTH_MAX:
            part.wrong(TOO_DEEP)
            return False
        if around.size > VALUES_MAX:
            part.wrong(f"the file stands for more than {VALUES_MAX:,} values (each `*alias` counts in full); write less, or split it")
            return False
        if around.sort is Sort.LIST:
            around.items.append(part)
        elif waiting:
            around.pairs.append((waiting.pop(), part))
        else:
            waiting.append(part)
        return True

    def _aliased(self, event: yaml.AliasEvent) -> Part:
        part = self.anchors.get(event.anchor or "")
        if part is not None and all(part is not around for around, _ in self.open_parts):
            return part
        found = Part(self._place(event), self.notes)
        inside = f"*{event.anchor} stands inside of what it refers to"
        found.wrong(inside if part is not None else f"no value before has the anchor &{event.anchor}")
        return found

    def _scalar(self, event: yaml.ScalarEvent) -> Part:
        value = event.value
        start, end = event.start_mark, event.end_mark
        assert start is not None, "the parser marks every event"
        assert end is not None, "the parser marks every event"
        around = 0 if event.style is None or event.style == "" else 1
        as_it_stands = event.style not in BLOCKS and start.line == end.line and end.column - start.column - 2 * around == len(value)
        part = Part(self._place(event), self.notes, value=value, quoted=around == 1, text_offset=around if as_it_stands else None)
        return self._anchored(event, part)

    def _anchored(self, event: yaml.NodeEvent, part: Part) -> Part:
        if event.anchor:
            self.anchors[event.anchor] = part
        return part

    def _place(self, event: yaml.Event) -> Place:
        assert event.start_mark is not None, "the parser marks every event"
        return Place(self.path, event.start_mark.line + 1, event.start_mark.column + 1)
