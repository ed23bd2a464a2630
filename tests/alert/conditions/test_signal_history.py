"""A replay of golden signals says what the wall would have said at each instant, and draws few walls."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.store.builders import NOW, Folder, span, traces
from tests.store.conftest import opened

from tocsin.alert.conditions.signal_history import SignalHistory
from tocsin.alert.conditions.signals import SignalsEvaluator
from tocsin.alert.definition import Comparison, SignalBreach
from tocsin.clock import ReplayClock
from tocsin.model.instant import NANOSECONDS
from tocsin.query.metrics import Metrics
from tocsin.query.reading import Reading
from tocsin.query.signals.golden import Signals
from tocsin.query.signals.options import SignalsOptions
from tocsin.store.options import StoreOptions
from tocsin.store.store import Store

MINUTE = 60 * NANOSECONDS
START = NOW // (300 * NANOSECONDS) * 300 * NANOSECONDS


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Half an hour of two services whose latency and failures change; one has spans of no entry besides, the other nothing else."""
    folder = tmp_path_factory.mktemp("history")
    chance = random.Random(5)
    for filled in opened(folder / "store", StoreOptions()):
        (folder / "segments").mkdir()
        files = Folder(folder / "segments", prefix="history")
        for service, kinds in (("a", (1, 2)), ("b", (1,))):
            spans = []
            for number in range(900):
                at = START + number * 2 * NANOSECONDS
                length = round(chance.lognormvariate(0, 1) * (40e6 if number % 300 < 200 else 900e6))
                status = {"code": 2 if chance.random() < (0.02 if number % 400 < 300 else 0.3) else 0}
                spans.append(span(start_time_unix_nano=at, end_time_unix_nano=at + length, kind=chance.choice(kinds), status=status))
            filled.load(files.segment(traces(service, *spans)))
        yield filled


class Counting:
    """A wall that counts who looks at it."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self.looks = 0

    def wall(self, *arguments: object) -> object:
        """All of it."""
        self.looks += 1
        return self._signals.wall(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "offset_s"),
    [
        (SignalBreach("latency", "", 300, threshold=0.5), 0),
        (SignalBreach("latency", "b", 120, Comparison.BELOW, 0.05, percentile=0.5), 7),
        (SignalBreach("errors", "", 180, threshold=0.1), 7),
        (SignalBreach("traffic", "a", 300, threshold=0.3), 0),
        (SignalBreach("traffic", "", 300, Comparison.BELOW, 0.2), 0),
        (SignalBreach("latency", "", 300), 7),
    ],
)
def test_a_replay_is_what_each_instant_was(store: Store, condition: SignalBreach, offset_s: int) -> None:
    """With any threshold, on whole ten seconds or between them; before the data, in it, and after it."""
    clock = ReplayClock(START + 100 * MINUTE, speed=0)
    reading = Reading(store.engine, clock)
    signals = Signals(reading, Metrics.of_engine(store.engine, clock), SignalsOptions(baseline_days=0, resources=()))
    counted = Counting(signals)
    times = [START + offset_s * NANOSECONDS + number * 6 * MINUTE for number in range(-1, 6)]
    alone = SignalsEvaluator(signals, clock=clock)
    replayed = SignalsEvaluator(counted, history=SignalHistory(reading), clock=clock)  # type: ignore[arg-type]
    expected = [list(alone.at(condition, at)) for at in times]
    assert [list(vector) for vector in replayed.over(condition, times)] == expected
    if condition.threshold is not None and condition.signal != "traffic":
        assert sum(map(bool, expected)) <= counted.looks < len(times)
