"""The registry of series: what it admits, what it refuses and why, what it forgets, and when labels must travel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.sample_block import series_id
from tocsin.model.series import Metadata
from tocsin.wire.options import DoorOptions
from tocsin.wire.prometheus.admission import SeriesRefusal
from tocsin.wire.prometheus.options import CardinalityOptions
from tocsin.wire.prometheus.registry import SeriesRegistry

NOW_MS = 1_772_445_600_000
DAY = NOW_MS // 86_400_000


class HandClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ns(self) -> int:
        """The instant."""
        return NOW_MS * 1_000_000 + int(self.seconds * 1e9)

    def monotonic_s(self) -> float:
        """The same as seconds."""
        return self.seconds


def registry_of(**limits: int) -> tuple[SeriesRegistry, HandClock]:
    """A registry with these limits, and its clock."""
    clock = HandClock()
    return SeriesRegistry(CardinalityOptions.model_construct(**{**CardinalityOptions().model_dump(), **limits}), clock=clock), clock


def labels_of(metric: str = "up", **labels: str) -> Labels:
    """Labels with a metric's name."""
    return Labels({"__name__": metric, **labels})


def refusal_of(registry: SeriesRegistry, labels: Labels, timestamp_ms: int = NOW_MS) -> SeriesRefusal | None:
    """Why a series is refused; None when it is not."""
    admission = registry.admit(labels, timestamp_ms)
    assert bool(admission.message) == (admission.refusal is not None)
    return admission.refusal


def test_a_series_is_admitted_under_the_id_of_its_labels() -> None:
    """Every door gives the same labels the same id; coming again changes nothing."""
    registry, _ = registry_of()
    labels = labels_of(job="api")
    assert registry.admit(labels, NOW_MS).series_id == registry.admit(labels, NOW_MS).series_id == series_id(labels)
    assert (registry.statistics().series, registry.statistics().admitted) == (1, 1)


def test_any_name_that_is_not_empty_is_valid() -> None:
    """Since Prometheus 3 names are UTF-8."""
    registry, _ = registry_of()
    assert refusal_of(registry, Labels({"__name__": "größe {x}", "http.status code": "5", "日": "夜"})) is None


@pytest.mark.parametrize(
    ("labels", "refusal"),
    [
        (Labels({"job": "api"}), SeriesRefusal.METRIC_NAME),
        (Labels({"__name__": "", "job": "api"}), SeriesRefusal.METRIC_NAME),
        (Labels(), SeriesRefusal.METRIC_NAME),
        (Labels({"__name__": "up", "": "x"}), SeriesRefusal.LABEL_NAME),
        (Labels({"__name__": "up", "a": "\ud800"}), SeriesRefusal.NOT_UTF8),
        (Labels({"__name__": "up", **{f"l{number}": "v" for number in range(4)}}), SeriesRefusal.LABELS_MAX),
        (Labels({"__name__": "up", "n" * 21: "v"}), SeriesRefusal.NAME_TOO_LONG),
        (Labels({"__name__": "u" * 21}), SeriesRefusal.NAME_TOO_LONG),
        (Labels({"__name__": "up", "l": "ü" * 16}), SeriesRefusal.VALUE_TOO_LONG),
    ],
)
def test_labels_that_cannot_be_are_refused(labels: Labels, refusal: SeriesRefusal) -> None:
    """Each with its reason, counted, and without becoming a series; lengths count bytes of UTF-8."""
    registry, _ = registry_of(labels_max=4, name_bytes_max=20, value_bytes_max=31)
    assert refusal_of(registry, labels) is refusal
    assert registry.statistics().refused == {refusal.value: 1}
    assert registry.statistics().series == 0


@pytest.mark.parametrize(
    ("timestamp_ms", "refusal"),
    [
        (NOW_MS + 86_400_000, None),
        (NOW_MS + 86_400_001, SeriesRefusal.FUTURE),
        (0, None),
        (-1, SeriesRefusal.TIME_OUT_OF_RANGE),
        (-(2**63), SeriesRefusal.TIME_OUT_OF_RANGE),
        (2**63 - 1, SeriesRefusal.TIME_OUT_OF_RANGE),
        (NOW_MS * 1000, SeriesRefusal.TIME_OUT_OF_RANGE),
    ],
)
def test_times_of_samples_lie_within_bounds(timestamp_ms: int, refusal: SeriesRefusal | None) -> None:
    """A day ahead of the clock at most, back to 1970, and only milliseconds."""
    registry, _ = registry_of()
    assert refusal_of(registry, labels_of(), timestamp_ms) is refusal
    earliest, latest = registry.window_ms()
    assert (earliest <= timestamp_ms <= latest) == (refusal is None)


def test_old_samples_are_refused_where_the_doors_say_so() -> None:
    """The bound on the past is the option of every other door."""
    registry = SeriesRegistry(clock=HandClock(), times=DoorOptions(past_s_max=60))
    assert refusal_of(registry, labels_of(), NOW_MS - 60_000) is None
    assert refusal_of(registry, labels_of(), NOW_MS - 60_001) is SeriesRefusal.PAST


def test_the_limit_in_all_refuses_new_series_and_keeps_old_ones() -> None:
    """Who is in stays in."""
    registry, _ = registry_of(series_max=2)
    assert refusal_of(registry, labels_of(job="a")) is None
    assert refusal_of(registry, labels_of(job="b")) is None
    assert refusal_of(registry, labels_of(job="c")) is SeriesRefusal.SERIES_MAX
    assert refusal_of(registry, labels_of(job="a")) is None


def test_limits_per_job_and_per_metric_hit_only_their_own() -> None:
    """One that explodes does not take the others along."""
    registry, _ = registry_of(series_per_job_max=2, series_per_metric_max=3)
    assert [refusal_of(registry, labels_of("m", job="a", n=str(number))) for number in range(3)] == [
        None,
        None,
        SeriesRefusal.SERIES_PER_JOB_MAX,
    ]
    assert refusal_of(registry, labels_of("m", job="b")) is None
    assert refusal_of(registry, labels_of("m", job="c")) is SeriesRefusal.SERIES_PER_METRIC_MAX
    assert refusal_of(registry, labels_of("other", job="c")) is None
    report = registry.report(1)
    assert [(entry.name, entry.series, entry.series_max, entry.refused) for entry in report.metrics] == [("m", 3, 3, 1)]
    assert [(entry.name, entry.series, entry.refused) for entry in report.jobs] == [("a", 2, 1)]
    assert (report.series, report.refused) == (4, {"series_per_job_max": 1, "series_per_metric_max": 1})


def test_series_that_stopped_make_room() -> None:
    """Seen neither in this generation nor in the one before: gone, its metric and job with it."""
    registry, clock = registry_of(series_max=2)
    assert refusal_of(registry, labels_of("old", job="old")) is None
    clock.seconds = 3600
    assert refusal_of(registry, labels_of("new", job="new")) is None
    assert refusal_of(registry, labels_of("third")) is SeriesRefusal.SERIES_MAX
    clock.seconds = 7200
    assert refusal_of(registry, labels_of("third")) is None
    assert [entry.name for entry in registry.report().metrics] == ["new", "third"]
    assert (registry.statistics().series, registry.statistics().expired) == (2, 1)
    clock.seconds = 1e9
    assert (registry.statistics().series, registry.statistics().metrics, registry.statistics().jobs) == (0, 0, 0)


def test_touched_series_stay() -> None:
    """A door that knows a series says only that it saw it; who is forgotten is said back."""
    registry, clock = registry_of()
    kept = registry.admit(labels_of("kept"), NOW_MS).series_id
    lost = registry.admit(labels_of("lost"), NOW_MS).series_id
    for hour in range(1, 5):
        clock.seconds = hour * 3600
        assert registry.generation == hour
        assert registry.touch(np_ids(kept)).tolist() == [True]
    assert registry.touch(np_ids(kept, lost)).tolist() == [True, False]


def test_many_series_are_counted_right() -> None:
    """The table grows as they come, and shrinks when they are gone."""
    registry, clock = registry_of()
    for number in range(5000):
        assert registry.admit(labels_of(f"m{number % 7}", n=str(number)), NOW_MS).admitted
    statistics = registry.statistics()
    assert (statistics.series, statistics.metrics, sum(entry.series for entry in registry.report().metrics)) == (5000, 7, 5000)
    assert statistics.table_bytes < 5000 * 120
    clock.seconds = 8000
    assert registry.statistics().table_bytes < 40_000


def test_labels_travel_until_they_are_durable_and_once_per_day() -> None:
    """Asked for again while unconfirmed; two days are remembered; a third one pushes out the older."""
    registry, _ = registry_of()
    labels = labels_of()
    identity = registry.admit(labels, NOW_MS).series_id
    assert registry.definitions_needed(identity, DAY)
    assert registry.definitions_needed(identity, DAY)
    registry.confirm([registry.definition(identity, DAY, labels)])
    assert not registry.definitions_needed(identity, DAY)
    assert registry.definitions_needed(identity, DAY + 1)
    registry.confirm([registry.definition(identity, DAY + 1, labels)])
    assert not registry.definitions_needed(identity, DAY)
    registry.confirm([registry.definition(identity, DAY + 2, labels)])
    assert registry.definitions_needed(identity, DAY)
    assert registry.definitions_needed(12345, DAY)


def test_definitions_carry_what_is_known_of_the_metric() -> None:
    """By its own name, or by that of its family; help is cut."""
    registry, _ = registry_of(help_bytes_max=5)
    registry.describe(Metadata("latency", "histogram", "How long it took", "seconds"))
    definition = registry.definition(1, DAY, labels_of("latency_bucket", le="1"))
    assert (definition.type, definition.help, definition.unit) == ("histogram", "How l", "seconds")
    assert registry.definition(1, DAY, labels_of("other")).type == ""


def test_metadata_that_comes_late_has_labels_travel_again_once() -> None:
    """Series defined before their type was known are defined anew; contradicting senders don't repeat that for ever."""
    registry, _ = registry_of()
    labels = labels_of("hits_total")
    identity = registry.admit(labels, NOW_MS).series_id
    registry.confirm([registry.definition(identity, DAY, labels)])
    assert registry.describe(Metadata("hits", "counter", "", "")).tolist() == [identity]
    assert registry.definitions_needed(identity, DAY)
    registry.confirm([registry.definition(identity, DAY, labels)])
    assert registry.describe(Metadata("hits", "gauge", "", "")).tolist() == []
    assert registry.definition(identity, DAY, labels).type == "gauge"


def test_metadata_is_bounded() -> None:
    """Beyond the limit nothing more is remembered, and nothing fails."""
    registry, _ = registry_of(metadata_max=1)
    assert registry.describe(Metadata("a", "gauge", "", ""), Metadata("b", "gauge", "", "")).tolist() == []
    assert registry.metadata("a") == Metadata("a", "gauge", "", "")
    assert registry.metadata("b") is None
    registry.describe(Metadata("a", "gauge", "", "x" * 5000), Metadata("m" * 2000, "gauge", "", ""))
    assert registry.metadata("a") == Metadata("a", "gauge", "", "x" * 1024)
    assert registry.metadata("m" * 2000) is None


def np_ids(*ids: int) -> NDArray[np.uint64]:
    """Ids as the array that `touch` takes."""
    return np.array(ids, np.uint64)
