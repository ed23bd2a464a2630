"""Statistics as metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

from tocsin.api.exposition import meanings_of, render
from tocsin.journal.statistics import JournalStatistics, LaneStatistics, RecoveryReport
from tocsin.model.signal import Signal
from tocsin.wire.traffic import TrafficStatistics


@dataclass(frozen=True)
class Sample:
    """
    An example.

    Args:
        opened: Doors opened,
            counted twice.
        open_now: Gauge: doors open now.
        work_s: Time spent, seconds.
        refused: Those turned away, by reason.
        note: A text, which is no metric.
        unknown: Gauge: not known yet.
    """

    opened: int = 3
    open_now: int = 2
    work_s: float = 1.5
    refused: dict[str, int] = field(default_factory=lambda: {'too "big"\n': 4})
    note: str = "x"
    unknown: int | None = None


def test_a_record_becomes_metrics() -> None:
    """Counters end in _total, gauges don't, seconds are spelt out, mappings become labels, texts and None are left out."""
    assert render({"sample": Sample()}).splitlines() == [
        "# HELP tocsin_sample_open_now Doors open now.",
        "# TYPE tocsin_sample_open_now gauge",
        "tocsin_sample_open_now 2",
        "# HELP tocsin_sample_opened_total Doors opened, counted twice.",
        "# TYPE tocsin_sample_opened_total counter",
        "tocsin_sample_opened_total 3",
        "# HELP tocsin_sample_refused_total Those turned away, by reason.",
        "# TYPE tocsin_sample_refused_total counter",
        'tocsin_sample_refused_total{reason="too \\"big\\"\\n"} 4',
        "# HELP tocsin_sample_work_seconds_total Time spent, seconds.",
        "# TYPE tocsin_sample_work_seconds_total counter",
        "tocsin_sample_work_seconds_total 1.5",
    ]


def test_openmetrics_differs_where_it_must() -> None:
    """There a counter's family has no _total, and the text has an end."""
    lines = render({"sample": Sample()}, openmetrics=True).splitlines()
    assert "# TYPE tocsin_sample_opened counter" in lines
    assert "tocsin_sample_opened_total 3" in lines
    assert lines[-1] == "# EOF"


def test_signals_become_labels() -> None:
    """A lane's counters carry the signal, and not the word that says how the record is built."""
    statistics = JournalStatistics({Signal.LOGS: LaneStatistics(acknowledged_records=3)}, 1, 9, 0, None, RecoveryReport(segments=2))
    lines = render({"journal": statistics}).splitlines()
    assert 'tocsin_journal_acknowledged_records_total{signal="logs"} 3' in lines
    assert "# TYPE tocsin_journal_backlog_bytes gauge" in lines
    assert "tocsin_journal_quarantined_segments 1" in lines
    assert "# TYPE tocsin_journal_recovery_segments gauge" in lines
    assert not [line for line in lines if "free_bytes" in line]


def test_every_family_is_written_once() -> None:
    """Samples of one metric stand together under one HELP and TYPE, as the format demands."""
    statistics = JournalStatistics({signal: LaneStatistics() for signal in Signal}, 0, 0, 0, 5)
    lines = render({"journal": statistics}).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    for name in types:
        places = [index for index, line in enumerate(lines) if line.partition("{")[0].partition(" ")[0] == name]
        assert places == list(range(places[0], places[0] + len(places)))


def test_meanings_come_from_the_docstring() -> None:
    """What a field means is read where it is declared; without an entry, the record's own sentence stands in."""
    assert meanings_of(TrafficStatistics)["accepted"].help == "Records that were acknowledged, by signal."
    assert meanings_of(TrafficStatistics)["in_flight"].gauge
