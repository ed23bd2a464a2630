"""Requests that the engine refuses, through the real journal, loader and engine: only they are set aside, the rest is in once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journal.builders import append
from tests.store.builders import count, number, rows, span, traces

from tocsin.clock import RealClock, RealEntropy
from tocsin.journal.journal import Journal
from tocsin.journal.options import JournalOptions
from tocsin.model.signal import Signal
from tocsin.store.loader import Loader
from tocsin.store.store import Store

GARBAGE = b"\x0a\xff\xff\xff\xff\x7f"  # a field that claims 32 GB
OVERLONG = traces("poison", span(trace_id=b"x" * 17)).SerializeToString()  # the door refuses it; an older journal may hold one


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal that closes its segments when asked."""
    options = JournalOptions(segment_age_s_min=0, free_bytes_min=0)
    opened = Journal(tmp_path / "journal", options=options, clock=RealClock(), entropy=RealEntropy())
    opened.start()
    yield opened
    opened.close()


@pytest.mark.parametrize("poison", [GARBAGE, OVERLONG], ids=["garbage", "overlong id"])
def test_only_the_poison_is_set_aside(embedded: Store, journal: Journal, poison: bytes, request: pytest.FixtureRequest) -> None:
    """Of forty requests in a segment the two that the engine refuses are in quarantine, all other spans are stored once."""
    service = f"poison-{request.node.callspec.id}"
    bodies = [traces(service, span(name=f"{place}a"), span(name=f"{place}b")).SerializeToString() for place in range(38)]
    bodies[5:5] = [poison]
    bodies[30:30] = [poison]
    append(journal, *bodies)
    loader = Loader(journal, embedded, clock=RealClock(), signals=(Signal.TRACES,), retry_s=(0.0,))
    loader.start()
    journal.seal(timeout_s=30)
    assert loader.stop(drain_s=60)
    assert number(embedded, "SELECT count() = 76 AND uniqExact(name) = 76 FROM spans WHERE service = {s:String}", s=service)
    for table in ("requests_10s", "requests_5m"):
        assert number(embedded, f"SELECT sum(requests) FROM {table} WHERE service = {{s:String}}", s=service) == 76
    assert rows(embedded, "SELECT sum(records) FROM intake WHERE service = {s:String}", s=service) == [[76]]
    aside = journal.quarantined()
    assert [entry.records for entry in aside] == [1, 1]
    assert loader.statistics()[Signal.TRACES].quarantined == 2
    assert all("engine" in entry.reason for entry in aside)


def test_the_counting_of_these_tests() -> None:
    """A builder that counts wrongly would make the tests above meaningless."""
    assert count(traces("s", span(), span())) == 2
