"""The golden signals, told as stories: what a wall says of a store's requests, logs and metrics."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError
from tests.query.conftest import open_world
from tests.query.series_bench import block
from tests.query.telemetry import MINUTE, MS, NOW, SECOND, SpanLine, World, trace_id
from tests.store.builders import Folder

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.deployment import Deployment, DeploymentSource
from tocsin.model.labels import Labels
from tocsin.model.signals import ErrorSplit, Flag, RequestSignals, ServiceBurn, Signal, SignalsWall
from tocsin.query.reading import Reading
from tocsin.query.signals.golden import Signals
from tocsin.query.signals.options import (
    DEFAULT_RESOURCES,
    ImplicitErrorOptions,
    LimitsOptions,
    ResourceOptions,
    ResourceQueryOptions,
    SaturationOptions,
    SignalsOptions,
    ThresholdOptions,
    ThresholdOverride,
)
from tocsin.store.read_range import Within

DAY = 86_400 * SECOND
APART = 40 * DAY  # from the window of one test to that of the next: they share a store and see nothing of each other


@dataclass
class Ward:
    """A world with its signals, and the means to send requests and samples. Requests are stored when signals are asked for, in one go."""

    world: World
    folder: Folder
    now: int

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._waiting: list[SpanLine] = []

    @property
    def window(self) -> Within:
        """The fifteen minutes before this ward's present."""
        return Within(self.now - 15 * MINUTE, self.now)

    def requests(self, count: int, ms: float, *, back: int = 0, failing: int = 0, server: str = "a", **more: Any) -> None:
        """`count` requests of `ms` milliseconds spread over the window `back` days ago, the first `failing` of which fail."""
        self._waiting += [
            SpanLine(
                more.get("name", "GET /"),
                trace=f"{number:x}",
                id=f"{number:x}",
                kind=more.get("kind", "server"),
                at=self.now - 14 * MINUTE + place * 13 * MINUTE // count - back * DAY,
                duration=round(ms * MS),
                status="error" if place < failing else "unset",
                service=more.get("service", "orders"),
                attributes=more.get("attributes", {}),
                resource={"host.name": server, **more.get("resource", {})},
            )
            for place, number in enumerate(itertools.islice(self._ids, count))
        ]

    def samples(self, values: dict[str, Callable[[int], float]], **labels: str) -> None:
        """A sample every 15 seconds of the window for each metric: its value by the number of the sample."""
        data = {
            Labels({"__name__": name, **labels}): [(self.now // MS - (60 - step) * 15_000, value(step)) for step in range(60)]
            for name, value in values.items()
        }
        self.world.store.load(self.folder.segment(block(data), received=self.now))

    def signals(self, options: SignalsOptions | None = None, **injected: Any) -> Signals:
        """Signals over the world's store, once everything is in it."""
        self.world.send(*self._waiting)
        self._waiting.clear()
        reading = Reading(self.world.store.engine, ReplayClock(self.now, speed=0))
        return Signals(reading, self.world.desk.metrics, options, **injected)

    def wall(self, options: SignalsOptions | None = None, **injected: Any) -> SignalsWall:
        """The wall of all services over the window."""
        return self.signals(options, **injected).wall(self.window)


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Ward]]:
    """One ward after the other over the same store, each with a present of its own."""
    path = tmp_path_factory.mktemp("signals")
    for world in open_world(path):
        (path / "blocks").mkdir()
        folder = Folder(path / "blocks")
        yield (Ward(world, folder, NOW - number * APART) for number in itertools.count())


@pytest.fixture
def ward(wards: Iterator[Ward]) -> Ward:
    """A store that holds nothing yet as far as this test can see."""
    return next(wards)


def named(wall: SignalsWall, service: str) -> RequestSignals:
    """One service of a wall."""
    return next(one for one in wall.services if one.service == service)


def shown(signals: Sequence[Signal]) -> list[tuple[str, str, Flag]]:
    """Titles, values as people read them, flags."""
    return [(signal.title, signal.shown, signal.flag) for signal in signals]


def test_the_wall_flags_exactly_what_is_too_far(ward: Ward) -> None:
    """A window of slow and failing requests, a full pool and a fast burn: four rows breach, traffic does not, and each says why."""
    ward.requests(10, 120)
    ward.requests(8, 120)
    ward.requests(2, 5000, failing=2)
    ward.samples({"pool_in_use": lambda _: 8.0, "pool_size": lambda _: 8.0}, service="orders")
    options = SignalsOptions(saturation=(SaturationOptions(query="pool_in_use / pool_size", title="connection pool"),))
    wall = ward.wall(options, burns=lambda at: {"orders": ServiceBurn(10.0, "orders/availability", 3600)} if at == ward.now else {})
    found = named(wall, "orders")
    assert shown(found.rows()) == [
        ("latency p95", "5,000 ms", Flag.BREACH),
        ("traffic", "0.02 /s", Flag.OK),
        ("error rate", "10.0 %", Flag.BREACH),
        ("saturation", "100.0 %", Flag.BREACH),
        ("SLO burn", "10.0x", Flag.BREACH),
    ]
    assert [signal.reason for signal in found.rows()] == [
        "p95 5,000 ms is above 1,000 ms",
        "traffic 0.02 /s",
        "error rate 10.0 % is above 5.0 %",
        "saturation 100.0 % is above 90.0 % (connection pool)",
        "SLO burn 10.0x is above 6.0x (orders/availability)",
    ]
    assert (wall.flag, found.flag, found.exemplar_trace_id in {trace_id("13"), trace_id("14")}) == (Flag.BREACH, Flag.BREACH, True)
    assert wall.sentence == "1 service breaches: orders: error rate 10.0 % is above 5.0 %."
    assert shown(wall.whole.rows()) == shown(found.rows())


def test_nothing_observed_is_neither_well_nor_zero(ward: Ward) -> None:
    """An empty store has no figures at all, and nothing about it is OK."""
    wall = ward.wall()
    assert (wall.flag, wall.services, wall.whole.requests) == (Flag.NO_DATA, [], 0)
    assert wall.sentence == "Nothing was observed: no spans, no metrics of machines."
    assert {(signal.value, signal.flag) for signal in wall.whole.signals()} == {(None, Flag.NO_DATA)}
    assert {one.flag for one in wall.resources} == {Flag.NO_DATA}
    assert (wall.whole.error_split, wall.whole.errors_per_s, wall.whole.distribution) == (None, None, ())


def test_p99_of_two_servers_comes_from_their_merged_requests(ward: Ward) -> None:
    """A server of which 40 of 100 requests are slow beside one with 900 fast ones: p95 of all is fast, no mean of 10 and 4,050 ms."""
    ward.requests(60, 10, server="a")
    ward.requests(40, 4050, server="a")
    ward.requests(900, 10, server="b")
    found = named(ward.wall(), "orders")
    assert [signal.value for signal in found.latency] == [10.0, 10.0, 10.0, 4050.0]
    assert [(one.requests, one.low_ms < 10 <= one.high_ms) for one in found.distribution] == [(960, True), (40, False)]


def test_latency_twice_the_usual_warns(ward: Ward) -> None:
    """Below every limit, but twice what this hour usually has: a warning that names the baseline; three days are enough, two are not."""
    for back in (1, 2):
        ward.requests(40, 120, back=back)
    ward.requests(40, 240)
    early = named(ward.wall(), "orders").latency[2]
    assert (early.flag, early.reason) == (Flag.OK, "p95 240 ms is not above 500 ms; 120 ms is usual at this hour")
    ward.requests(40, 120, back=3)
    found = named(ward.wall(), "orders").latency[2]
    assert (found.flag, found.reason) == (Flag.WARN, "p95 240 ms is twice the baseline of 120 ms at this hour")
    assert found.baseline is not None
    assert (found.baseline.median, found.baseline.days, found.baseline.days_asked) == (120.0, 3, 7)
    assert named(ward.wall(SignalsOptions(baseline_days=0)), "orders").latency[2].baseline is None


def test_other_hours_of_past_days_are_not_the_baseline(ward: Ward) -> None:
    """What happened at another time of the day, or more days ago than are looked at, is no part of what is usual."""
    ward.requests(40, 120, back=1)
    ward.requests(40, 120, back=8)
    ward.world.send(SpanLine(trace="ff01", id="ff01", kind="server", at=ward.now - DAY - 40 * MINUTE, duration=9 * SECOND))
    ward.requests(40, 100)
    baseline = named(ward.wall(), "orders").latency[3].baseline
    assert baseline is not None
    assert (baseline.median, baseline.days) == (120.0, 1)


def test_a_service_that_fell_silent_is_seen(ward: Ward) -> None:
    """No request where some are usual is a breach of traffic, its value unknown rather than zero; a tenth of the usual is one too."""
    for back in (1, 2, 3, 4):
        ward.requests(60, 50, back=back)
        ward.requests(90, 50, back=back, service="mail")
    ward.requests(6, 50, service="mail")
    wall = ward.wall()
    silent, few = named(wall, "orders").traffic, named(wall, "mail").traffic
    assert (silent.value, silent.shown, silent.flag) == (None, "-", Flag.BREACH)
    assert silent.reason.startswith("no requests were observed; 0.0")
    assert silent.reason.endswith("/s is usual at this hour")
    assert few.flag is Flag.BREACH
    assert "% below the" in few.reason
    assert {signal.flag for signal in named(wall, "orders").latency} == {Flag.NO_DATA}
    assert named(wall, "orders").requests == 0


def test_errors_are_explicit_implicit_and_of_policy_each_request_once(ward: Ward) -> None:
    """Failed, wrongly answered and too slow are told apart, and a request that is several of these counts once."""
    ward.requests(60, 50)
    ward.requests(10, 50, failing=10, attributes={"answer.correct": False})
    ward.requests(10, 50, attributes={"answer.correct": False})
    ward.requests(10, 3000, attributes={"answer.correct": False})
    ward.requests(10, 3000)
    ward.requests(50, 1, kind="internal", attributes={"answer.correct": False})
    options = SignalsOptions(
        implicit_errors=(ImplicitErrorOptions(query="answer.correct:false", service="orders"),),
        overrides=(ThresholdOverride(service="orders", latency_policy_ms=1000),),
    )
    found = named(ward.wall(options), "orders")
    assert found.error_split == ErrorSplit(explicit=10, implicit=20, policy=10)
    assert (found.errors.value, found.errors.flag) == (0.4, Flag.BREACH)
    assert found.errors.reason == "error rate 40.0 % is above 5.0 % (10 failed, 20 answered wrongly, 10 too slow)"
    assert found.errors_per_s == pytest.approx(40 / 900, rel=0.02)
    (endpoint,) = ward.signals(options).endpoints("orders", ward.window)
    assert endpoint.error_split == found.error_split
    assert named(ward.wall(), "orders").error_split == ErrorSplit(10, None, None)


def test_limits_are_of_the_service_then_of_the_endpoint(ward: Ward) -> None:
    """An override for a service holds for its endpoints, one for an endpoint for it alone; of two limits the unnamed one stays."""
    ward.requests(20, 300, name="GET /a")
    ward.requests(20, 300, name="GET /b")
    options = SignalsOptions(
        overrides=(
            ThresholdOverride(service="orders", operation="GET /b", latency_p95_ms=LimitsOptions(breach=200)),
            ThresholdOverride(service="orders", latency_p95_ms=LimitsOptions(warn=250)),
        )
    )
    flags = {one.operation: one.latency[2].flag for one in ward.signals(options).endpoints("orders", ward.window)}
    assert flags == {"GET /a": Flag.WARN, "GET /b": Flag.BREACH}
    wall = ward.wall(options)
    assert named(wall, "orders").latency[2].flag is Flag.WARN
    assert {one.operation: one.p95.flag for one in wall.slowest} == flags
    limits = named(wall, "orders").latency[2].limits
    assert limits is not None
    assert (limits.warn, limits.breach) == (250, 1000)


def test_endpoints_are_listed_beside_their_past(ward: Ward) -> None:
    """The busiest endpoint first; one that is usual and absent is there too; spans inside the service are no endpoints."""
    for back in (0, 1, 2, 3):
        ward.requests(30, 20, name="GET /a", back=back)
        ward.requests(40, 20, name="GET /b", back=back)
        if back:
            ward.requests(50, 20, name="GET /gone", back=back)
    ward.requests(99, 1, name="SELECT", kind="client")
    found = ward.signals().endpoints("orders", ward.window)
    assert [(one.operation, one.kind, one.requests) for one in found] == [
        ("GET /b", "server", 40), ("GET /a", "server", 30), ("GET /gone", "server", 0),
    ]  # fmt: skip
    assert (found[0].saturation, found[0].burn, found[2].traffic.flag) == (None, None, Flag.BREACH)
    assert ward.signals().endpoints("nobody", ward.window) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_engine_reads_the_same_percentiles_as_the_list_of_services(ward: Ward, seed: int) -> None:
    """Over random requests and windows, counts, failures and percentiles are those that `services` and `operations` find."""
    dice = random.Random(seed)
    for service in ("a", "b", "c"):
        for name in ("x", "y"):
            kind = "internal" if service == "c" else dice.choice(["server", "client", "consumer"])
            ward.requests(dice.randint(1, 60), dice.lognormvariate(3, 2), name=name, service=service, kind=kind, failing=dice.randint(0, 5))
    for _ in range(3):
        start = ward.now - dice.randint(1, 16 * 60) * SECOND
        window = Within(start, start + dice.randint(10, 900) * SECOND)
        wall = ward.signals().wall(window)
        expected = ward.world.desk.services(start=window.start, end=window.end)
        seen = sorted((one for one in wall.services if one.requests), key=lambda one: one.service or "")
        assert [(one.service, one.requests, one.error_split and one.error_split.explicit) for one in seen] == [
            (one.service, one.requests, one.errors) for one in expected
        ]
        for one, known in zip(seen, expected, strict=True):
            assert [signal.value for signal in one.latency] == pytest.approx([known.p50_ms, known.p90_ms, known.p95_ms, known.p99_ms])
        assert wall.whole.requests == sum(one.requests for one in expected)


def test_resources_stand_beside_services(ward: Ward) -> None:
    """A busy processor, a disk with a queue and a killed process are flagged with the machine's name; what nothing measures has no data."""
    ward.samples({"node_cpu_seconds_total": lambda step: step * 15 * 0.03}, instance="db-1", cpu="0", mode="idle")
    ward.samples({"node_cpu_seconds_total": lambda step: step * 15 * 0.90}, instance="web-1", cpu="0", mode="idle")
    ward.samples({"node_disk_io_time_weighted_seconds_total": lambda step: step * 15 * 9.0}, instance="db-1", device="sda")
    ward.samples({"node_vmstat_oom_kill": lambda step: float(step >= 30)}, instance="db-1")
    wall = ward.wall()
    resources = {one.name: one for one in wall.resources}
    cpu, disk, memory = resources["CPU"], resources["disk"], resources["memory"]
    assert cpu.utilization is not None
    assert (cpu.flag, cpu.utilization.reason) == (Flag.BREACH, "CPU utilization 97.0 % is above 95.0 % on db-1")
    assert disk.saturation is not None
    assert (disk.saturation.flag, disk.saturation.shown, disk.flag) == (Flag.WARN, "9", Flag.WARN)
    assert memory.errors is not None
    assert (memory.errors.flag, memory.utilization and memory.utilization.flag) == (Flag.BREACH, Flag.NO_DATA)
    assert (resources["network"].flag, resources["CPU"].errors) == (Flag.NO_DATA, None)
    assert wall.flag is Flag.WARN, "causes alone never breach"
    assert wall.sentence.startswith("CPU utilization 97.0 % is above 95.0 % on db-1; memory errors 1")


def test_a_service_is_as_full_as_its_machine_unless_told_otherwise(ward: Ward) -> None:
    """Telemetry that names its host takes that machine's fullest resource; a configured query wins; without either nothing is known."""
    ward.requests(5, 10, server="db")
    ward.requests(5, 10, server="elsewhere", service="mail")
    ward.samples({"node_cpu_seconds_total": lambda step: step * 15 * 0.15}, instance="db:9100", cpu="0", mode="idle")
    ward.samples({"node_uname_info": lambda _: 1.0}, instance="db:9100", nodename="db")
    wall = ward.wall()
    full = named(wall, "orders").saturation
    assert full is not None
    assert (full.flag, full.reason) == (Flag.WARN, "saturation 85.0 % is above 80.0 % (CPU of its machine db)")
    assert named(wall, "mail").saturation is not None
    assert named(wall, "mail").signal("saturation") == named(wall, "mail").saturation
    assert [signal.flag for signal in (named(wall, "mail").signals()) if signal.name == "saturation"] == [Flag.NO_DATA]
    told = ward.wall(SignalsOptions(saturation=(SaturationOptions(query="vector(0.2)", service="orders"),)))
    assert [signal.shown for signal in named(told, "orders").signals() if signal.name == "saturation"] == ["20.0 %"]


def test_a_query_that_fails_is_noted_and_takes_only_its_figure(ward: Ward) -> None:
    """Two series that do not fit together make one query fail: everything else is answered, and a note says which."""
    ward.samples({"left": lambda _: 1.0}, instance="a", side="x")
    ward.samples({"left": lambda _: 1.0}, instance="a", side="y")
    odd = ResourceOptions(name="odd", utilization=ResourceQueryOptions(query="left / on (instance) left", warn=1))
    even = ResourceOptions(name="even", utilization=ResourceQueryOptions(query="max(left)", warn=0.5, breach=2))
    wall = ward.wall(SignalsOptions(resources=(odd, even)))
    assert [one.flag for one in wall.resources] == [Flag.NO_DATA, Flag.WARN]
    (note,) = wall.notes
    assert note.startswith("signals.resources.0.utilization.query could not be read: ")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"saturation": [{"query": "up{"}]}, "expected PromQL: "),
        ({"saturation": [{"query": "'full'"}]}, "answers numbers, found a text"),
        ({"resources": [{"name": "x", "errors": {"query": ")"}}]}, "expected PromQL: "),
        ({"resources": [{"name": "x", "utilization": {"query": "up[5m]"}}]}, "found a range vector"),
        ({"resources": [{"name": "x", "utilization": {"query": "up", "warn": 2, "breach": 1}}]}, "a warning comes first"),
        ({"resources": [{"name": "x", "utilization": {"query": "up", "warn": float("nan")}}]}, "finite"),
        ({"implicit_errors": [{"query": "a:(b"}]}, "expected a query over spans: "),
        ({"thresholds": {"error_ratio": {"warn": float("nan")}}}, "greater than or equal to 0|finite"),
        ({"thresholds": {"error_ratio": {"warn": -0.1}}}, "greater than or equal to 0"),
        ({"overrides": [{"service": "a", "latency_p95_ms": {"breach": float("inf")}}]}, "finite"),
    ],
)
def test_signals_that_can_not_be_judged_are_refused(given: dict[str, object], message: str) -> None:
    """When the options are read, rather than at night on the wall: queries that do not read, limits that are none."""
    with pytest.raises(ValidationError, match=message):
        SignalsOptions.model_validate(given)


def test_the_default_resources_would_be_taken() -> None:
    """They are not read when the options are made, so it is seen to here."""
    for resource in DEFAULT_RESOURCES:
        assert ResourceOptions.model_validate(resource.model_dump()) == resource


def test_a_service_that_only_its_objectives_know_is_shown(ward: Ward) -> None:
    """Silent services are not left out: one with an objective is there without data, and an infinite saturation is none."""
    endless = SignalsOptions(saturation=(SaturationOptions(query="vector(1) / 0", service="quiet"),))
    wall = ward.wall(endless, burns=lambda _: {"quiet": ServiceBurn(None, "quiet/availability", 3600)})
    (quiet,) = wall.services
    assert (quiet.service, quiet.flag, {signal.value for signal in quiet.signals()}) == ("quiet", Flag.NO_DATA, {None})
    assert quiet.burn is not None
    assert quiet.burn.reason == "its objectives observed no event"


def test_deployments_are_those_of_the_window_and_the_hours_before(ward: Ward) -> None:
    """The newest first, of one service when only that is asked for."""
    asked: list[tuple[int, int]] = []

    def told(start: int, end: int) -> list[Deployment]:
        asked.append((start, end))
        return [
            Deployment(f"d{n}", service, f"v{n}", ward.now - n * MINUTE, DeploymentSource.MARK)
            for n, service in ((9, "mail"), (3, "orders"))
        ]

    ward.requests(1, 1)
    signals = ward.signals(SignalsOptions(deployments_hours=2), deployments=told)
    assert [one.version for one in signals.wall(ward.window).deployments] == ["v3", "v9"]
    assert [one.version for one in signals.wall(ward.window, "mail").deployments] == ["v9"]
    assert asked == [(ward.now - 135 * MINUTE, ward.now)] * 2


def test_series_have_gaps_where_nothing_was_observed(ward: Ward) -> None:
    """A value per step; a step without requests is None in every signal, never zero."""
    at = ward.now // MINUTE * MINUTE - 10 * MINUTE
    ward.world.send(*(SpanLine(trace=f"{n}", id=f"{n}", kind="server", at=at + n * SECOND, duration=n * 10 * MS,
                               status="error" if n == 1 else "unset") for n in (1, 2, 3, 4)))  # fmt: skip
    (found,) = ward.signals().series(Within(at - 2 * MINUTE, at + 3 * MINUTE), points=5)
    assert (found.service, found.start, found.step_s) == ("orders", at - 2 * MINUTE, 60)
    assert found.p50_ms == [None, None, 20.0, None, None]
    assert found.per_s == [None, None, 4 / 60, None, None]
    assert found.error_ratio == [None, None, 0.25, None, None]
    (whole,) = ward.signals().series(Within(at - 2 * MINUTE, at + 3 * MINUTE), whole=True, points=2)
    assert (whole.service, whole.step_s, len(whole.p99_ms)) == (None, 300, 2)
    assert ward.signals().series(ward.window, service="nobody") == []


def test_a_heatmap_shows_two_modes(ward: Ward) -> None:
    """Fast and slow requests are two rows of the same column; every request is in exactly one cell; empty columns are None."""
    ward.requests(40, 10)
    ward.requests(20, 2000, failing=3, name="POST /")
    found = ward.signals().distribution("orders", ward.window, columns=10)
    counts = [sum(column[row] for column in found.requests if column is not None) for row in range(len(found.rows))]
    held = {index: (found.rows[index].low_ms, found.rows[index].high_ms) for index, count in enumerate(counts) if count}
    assert sorted(count for count in counts if count) == [20, 40]
    assert all(low < ms <= high for (low, high), ms in zip(held.values(), (10, 2000), strict=True))
    assert sum(sum(column) for column in found.failed if column is not None) == 3
    assert len(found.rows) <= 32
    one = ward.signals().distribution("orders", ward.window, operation="POST /", columns=900)
    assert (sum(sum(column) for column in one.requests if column), len(one.rows), None in one.requests) == (20, 1, True)
    with pytest.raises(NotFound, match="no request of nobody"):
        ward.signals().distribution("nobody", ward.window)


@pytest.mark.parametrize(
    "window", [Within(None, NOW), Within(NOW, None), Within(NOW, NOW), Within(NOW - 32 * DAY, NOW), Within(-1, 9), Within(2**62, 2**62 + 1)]
)
def test_a_window_must_be_closed_and_bounded(ward: Ward, window: Within) -> None:
    """Open, empty and endless windows are refused with what to do."""
    with pytest.raises(InvalidInput, match="window"):
        ward.signals().wall(window)


def test_a_window_is_widened_to_ten_seconds_and_says_so(ward: Ward) -> None:
    """The answer's start and end are those of what was counted, not of what was asked."""
    ward.requests(5, 100)
    start, end = ward.now - 15 * MINUTE, ward.now
    wall = ward.signals().wall(Within(start + 3 * SECOND, end - 4 * SECOND))
    assert (wall.start, wall.end) == (start, end)
    assert wall.whole.requests == 5


def test_a_window_of_days_is_compared_with_those_before_it(ward: Ward) -> None:
    """Three days have two like them in the six before; requests of neither are lost nor counted twice."""
    for back in range(9):
        ward.requests(10, 100, back=back)
    window = Within(ward.now - 3 * DAY + 30 * MINUTE, ward.now)
    found = ward.signals(SignalsOptions(baseline_days=6)).wall(window).services[0]
    assert found.requests == 30
    assert found.traffic.baseline is not None
    assert found.traffic.baseline.days_asked == 2
    assert found.traffic.baseline.median is not None
    assert found.traffic.baseline.median * 3 * 86_400 == pytest.approx(30, rel=0.02)


def test_a_rate_of_the_present_is_over_the_time_that_has_passed(ward: Ward) -> None:
    """The last ten seconds are not over yet: a rate is not thinned by what has still to come."""
    now = ward.now // (10 * SECOND) * 10 * SECOND + SECOND
    ward.world.send(*(SpanLine(trace=f"{n}", id=f"{n}", kind="server", at=now - n * SECOND) for n in range(1, 32)))
    reading = Reading(ward.world.store.engine, ReplayClock(now, speed=0))
    wall = Signals(reading, ward.world.desk.metrics).wall(Within(now - 31 * SECOND, now))
    assert wall.services[0].traffic.value == pytest.approx(1.0)


@pytest.mark.parametrize("limit_ms", [295.0, 300.0, 304.0])
def test_how_many_were_too_slow_is_a_share_of_the_bin_that_the_limit_divides(ward: Ward, limit_ms: float) -> None:
    """Bins are 9 % wide: the one around the limit is shared out, the answer says `about`, and is near the count of the requests."""
    chance = random.Random(4)
    spent = [chance.lognormvariate(4.5, 1.2) for _ in range(2000)]
    for ms in spent:
        ward.requests(1, ms)
    found = named(ward.wall(SignalsOptions(overrides=(ThresholdOverride(service="orders", latency_policy_ms=limit_ms),))), "orders")
    true = sum(ms > limit_ms for ms in spent)
    assert found.error_split is not None
    assert found.error_split.policy == pytest.approx(true, abs=6)
    assert not found.error_split.policy_exact
    assert f"(about {found.error_split.policy:,} too slow)" in found.errors.reason


def test_a_service_is_as_wrong_as_its_endpoints_by_their_own_limits(ward: Ward) -> None:
    """An endpoint's own limit of policy reaches the figure of the service, wrong answers and failures beside it; others are untouched."""
    ward.requests(20, 200, name="A", failing=2)
    ward.requests(10, 200, name="B", failing=1, attributes={"answer.correct": False})
    ward.requests(30, 200, name="B")
    ward.requests(7, 900, name="A")
    ward.requests(40, 900, name="B", kind="internal")
    ward.requests(5, 200, name="B", service="mail")
    options = SignalsOptions(
        thresholds=ThresholdOptions(latency_policy_ms=300),
        implicit_errors=(ImplicitErrorOptions(query="answer.correct:false"),),
        overrides=(ThresholdOverride(service="orders", operation="B", latency_policy_ms=100),),
    )
    wall = ward.wall(options)
    assert named(wall, "orders").error_split == ErrorSplit(explicit=3, implicit=9, policy=37)
    assert named(wall, "mail").error_split == ErrorSplit(explicit=0, implicit=0, policy=0)
    assert wall.whole.error_split == ErrorSplit(explicit=3, implicit=9, policy=37)
    one = ward.signals(options).wall(ward.window, "orders")
    assert named(one, "orders").error_split == named(wall, "orders").error_split
    splits = {(found.operation, found.kind): found.error_split for found in ward.signals(options).endpoints("orders", ward.window)}
    assert splits["A", "server"] == ErrorSplit(2, 0, 7)
    assert splits["B", "server"] == ErrorSplit(1, 9, 30)


@pytest.mark.parametrize(("query", "words"), [("up[5m]", "a range vector"), ("'up'", "a text")])
def test_a_query_that_gives_no_figure_is_noted(ward: Ward, query: str, words: str) -> None:
    """Options refuse such queries; one that gets past them is said, in place of machines that nobody scrapes."""
    asked = ResourceQueryOptions.model_construct(query=query, warn=None, breach=None)
    wall = ward.wall(SignalsOptions(resources=(ResourceOptions(name="odd", utilization=asked),)))
    (note,) = wall.notes
    assert note.startswith(f"signals.resources.0.utilization.query answers {words}")
    assert wall.resources[0].utilization is not None
    assert wall.resources[0].utilization.reason == "its query gives no figure; the notes say why"
