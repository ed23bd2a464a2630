"""
On-call files, read and checked as one set.

    plan = read_plan([Path("oncall.yaml")])

Every mistake of every file is found at once, each with its line and, where a known word is near, 'did you mean'.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tocsin.model.spelling import did_you_mean
from tocsin.oncall.definition import Chain, OncallPlan, Person, Schedule
from tocsin.oncall.files.chains import read_chain
from tocsin.oncall.files.people import read_person
from tocsin.oncall.files.schedules import read_schedule
from tocsin.slo.files.notes import DefinitionMistakes, Notes
from tocsin.slo.files.objects import Catalog, FileObject, read_metadata
from tocsin.slo.files.parts import Part, Sort
from tocsin.slo.files.yaml_reading import read_documents

VERSION = "tocsin/v1"
KINDS = ("Person", "Schedule", "EscalationChain")
OTHER_FILES = {
    "Objective": "slo.files", "Supplement": "slo.files", "BudgetPolicy": "slo.files", "Exclusion": "slo.files",
}  # fmt: skip


def read_plan(paths: Sequence[Path]) -> OncallPlan:
    """
    Everything that a set of files says.

    Args:
        paths: The files; one that is named twice is read once.

    Raises:
        DefinitionMistakes: Something in them is wrong, or a file can't be read; all of it is said.
    """
    notes, catalog = Notes(), Catalog()
    for path in dict.fromkeys(paths):
        for document in read_documents(path, notes):
            item = _object(document)
            if item is not None:
                catalog.add(item)
    people = [read_person(item) for item in catalog.of_kind("Person")]
    schedules = [read_schedule(item, catalog) for item in catalog.of_kind("Schedule")]
    items = catalog.of_kind("EscalationChain")
    chains = [read_chain(item, catalog) for item in items]
    _check_receivers(items, chains)
    _remark_unused(catalog, people, schedules, chains)
    if notes.mistakes:
        raise DefinitionMistakes(notes.mistakes)
    return OncallPlan(
        {person.name: person for person in people},
        {schedule.name: schedule for schedule in schedules},
        {chain.name: chain for chain in chains},
        tuple(notes.remarks),
    )


def _object(document: Part) -> FileObject | None:
    if document.sort is not Sort.MAPPING:
        document.wrong(f"expected an object with apiVersion: {VERSION} and a kind, found {document.shown}")
        return None
    fields = document.fields("an object", ("apiVersion", "kind", "metadata", "spec"))
    version = fields.needed("apiVersion", f"apiVersion: {VERSION}")
    if version is not None and version.text() != VERSION:
        version.wrong(f"expected {VERSION}, found {version.shown}{did_you_mean(version.text(), (VERSION,))}")
    kind_part = fields.needed("kind", f"one of {', '.join(KINDS)}")
    kind = kind_part.text() if kind_part is not None else ""
    if kind_part is not None and kind not in KINDS:
        elsewhere = f"; {kind} belongs into the files of {OTHER_FILES[kind]}" if kind in OTHER_FILES else ""
        kind_part.wrong(f"expected {', '.join(KINDS)}, found {kind_part.shown}{elsewhere or did_you_mean(kind, KINDS)}")
    metadata = read_metadata(fields.optional("metadata"), document, kind=f"an object of kind {kind or '?'}", open_ended=False)
    if "/" in metadata.name or "|" in metadata.name or "\\" in metadata.name:
        document.wrong(f"the name {metadata.name!r} becomes a part of addresses; use letters, digits and - . _")
    if kind not in KINDS:
        return None
    spec = fields.needed("spec")
    return FileObject(kind, metadata, spec or Part(document.place, document.notes, Sort.MAPPING), document)


def _check_receivers(items: Sequence[FileObject], chains: Sequence[Chain]) -> None:
    first: dict[str, FileObject] = {}
    for item, chain in zip(items, chains, strict=True):
        other = first.setdefault(chain.receiver, item)
        if other is not item and other.metadata.name != item.metadata.name:
            item.part.wrong(f"the receiver {chain.receiver!r} has a chain already, {other.metadata.name!r} in {other.place}")


def _remark_unused(catalog: Catalog, people: Sequence[Person], schedules: Sequence[Schedule], chains: Sequence[Chain]) -> None:
    called = {(target.kind.value, target.name) for chain in chains for step in chain.steps for target in step.notify}
    on_call = {user for schedule in schedules for layer in schedule.layers for user in layer.users}
    for kind, names in (("Schedule", [one.name for one in schedules]), ("Person", [one.name for one in people])):
        for name in names:
            item = catalog.found.get((kind, name))
            if item is not None and (kind.lower(), name) not in called and name not in on_call:
                why = "no EscalationChain calls it" if kind == "Schedule" else "no schedule and no chain names them"
                item.part.remark(f"the {kind} {name!r} is never called: {why}")
