"""
SLO files, read and checked: OpenSLO v1, Sloth, and our own kinds, in any mixture, over any number of files.

    definitions = read_definitions([Path("shop.yaml")], PromqlOptions())

Every mistake of every file is found at once, each with its line and, where a known word is near, 'did you mean'. What is allowed but
probably not meant ends up in `Definitions.remarks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tocsin.model.spelling import did_you_mean
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import AlertPolicyReference, Definitions
from tocsin.slo.files.notes import DefinitionMistakes, Mistake, Notes
from tocsin.slo.files.objects import FileObject, read_metadata
from tocsin.slo.files.openslo import KINDS as OPENSLO_KINDS
from tocsin.slo.files.openslo import read_slo
from tocsin.slo.files.openslo_alerts import read_alert_condition, read_alert_policy, read_notification_target
from tocsin.slo.files.openslo_indicators import read_sli
from tocsin.slo.files.own_kinds import KINDS as OWN_KINDS
from tocsin.slo.files.own_kinds import read_objective, read_supplement
from tocsin.slo.files.own_policies import read_exclusion, read_policy
from tocsin.slo.files.parts import Part, Sort
from tocsin.slo.files.resolve import Gathered, resolve
from tocsin.slo.files.sloth import CRD_KIND, CRD_VERSION, VERSION, read_sloth
from tocsin.slo.files.yaml_reading import read_documents
from tocsin.slo.policy import POLICIES

__all__ = ["DefinitionMistakes", "Mistake", "read_definitions"]

OPENSLO = "openslo/v1"
OWN = "tocsin/v1"
OBJECT_FIELDS = ("apiVersion", "kind", "metadata", "spec")
VERSIONS = (OPENSLO, OWN, CRD_VERSION, VERSION)
OLD_OPENSLO = (
    "openslo/v1alpha is the draft before OpenSLO's first version and is not read: write apiVersion: openslo/v1, name the queries of each "
    "indicator under indicator.spec.ratioMetric {counter, good, total} (or thresholdMetric) instead of objectives[].ratioMetrics, give a "
    "metricSource {type, spec} instead of source and queryType, and 'timeWindow' instead of 'timeWindows'"
)


def read_definitions(paths: Sequence[Path], promql: PromqlOptions) -> Definitions:
    """
    Everything that a set of files says.

    Args:
        paths: The files; one that is named twice is read once.
        promql: What is switched on, for indicators in PromQL.

    Raises:
        DefinitionMistakes: Something in them is wrong, or a file can't be read; all of it is said.
    """
    notes = Notes()
    gathered = Gathered(notes)
    for path in dict.fromkeys(paths):
        for document in read_documents(path, notes):
            _enter(document, gathered, promql)
    _read_openslo(gathered, promql)
    _read_own(gathered, promql)
    definitions = resolve(gathered)
    if notes.mistakes:
        raise DefinitionMistakes(notes.mistakes)
    return definitions


def _enter(document: Part, gathered: Gathered, promql: PromqlOptions) -> None:
    """Tell what a document is, and enter it into the catalog."""
    if document.sort is not Sort.MAPPING:
        if not document.is_null:
            document.wrong(f"expected an object with apiVersion and kind (or a Sloth file with version: {VERSION}), found {document.shown}")
        return
    top = {key.value: value for key, value in document.entries("an object")}
    version = top.get("apiVersion") or top.get("version")
    if version is None:
        document.wrong(f"expected apiVersion: {OPENSLO} or {OWN}, or version: {VERSION} of Sloth; found an object with neither")
        return
    name = version.text()
    if name == VERSION:
        _add_drafts(document, gathered, promql)
    elif name == OPENSLO:
        _add(document, "OpenSLO", OPENSLO_KINDS, gathered)
    elif name == OWN:
        _add(document, "Tocsin", OWN_KINDS, gathered)
    elif name == CRD_VERSION:
        item = _object(document, "Sloth", (CRD_KIND,), open_ended=True)
        if item is not None:
            _add_drafts(item.spec, gathered, promql)
    elif name == "openslo/v1alpha":
        version.wrong(OLD_OPENSLO)
    else:
        version.wrong(f"{version.shown} is none of {', '.join(VERSIONS)}{did_you_mean(name, VERSIONS)}")


def _add_drafts(part: Part, gathered: Gathered, promql: PromqlOptions) -> None:
    drafts = read_sloth(part, promql)
    gathered.drafts += drafts
    gathered.slos |= {draft.objective.slo for draft in drafts}


def _add(document: Part, whose: str, kinds: tuple[str, ...], gathered: Gathered) -> None:
    item = _object(document, whose, kinds, open_ended=whose == "OpenSLO")
    if item is None:
        return
    shares = {"SLO": ("Objective",), "Objective": ("SLO",)}
    gathered.catalog.add(item, unique_among=shares.get(item.kind, ()))
    if item.kind in shares:
        gathered.slos.add(item.metadata.name)


def _object(document: Part, whose: str, kinds: tuple[str, ...], *, open_ended: bool) -> FileObject | None:
    fields = document.fields(f"an object of {whose}", (*OBJECT_FIELDS, *(("status",) if open_ended else ())), open_ended=open_ended)
    kind_part = fields.needed("kind", f"one of {', '.join(kinds)}")
    kind = kind_part.choice(kinds) if kind_part is not None else ""
    what = f"an object of kind {kind}" if kind else "an object"
    metadata = read_metadata(fields.optional("metadata"), document, kind=what, open_ended=open_ended)
    if not kind or (kind_part is not None and kind_part.text() != kind):
        return None
    spec = fields.optional("spec")
    if spec is None and kind != "Service":
        document.wrong(f"an object of kind {kind} needs 'spec'")
    return FileObject(kind, metadata, spec or Part(document.place, document.notes, Sort.MAPPING), document)


def _read_openslo(gathered: Gathered, promql: PromqlOptions) -> None:
    catalog = gathered.catalog
    for item in catalog.of_kind("DataSource"):
        fields = item.spec.fields("a DataSource", ("type", "description", "connectionDetails"), open_ended=True)
        fields.needed("type", "such as prometheus")
        gathered.data_sources[item.metadata.name] = fields.text("type")
    for item in catalog.of_kind("Service"):
        description = item.spec.fields("a Service", ("description",), open_ended=True).text("description")
        gathered.services[item.metadata.name] = item.metadata.title or description
    for item in catalog.of_kind("AlertNotificationTarget"):
        gathered.notification_targets[item.metadata.name] = read_notification_target(item)
    for item in catalog.of_kind("AlertCondition"):
        read_alert_condition(item.spec, AlertPolicyReference(""))
    for item in catalog.of_kind("AlertPolicy"):
        read_alert_policy(item, catalog)
    for item in catalog.of_kind("SLI"):
        read_sli(item.spec, item.metadata.name, catalog)
    for item in catalog.of_kind("SLO"):
        gathered.drafts_of(item).extend(read_slo(item, catalog, promql))


def _read_own(gathered: Gathered, promql: PromqlOptions) -> None:
    catalog = gathered.catalog
    for item in catalog.of_kind("Objective"):
        draft, extras = read_objective(item, promql)
        gathered.drafts_of(item).extend([draft] if draft is not None else [])
        gathered.exclusions += extras.exclusions
    for item in catalog.of_kind("Supplement"):
        reference, extras = read_supplement(item)
        gathered.supplements += [(reference, extras)] if reference is not None else []
    for item in catalog.of_kind("BudgetPolicy"):
        if item.metadata.name in POLICIES:
            item.part.remark(f"this takes the place of the budget policy {item.metadata.name!r} that ships with Tocsin")
        gathered.policies[item.metadata.name] = read_policy(item)
    gathered.exclusions += [read_exclusion(item) for item in catalog.of_kind("Exclusion")]
