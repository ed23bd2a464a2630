"""
Objects of SLO files, of whatever kind: their names and labels, and where others find them by name.

References go across files, so every object is entered into one catalog before any of them is read in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tocsin.model.spelling import did_you_mean
from tocsin.slo.definition import Objective
from tocsin.slo.files.notes import Place
from tocsin.slo.files.parts import Part

METADATA = ("name", "displayName", "labels", "annotations")
# What Kubernetes itself writes beside them.
KUBERNETES_METADATA = (
    *("namespace", "uid", "generation", "resourceVersion", "creationTimestamp", "managedFields", "finalizers", "ownerReferences"),
)
NAME_LENGTH_MAX = 255

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._|/\\-]*[A-Za-z0-9])?")
_LOOSE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What every object has: its name, its name for people, labels (lists joined with commas) and annotations."""

    name: str
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class FileObject:
    """
    One object of a file.

    Args:
        kind: `SLO`, `Objective`, ...
        metadata: Its names and labels.
        spec: What it says; an empty part when it says nothing.
        part: All of it.
    """

    kind: str
    metadata: Metadata
    spec: Part
    part: Part

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.part.place


@dataclass(slots=True)
class Catalog:
    """Objects by kind and name; those whose name is taken are kept beside them, so that everything that is wrong with them is said, too."""

    found: dict[tuple[str, str], FileObject] = field(default_factory=dict)
    repeated: list[FileObject] = field(default_factory=list)

    def add(self, item: FileObject, *, unique_among: Iterable[str] = ()) -> None:
        """
        Enter an object; a second one of its kind and name is a mistake.

        Args:
            item: The object.
            unique_among: Further kinds that share its names.
        """
        for kind in (item.kind, *unique_among):
            first = self.found.get((kind, item.metadata.name))
            if first is not None and item.metadata.name:
                item.part.wrong(f"another {kind} is called {item.metadata.name!r}, in {first.place}; names are unique across all files")
                self.repeated.append(item)
                return
        self.found[item.kind, item.metadata.name] = item

    def find(self, kind: str, reference: Part) -> FileObject | None:
        """The object that a reference names; notes a mistake when there is none."""
        name = reference.text(f"the name of an object of kind {kind}")
        found = self.found.get((kind, name))
        if found is None and name:
            reference.wrong(self.unknown(kind, name))
        elif not name and reference.is_null:
            reference.wrong(f"expected the name of an object of kind {kind}, found nothing")
        return found

    def unknown(self, kind: str, name: str) -> str:
        """The sentence for a name that no object of a kind has."""
        known = self.names(kind)
        return f"no {kind} is called {name!r} in any of the files{did_you_mean(name, known) or _all_of(known)}"

    def names(self, kind: str) -> list[str]:
        """Names of all objects of a kind."""
        return [name for found, name in self.found if found == kind and name]

    def of_kind(self, kind: str) -> list[FileObject]:
        """All objects of a kind, in the order of the files; then those whose name was taken."""
        found = [item for (found, _), item in self.found.items() if found == kind]
        return found + [item for item in self.repeated if item.kind == kind]


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """
    An objective whose references are not resolved yet.

    Args:
        objective: What is known.
        part: Where it stands.
        target: Where its target stands.
        conditions: Where each of its burn-rate alerts stands, with the factor and a name for messages.
        policy: Name of its budget policy as written.
        dependencies: Its dependencies as written.
    """

    objective: Objective
    part: Part
    target: Part
    conditions: tuple[tuple[Part, float, str], ...] = ()
    policy: Part | None = None
    dependencies: Part | None = None


def read_metadata(part: Part | None, around: Part, *, kind: str, needed: bool = True, open_ended: bool = True) -> Metadata:
    """
    The metadata of an object.

    Args:
        part: Its `metadata`.
        around: The object.
        kind: What it is.
        needed: Whether it must have a name; objects inside of others need none.
        open_ended: Others may have added fields of their own.
    """
    if part is None:
        if needed:
            around.wrong(f"{kind} needs 'metadata' with a name, as in metadata: {{name: checkout}}")
        return Metadata("")
    fields = part.fields("metadata", (*METADATA, *KUBERNETES_METADATA) if open_ended else METADATA, open_ended=open_ended)
    name = fields.needed("name") if needed else fields.optional("name")
    return Metadata(
        read_name(name) if name is not None else "",
        fields.text("displayName"),
        read_labels(fields.optional("labels"), "labels"),
        read_labels(fields.optional("annotations"), "annotations"),
    )


def read_name(part: Part) -> str:
    """A name: letters, digits and `-._/|` between them, at most 255. Source: OpenSLO v1, metadata.name."""
    name = part.text("a name")
    if not _NAME.fullmatch(name) or len(name) > NAME_LENGTH_MAX:
        better = _LOOSE.sub("-", name)[:NAME_LENGTH_MAX].strip("-._").lower()
        hint = f"; did you mean {better!r}?" if better else ""
        part.wrong(f"a name has letters, digits and - . _ between them, at most {NAME_LENGTH_MAX}; found {part.shown}{hint}")
        return name or "?"
    return name


def read_labels(part: Part | None, what: str) -> dict[str, str]:
    """Names with texts, or with lists of texts, which are joined with commas."""
    if part is None:
        return {}
    return {key.value: ",".join(item.text() for item in value.items) if value.items else value.text() for key, value in part.entries(what)}


def _all_of(known: list[str]) -> str:
    if not known:
        return ""
    return f"; there {'is' if len(known) == 1 else 'are'} {', '.join(known[:10])}{' and others' if len(known) > 10 else ''}"
