"""`tocsin journal`: from quarantine back into the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.app.otlp import logs_batch
from tests.cli.conftest import Tocsin

from tocsin.clock import RealClock, RealEntropy
from tocsin.journal.journal import Journal
from tocsin.journal.options import JournalOptions
from tocsin.model.signal import Signal

REASON = "Code: 999. no such thing\x1b[2J"


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A data directory with one segment of two records in quarantine."""
    directory = tmp_path / "data"
    options = JournalOptions(segment_age_s_min=0)
    journal = Journal(directory / "journal", options=options, clock=RealClock(), entropy=RealEntropy())
    journal.start()
    journal.append(logs_batch("refused", "once")).result(10)
    segment = journal.take(Signal.LOGS, timeout_s=10)
    assert segment is not None
    journal.quarantine(segment, REASON)
    journal.close()
    return str(directory)


def test_quarantine_is_listed_with_reasons(tocsin: Tocsin, data: str) -> None:
    """Token, size and reason, what to do next, and exit code 1."""
    outcome = tocsin("journal", "--data", data)
    assert outcome.code == 1
    assert "2 records" in outcome.out
    assert "refused by the engine" in outcome.out
    assert "Code: 999. no such thing␛[2J" in outcome.out
    assert "tocsin journal replay" in outcome.out
    assert json.loads(tocsin("journal", "--data", data, "--json").out)[0]["reason"] == REASON


def test_a_replay_brings_the_records_back(tocsin: Tocsin, data: str) -> None:
    """The documented recovery: replay, and the records are there, once; the quarantine is empty."""
    outcome = tocsin("journal", "replay", "--data", data)
    assert outcome.code == 0
    assert "1 segments with 2 records are being loaded again" in outcome.out
    assert tocsin("journal", "--data", data).code == 0
    records = json.loads(tocsin("logs", "--start", "2026-03-02", "--end", "2026-03-03", "--data", data, "--json").out)["records"]
    assert sorted(record["body"] for record in records) == ["once", "refused"]
    assert "no refused segment" in tocsin("journal", "replay", "--data", data).out


def test_an_unknown_token_is_said(tocsin: Tocsin, data: str) -> None:
    """Exit code 4, and the segment stays where it is."""
    outcome = tocsin("journal", "replay", "logs-000000000009-0000000000000000", "--data", data)
    assert outcome.code == 4
    assert "no segment" in outcome.err
    assert tocsin("journal", "--data", data).code == 1
