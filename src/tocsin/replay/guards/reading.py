"""
`guard.yaml`, read: everything that is wrong with it is said at once, with its line.

    kind: must_fire                        must_not_fire, query, unit_test
    description: the checkout answers 500 after a deploy
    incident: INC-17
    rule: CheckoutBurnsFast
    labels: {service: checkout}
    rules: [../../rules/*.yaml]            by default the copies in rules/
    objectives: [../../slo/*.yaml]
    start: 2026-11-20T02:03:00Z
    within: 5m                             must_fire; must_not_fire has `end`
    evaluate_from: 2026-11-20T01:50:00Z
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tocsin.alert.definition import Comparison
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.incident import GuardKind
from tocsin.model.instant import NANOSECONDS, Instant, parse_duration_ns, parse_instant
from tocsin.model.labels import Labels
from tocsin.query.promql.parser import parse
from tocsin.replay.guards.definition import FILE, RULES, TELEMETRY, GuardFile, GuardQuery
from tocsin.slo.files.notes import DefinitionMistakes, Notes, Place
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.yaml_reading import read_documents

FIELDS = (
    *("kind", "description", "incident", "signature", "rule", "labels", "rules", "objectives", "telemetry"),
    *("evaluate_from", "start", "end", "within", "step", "query", "live", "tests"),
)
QUERY_FIELDS = ("promql", "spans", "logs", "above", "at_least", "below", "at_most")
COMPARISONS = {"above": Comparison.ABOVE, "at_least": Comparison.AT_LEAST, "below": Comparison.BELOW, "at_most": Comparison.AT_MOST}
LEAD_S = 600.0  # how long before the start rules are evaluated, unless the file says
STEP_S = 15.0
FOLDERS_DEEP = "**"
_Found = TypeVar("_Found")


def find_guards(folders: Sequence[Path]) -> list[Path]:
    """
    Directories of guards in and below some folders, by name; a folder that is a guard itself is one.

    Raises:
        NotFound: A folder does not exist.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise NotFound(
                f"there is no folder {folder}; `tocsin guards new` makes a guard, `tocsin guards freeze` makes one of an incident"
            )
        found |= dict.fromkeys(sorted(file.parent for file in folder.rglob(FILE)))
    return list(found)


def read_guard(folder: Path) -> GuardFile:
    """
    The guard of a directory.

    Raises:
        DefinitionMistakes: Something in its file is wrong; all of it is said.
    """
    notes = Notes()
    path = folder / FILE
    documents = read_documents(path, notes)
    if len(documents) != 1 and not notes.mistakes:
        notes.mistake(Place(str(path)), f"expected one document, found {len(documents)}")
    found = [_guard(folder, document) for document in documents[:1]]
    if notes.mistakes:
        raise DefinitionMistakes(notes.mistakes)
    return found[0]


def _guard(folder: Path, document: Part) -> GuardFile:
    fields = document.fields("a guard", FIELDS)
    kind = _kind(fields)
    fires = kind in {GuardKind.MUST_FIRE, GuardKind.MUST_NOT_FIRE}
    _check_needed(fields, kind)
    start = _instant(fields, "start", 0)
    within_s = _seconds(fields, "within", 0.0)
    labels = fields.optional("labels")
    end = start + round(within_s * NANOSECONDS) if kind is GuardKind.MUST_FIRE else _instant(fields, "end", start)
    if fires and end <= start and "start" in fields and ("within" in fields or "end" in fields):
        fields.wrong("a guard needs some time between its start and its end")
    query, live = fields.optional("query"), fields.flag("live", default=False)
    asked = _query(query) if query is not None else None
    if live and asked is not None and not asked.promql:
        fields.wrong("a server is asked in PromQL alone; tocsin_log_records_total counts log records, traces_spanmetrics_calls_total spans")
    return GuardFile(
        name=folder.name,
        folder=folder,
        kind=kind,
        description=fields.text("description"),
        incident=fields.text("incident"),
        signature=fields.text("signature"),
        rule=fields.text("rule"),
        labels=Labels({key.value: value.value for key, value in labels.entries("labels")}) if labels is not None else Labels(),
        rules=_files(fields, "rules", folder, RULES if fires else ""),
        objectives=_files(fields, "objectives", folder, ""),
        telemetry=_files(fields, "telemetry", folder, TELEMETRY),
        evaluate_from=_instant(fields, "evaluate_from", start - round(LEAD_S * NANOSECONDS)),
        start=start,
        end=end,
        within_s=within_s,
        step_s=_seconds(fields, "step", STEP_S),
        query=asked,
        live=live,
        tests=_files(fields, "tests", folder, ""),
    )


def _kind(fields: Fields) -> GuardKind:
    part = fields.needed("kind", "one of " + ", ".join(kind.value for kind in GuardKind))
    return GuardKind(part.choice([kind.value for kind in GuardKind])) if part is not None else GuardKind.QUERY


def _check_needed(fields: Fields, kind: GuardKind) -> None:
    needed = {
        GuardKind.MUST_FIRE: ("rule", "start", "within"),
        GuardKind.MUST_NOT_FIRE: ("rule", "start", "end"),
        GuardKind.QUERY: ("query",),
        GuardKind.UNIT_TEST: ("tests",),
    }
    if "kind" in fields:
        for name in needed[kind]:
            fields.needed(name, f"for the kind {kind.value}")


def _query(part: Part) -> GuardQuery:
    fields = part.fields("a query", QUERY_FIELDS)
    what = fields.one_of(("promql", "spans", "logs"))
    if what == "promql":
        expression = fields.found["promql"]
        _understood(expression, parse, None)
        return GuardQuery(promql=expression.text())
    how = fields.one_of(tuple(COMPARISONS), "for a count of records")
    threshold = fields.found[how].number() if how else 0.0
    return GuardQuery("", what, fields.text(what) if what else "", COMPARISONS.get(how, Comparison.ABOVE), threshold)


def _files(fields: Fields, name: str, folder: Path, default: str) -> tuple[Path, ...]:
    """Files by patterns, seen from the guard's directory; without the field all of a folder in it."""
    parts = fields.elements(name, "files")
    if name not in fields and default:
        return tuple(path for path in sorted((folder / default).glob("*")) if path.is_file())
    found = []
    for part in parts:
        matched = sorted(_matching(folder, part.text("a file")))
        if not matched:
            part.wrong(f"no file is called {part.shown}, seen from {folder}")
        found += matched
    return tuple(dict.fromkeys(found))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    # Path.glob takes no absolute pattern, and no `..` behind a wildcard.
    return (Path(file) for file in glob.glob(str(folder / pattern), recursive=FOLDERS_DEEP in pattern))  # noqa: PTH207


def _instant(fields: Fields, name: str, default: Instant) -> Instant:
    part = fields.optional(name)
    return _understood(part, parse_instant, default) if part is not None else default


def _seconds(fields: Fields, name: str, default: float) -> float:
    part = fields.optional(name)
    return _understood(part, parse_duration_ns, 0) / NANOSECONDS if part is not None else default


def _understood(part: Part, read: Callable[[str], Any], default: _Found) -> _Found:
    """What a text means to `read`; its refusal becomes a mistake at the text's place."""
    try:
        found: _Found = read(part.text())
    except InvalidInput as error:
        part.wrong(str(error))
        return default
    return found
