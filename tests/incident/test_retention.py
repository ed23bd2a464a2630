"""Evidence outlives the telemetry: pinned out of a real store, read when retention has dropped what it was about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.incident.house import VirtualClock
from tests.state.prepared import open_state
from tests.store.builders import NOW, SECOND, TRACE_ID, Folder, logs, record, span, traces

from tocsin.errors import NotFound
from tocsin.incident.askers import askers_of
from tocsin.incident.desk import IncidentDesk, IncidentParts
from tocsin.model.incident import EvidenceKind
from tocsin.model.severity import Severity
from tocsin.query.desk import Desk
from tocsin.store.options import RetentionOptions, StoreOptions
from tocsin.store.store import Store

OPTIONS = StoreOptions(retention=RetentionOptions(traces_days=30, logs_days=30, metrics_days=30, rollups_days=30))


@pytest.fixture
def clock() -> VirtualClock:
    """At the time of the telemetry."""
    return VirtualClock(NOW + SECOND)


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[Store]:
    """Holds one trace and three log records."""
    opened = Store.open(tmp_path / "data", OPTIONS, clock=clock)
    (tmp_path / "segments").mkdir()
    folder = Folder(tmp_path / "segments")
    opened.load(folder.segment(traces("checkout", span(name="POST /checkout"))))
    opened.load(folder.segment(logs("checkout", *(record(f"payment {index} failed") for index in range(3)))))
    yield opened
    opened.close()


@pytest.mark.slow
def test_what_is_pinned_can_be_read_when_the_store_has_dropped_it(tmp_path: Path, store: Store, clock: VirtualClock) -> None:
    """The trace, the logs and a number over them are gone from the store, and are still with the incident."""
    with open_state(tmp_path) as state, Desk(store, clock) as desk:
        incidents = IncidentDesk(state.incidents, clock=clock, parts=IncidentParts(askers=askers_of(desk)))
        incidents.open("payments fail", severity=Severity.P1, by="ana")

        def pin(kind: EvidenceKind, **question: str) -> Any:
            pinned = incidents.pin("INC-1", kind, question, by="ana")
            return lambda: json.loads(incidents.evidence_answer("INC-1", pinned.number).answer)

        within = {"start": "now-1m", "end": str((NOW + 2 * SECOND) // SECOND)}
        trace = pin(EvidenceKind.TRACE, trace_id=TRACE_ID.hex())
        lines = pin(EvidenceKind.LOGS, query="payment", **within)
        number = pin(EvidenceKind.QUERY, query="vector(7)", **within)
        clock.advance(hours=24 * 90)
        assert {"spans", "logs"} <= set(store.expire())
        with pytest.raises(NotFound):
            desk.trace(TRACE_ID.hex())
        assert [one["name"] for one in trace()["spans"]] == ["POST /checkout"]
        assert len(lines()["records"]) == 3
        assert number()["series"][0]["points"][0][1] == 7.0
