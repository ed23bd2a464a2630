"""
Incidents that somebody wrote down, for a backtest over a past that this server has no incidents of.

    incidents:
      - name: checkout down
        start: 2026-11-20T02:03:00Z
        end: 2026-11-20T02:41:00Z
        service: checkout            # or services: [checkout, cart]; nothing: every service
        objective: checkout-availability

A list alone will do as well, and JSON is YAML.
"""

from __future__ import annotations

from pathlib import Path

from tocsin.errors import InvalidInput
from tocsin.model.instant import parse_instant
from tocsin.replay.evidence import KnownIncident
from tocsin.slo.files.notes import DefinitionMistakes, Notes
from tocsin.slo.files.parts import Part
from tocsin.slo.files.yaml_reading import read_documents

FIELDS = ("name", "start", "end", "service", "services", "objective")
ALIASES = ("id", "title", "severity", "summary", "description")  # others' files say so; they change nothing here


def read_incidents(path: Path) -> tuple[KnownIncident, ...]:
    """
    The incidents of a file, by their start.

    Raises:
        DefinitionMistakes: Something in it is wrong; all of it is said.
    """
    notes = Notes()
    found = [_incident(part, number) for number, part in enumerate(_parts(read_documents(path, notes)), 1)]
    if notes.mistakes:
        raise DefinitionMistakes(notes.mistakes)
    return tuple(sorted(found, key=lambda incident: (incident.start, incident.name)))


def _parts(documents: list[Part]) -> list[Part]:
    """The incidents: the elements of a list, or of the field `incidents`."""
    listed: list[Part] = []
    for document in documents:
        names = {key.value for key, _ in document.pairs}
        if "incidents" in names:
            listed += document.fields("a file of incidents", ("incidents",), open_ended=True).elements("incidents", "incidents")
        else:
            listed.append(document)
    return listed


def _incident(part: Part, number: int) -> KnownIncident:
    fields = part.fields("an incident", (*FIELDS, *ALIASES), open_ended=True)
    start = _instant(fields.needed("start", "when it began"))
    ended = fields.optional("end")
    end = _instant(ended) if ended is not None else None
    if end is not None and end < start:
        part.wrong("the incident ends before it starts; swap the two")
    services = [one.text("a service") for one in fields.elements("services", "services")]
    name = fields.text("name") or fields.text("id") or fields.text("title") or f"incident {number}"
    alone = fields.text("service")
    return KnownIncident(name, start, end, tuple([alone] if alone else services), fields.text("objective"))


def _instant(part: Part | None) -> int:
    if part is None:
        return 0
    try:
        return parse_instant(part.text("an instant"))
    except InvalidInput as error:
        part.wrong(str(error))
        return 0
