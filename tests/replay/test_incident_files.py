"""Incidents in files: YAML, JSON, a list alone, and everything that is wrong said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.model.instant import parse_instant
from tocsin.replay.evidence import KnownIncident
from tocsin.replay.incident_files import read_incidents
from tocsin.slo.files.notes import DefinitionMistakes


def test_a_file_of_incidents(tmp_path: Path) -> None:
    """They come by their start; a service alone is a list of one; an incident may go on, and be anywhere."""
    path = tmp_path / "incidents.yaml"
    path.write_text(
        "incidents:\n"
        "  - {title: later, start: '2026-11-21', services: [a, b]}\n"
        "  - {name: first, start: 2026-11-20T02:00:00Z, end: 2026-11-20T02:30:00Z, service: shop, objective: shop-availability}\n"
    )
    first, later = read_incidents(path)
    assert first == KnownIncident(
        "first", parse_instant("2026-11-20T02:00:00Z"), parse_instant("2026-11-20T02:30:00Z"), ("shop",), "shop-availability"
    )
    assert (later.name, later.end, later.services) == ("later", None, ("a", "b"))


def test_a_json_list_alone(tmp_path: Path) -> None:
    """The list may stand without a name, and in JSON."""
    path = tmp_path / "incidents.json"
    path.write_text('[{"start": "2026-11-20", "end": "2026-11-21"}]')
    (incident,) = read_incidents(path)
    assert (incident.name, incident.services) == ("incident 1", ())


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """A missing start, an end before the start and a slip of the pen are said together."""
    path = tmp_path / "incidents.yaml"
    path.write_text("- {name: a}\n- {start: 2026-11-20, end: 2026-11-19}\n- {start: soon}\n- {start: 2026-11-20, sevice: shop}\n")
    with pytest.raises(DefinitionMistakes) as caught:
        read_incidents(path)
    text = str(caught.value)
    assert all(part in text for part in ("needs 'start'", "ends before it starts", "'soon' is not an instant", "did you mean 'service'"))
