"""Each sort of indicator over events is counted as its definition says, and what changes afterwards is counted anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.slo.keeping import DAY_S, SECOND, START_S, Event, World, log_records, spans

from tocsin.errors import Conflict, StoreError
from tocsin.slo.counting.backfill import PIECE_S_FIRST
from tocsin.slo.definition import EventFreshness, EventRate, EventRatio, StreamRatio
from tocsin.slo.figures import recounted_ratio
from tocsin.slo.minutes import MinuteRange, Sums
from tocsin.store.raw_drops import read_drops
from tocsin.store.sql import Sql
from tocsin.store.touched import read_settled

ALWAYS = MinuteRange(START_S - 60 * DAY_S, START_S + 60 * DAY_S)
GOOD = spans("error:true")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One store for the module: tests tell their telemetry apart by the service."""
    made = World(tmp_path_factory.mktemp("kinds"))
    yield made
    made.close()


@pytest.fixture
def world(shared: World) -> World:
    """The store with nothing defined, an hour later than before."""
    shared.objectives.clear()
    shared.exclusions.clear()
    shared.clock.now_s += 3600 - shared.clock.now_s % 60
    shared.clock.monotonic += 3600
    shared.restart()
    shared.keeper.run_once()
    return shared


def at(world: World, minute: int, second: float = 0) -> int:
    """An instant some minutes before or after now, nanoseconds."""
    return int((world.clock.now_s + 60 * minute + second) * SECOND)


def of(world: World, key: str, within: MinuteRange = ALWAYS) -> Sums:
    """What the counts say."""
    return world.counts.sums([key], [within])[key][0]


def observed(world: World, key: str) -> list[tuple[float, float]]:
    """Good and total of the last minutes, up to the last with an observation."""
    minutes = world.counts.minutes(key, MinuteRange(world.clock.now_s - 3600, world.clock.now_s + 3600))
    pairs = list(zip(minutes.good.tolist(), minutes.total.tolist(), strict=True))
    return [pair for pair in pairs if pair[1]]


def test_weights_are_numbers_of_an_attribute(world: World) -> None:
    """Records are added up; what is no number, or below 0, counts 0."""
    world.define("w", EventRatio(spans("service:w", "records"), spans("error:true", "records"), inverted=True))
    world.send(
        Event("w", at(world, 0), False, records=10), Event("w", at(world, 0), True, records=2.5), Event("w", at(world, 0), True, records=-3)
    )
    world.keeper.run_once()
    assert (of(world, "w").good, of(world, "w").total) == (10, 12.5)


def test_what_comes_out_is_compared_with_what_goes_in(world: World) -> None:
    """Two streams of two signals, each in its own minute; one may be more than the other."""
    world.define("c", StreamRatio(spans("service:c"), log_records("service:c severity_number:9")))
    world.send(*(Event("c", at(world, -2), False) for _ in range(3)))
    world.send(*(Event("c", at(world, -1), False, signal="logs") for _ in range(4)), Event("c", at(world, 0), True, signal="logs"))
    world.keeper.run_once()
    assert of(world, "c") == Sums(4, 3, 0, 0, 1)


def test_a_minute_without_enough_events_is_bad(world: World) -> None:
    """Throughput is judged by whole minutes that are over, from the first event on, with or without events."""
    world.send(*(Event("r", at(world, -3), False) for _ in range(6)), Event("r", at(world, -1), False))
    world.define("r", EventRate(spans("service:r"), at_least_per_s=0.1))
    world.clock.now_s += 30
    world.keeper.run_once()
    assert observed(world, "r") == [(1, 1), (0, 1), (0, 1)]
    world.clock.now_s += 120
    world.send(*(Event("r", at(world, -3, -30), False) for _ in range(5)))
    world.keeper.run_once()
    assert observed(world, "r") == [(1, 1), (0, 1), (1, 1), (0, 1), (0, 1)]
    world.restart()
    world.clock.now_s += 60
    world.keeper.run_once()
    assert len(observed(world, "r")) == 6


def test_freshness_looks_back(world: World) -> None:
    """A minute is good when an event came shortly before its end; a late event makes the minutes after it good as well."""
    world.send(Event("f", at(world, -5), False))
    world.define("f", EventFreshness(spans("service:f"), within_s=90))
    world.clock.now_s += 30
    world.keeper.run_once()
    assert observed(world, "f") == [(1, 1), (0, 1), (0, 1), (0, 1), (0, 1)]
    world.send(Event("f", at(world, -4, 1), False))
    world.keeper.run_once()
    assert observed(world, "f") == [(1, 1), (1, 1), (1, 1), (0, 1), (0, 1)]


def test_older_telemetry_moves_the_beginning_of_observations(world: World) -> None:
    """Events older than any before are where the observations begin from then on."""
    world.send(Event("b", at(world, -2), False))
    world.define("b", EventRate(spans("service:b"), at_least_per_s=0.01))
    world.clock.now_s += 30
    world.keeper.run_once()
    world.send(Event("b", at(world, -5, -30), False))
    world.keeper.run_once()
    assert observed(world, "b") == [(1, 1), (0, 1), (0, 1), (1, 1), (0, 1)]


def test_excluded_events_stand_apart(world: World) -> None:
    """An exclusion with a query, added afterwards, moves what it matches within its time; taken back, it moves it back."""
    world.define("e", EventRatio(spans("service:e"), GOOD, inverted=True))
    world.send(*(Event("e", at(world, minute), minute == -9, "/health") for minute in (-9, -5, -1)), Event("e", at(world, -5), False))
    world.keeper.run_once()
    assert of(world, "e") == Sums(3, 4, 0, 0, 3)
    world.exclude("e", "path:/health", end_s=world.clock.now_s - 240)
    world.keeper.run_once()
    assert of(world, "e") == Sums(2, 2, 1, 2, 2)
    world.exclusions.clear()
    world.keeper.run_once()
    assert of(world, "e") == Sums(3, 4, 0, 0, 3)


def test_an_exclusion_makes_an_observation_bad_but_is_shown(world: World) -> None:
    """Without the excluded events the minute is bad; that it was good with them stands in the excluded column."""
    world.exclude("t", "path:/health")
    world.send(Event("t", at(world, -2), False, "/health"))
    world.define("t", EventRate(spans("service:t"), at_least_per_s=0.01))
    world.clock.now_s += 30
    world.keeper.run_once()
    assert of(world, "t") == Sums(0, 2, 1, 0, 2)


def test_a_changed_definition_is_counted_anew(world: World) -> None:
    """Nothing of the former definition is left, not even a second stream of a signal that is older than all of the other."""
    world.define("d", StreamRatio(spans("service:d"), log_records("service:d")))
    world.send(Event("d", at(world, -1), True), Event("d", at(world, -1), False))
    world.send(Event("d", at(world, -50 * 1440), True, signal="logs"))
    world.keeper.run_once()
    assert of(world, "d") == Sums(1, 2, 0, 0, 1)
    world.define("d", EventRatio(spans("service:d"), GOOD, inverted=True))
    world.keeper.run_once()
    assert of(world, "d") == Sums(1, 2, 0, 0, 1)
    assert world.counts.minutes("d", MinuteRange(world.clock.now_s - 120, world.clock.now_s)).good.tolist() == [0, 1]


def test_while_it_is_counted_anew_the_past_stays(world: World) -> None:
    """Minutes that were not reached yet say what they said before, piece by piece they are replaced, and it shows how far that got."""
    world.define("anew", EventRatio(spans("service:anew"), GOOD, inverted=True))
    world.send(*(Event("anew", at(world, minute), True) for minute in (-800, -500, -30)))
    world.keeper.run_once()
    within = MinuteRange(world.clock.now_s - 900 * 60, world.clock.now_s)
    assert recounted_ratio(within, world.counts.progress()["anew"]) == 1
    known_from_s = world.counts.progress()["anew"].known_from_s
    world.define("anew", EventRatio(spans("service:anew"), GOOD))
    world.keeper._pass(backfill_s=0, series=False)
    assert of(world, "anew") == Sums(0, 3, 0, 0, 3)
    assert world.counts.progress()["anew"].known_from_s == known_from_s
    assert recounted_ratio(within, world.counts.progress()["anew"]) == 0
    one_piece(world)
    assert of(world, "anew") == Sums(1, 3, 0, 0, 3)
    assert 0.3 < recounted_ratio(within, world.counts.progress()["anew"]) < 0.6
    world.keeper.run_once()
    assert of(world, "anew") == Sums(3, 3, 0, 0, 3)
    assert recounted_ratio(within, world.counts.progress()["anew"]) == 1
    assert world.counts.progress()["anew"].known_from_s <= known_from_s


@pytest.mark.parametrize("observing", [False, True])
def test_telemetry_older_than_all_that_comes_meanwhile_is_counted(world: World, observing: bool) -> None:
    """While the past is counted, something arrives that is older than any before: counting goes on until it is in."""
    service = f"import-{observing}"
    world.send(*(Event(service, at(world, minute), False) for minute in (-700, -10)))
    query = spans(f"service:{service}")
    world.define(service, EventRate(query, at_least_per_s=0.01) if observing else EventRatio(query, GOOD, inverted=True))
    world.keeper._pass(backfill_s=0, series=False)
    one_piece(world)
    oldest = -(30 + 5 * observing) * 1440  # before everything that other tests sent
    world.send(Event(service, at(world, oldest), True))
    world.keeper._pass(backfill_s=0, series=False)
    world.keeper.run_once()
    found = world.counts.sums([service], [MinuteRange(world.clock.now_s - 40 * 86_400, world.clock.now_s)])[service][0]
    assert (found.total, found.good) == ((-oldest - 1, 3) if observing else (3, 2))  # the last minute is not over yet


def test_what_was_counted_before_the_first_observation_is_taken_back(world: World) -> None:
    """An objective that becomes one of observations begins at its first event: what another definition counted before that is gone."""
    world.define("late", EventRatio(spans("service:late"), GOOD, inverted=True))
    world.send(Event("late", at(world, -600), True), Event("late", at(world, -20), False, "/slow"))
    world.keeper.run_once()
    assert of(world, "late") == Sums(1, 2, 0, 0, 2)
    world.define("late", EventRate(spans("service:late AND path:/slow"), at_least_per_s=0.01))
    world.clock.now_s += 30
    world.keeper.run_once()
    assert of(world, "late") == Sums(1, 20, 0, 0, 20)
    assert world.book.get("late").counted_from_s == world.clock.now_s - 30 - 1200  # type: ignore[union-attr]  # it was counted
    assert not world.keeper._backfill.waiting(list(world.keeper._plans.values()))


def test_an_objective_is_known_since_its_own_telemetry(world: World) -> None:
    """However old others are, and however it came to be counted: live, late, for the first time, or anew with an exclusion of nothing."""
    world.send(Event("elder", at(world, -20 * 1440), False))
    world.define("since", EventRatio(spans("service:since"), GOOD, inverted=True))
    world.send(Event("since", at(world, -60), True))
    world.keeper.run_once()

    def known() -> int:
        return world.clock.now_s - world.counts.progress()["since"].known_from_s

    assert known() == 3600
    world.send(Event("since", at(world, -90), True))
    world.keeper.run_once()
    assert known() == 5400
    world.send(Event("elder", at(world, -25 * 1440), False))
    world.exclude("since", "path:/nothing")
    world.keeper.run_once()
    assert known() == 5400
    world.book.remove(["since"])
    world.keeper.run_once()
    assert known() == 5400


def one_piece(world: World) -> None:
    """Count one piece of the past, six hours."""
    keeper = world.keeper
    keeper._backfill._piece_s = PIECE_S_FIRST
    keeper._backfill.step(list(keeper._plans.values()), read_drops(world.store.engine))


def test_two_streams_keep_their_past_together(world: World) -> None:
    """Both streams of a minute are of one definition: while one stream takes the place of two, no minute has the good of both."""
    world.define("pair", StreamRatio(spans("service:pair"), log_records("service:pair")))
    for minute in (-500, -30):
        world.send(Event("pair", at(world, minute), False))
        world.send(Event("pair", at(world, minute), False, signal="logs"))
    world.keeper.run_once()
    assert of(world, "pair") == Sums(2, 2, 0, 0, 2)
    world.define("pair", EventRatio(spans("service:pair"), GOOD, inverted=True))
    world.keeper._pass(backfill_s=0, series=False)
    for _ in range(2):
        assert of(world, "pair") == Sums(2, 2, 0, 0, 2)
        one_piece(world)
    world.keeper.run_once()
    assert of(world, "pair") == Sums(2, 2, 0, 0, 2)


def test_a_minute_that_runs_is_no_leftover_of_two_definitions(world: World) -> None:
    """Observations begin where the last minute is over: what another definition counted after that is taken back at once."""
    world.define("runs", StreamRatio(spans("service:runs"), log_records("service:runs")))
    world.send(Event("runs", at(world, 0), False))
    world.send(Event("runs", at(world, 0), False, signal="logs"))
    world.keeper.run_once()
    assert world.counts.minutes("runs", MinuteRange(world.clock.now_s, world.clock.now_s + 60)).good.tolist() == [1]
    world.define("runs", EventRate(spans("service:runs"), at_least_per_s=10))
    world.clock.now_s += 120
    world.keeper.run_once()
    assert world.counts.minutes("runs", MinuteRange(world.clock.now_s - 120, world.clock.now_s - 60)).good.tolist() == [0]


def test_what_is_new_begins_young(world: World) -> None:
    """An objective that was never counted knows only what was counted of it; remains of another of its name are not used."""
    world.define("young", EventRatio(spans("service:young"), GOOD, inverted=True))
    world.send(Event("young", at(world, -500), True))
    world.keeper.run_once()
    world.book.remove(["young"])
    world.keeper._pass(backfill_s=0, series=False)
    progress = world.counts.progress()["young"]
    assert of(world, "young") == Sums()
    assert progress.known_from_s >= world.clock.now_s
    assert recounted_ratio(MinuteRange(world.clock.now_s - DAY_S, world.clock.now_s), progress) == 1
    world.keeper.run_once()
    assert of(world, "young") == Sums(0, 1, 0, 0, 1)


def test_an_objective_that_comes_back_has_missed_nothing(world: World) -> None:
    """While its file was away nobody counted; its counts stayed, and the rest is counted when it is back."""
    objective = world.define("v", EventRatio(spans("service:v"), GOOD, inverted=True))
    world.send(Event("v", at(world, -2), False))
    world.keeper.run_once()
    world.objectives.clear()
    world.send(Event("v", at(world, -1), True))
    world.keeper.run_once()
    assert of(world, "v") == Sums(1, 1, 0, 0, 1)
    world.objectives["v"] = objective
    world.keeper.run_once()
    assert of(world, "v") == Sums(1, 2, 0, 0, 2)


def test_one_wrong_query_holds_up_nobody(world: World) -> None:
    """What the engine refuses is set aside with a reason, and begins anew when it is mended."""
    world.define("g", EventRatio(spans("service:g"), GOOD, inverted=True))
    world.define("bad", EventRatio(spans("service:g path:/(/"), GOOD, inverted=True))
    world.send(Event("g", at(world, 0), False, "/x"))
    world.keeper.run_once()
    assert of(world, "g") == Sums(1, 1, 0, 0, 1)
    assert world.keeper.statistics().refused == 1
    world.define("bad", EventRatio(spans("service:g path:/x/"), GOOD, inverted=True))
    world.keeper.run_once()
    assert of(world, "bad") == Sums(1, 1, 0, 0, 1)
    assert world.keeper.statistics().refused == 0


def test_a_loss_of_power_is_made_good(world: World) -> None:
    """What `touched` lost with the machine is found by its receipt."""
    world.define("p", EventRatio(spans("service:p"), GOOD, inverted=True))
    world.keeper.run_once()
    world.send(Event("p", at(world, -3), False), told=False)
    world.store.engine.execute(Sql("TRUNCATE TABLE touched"))
    world.restart()
    world.keeper.run_once()
    assert of(world, "p") == Sums(1, 1, 0, 0, 1)


def test_a_failed_pass_forgets_nothing(world: World) -> None:
    """Segments whose counting failed are counted by the next pass."""
    world.define("q", EventRatio(spans("service:q"), GOOD, inverted=True))
    world.keeper.run_once()
    world.send(Event("q", at(world, 0), False))
    world.fault = StoreError("the state can't be read")
    with pytest.raises(StoreError):
        world.keeper.run_once()
    assert world.keeper.statistics().failing == 1
    world.fault = None
    world.keeper.run_once()
    assert of(world, "q") == Sums(1, 1, 0, 0, 1)


def test_nothing_is_dropped_before_it_is_counted(world: World) -> None:
    """While an objective has not come to that time yet, retention waits; counting what is left comes first."""
    world.define("n", EventRatio(spans("service:n"), GOOD, inverted=True))
    world.send(Event("n", at(world, -1), False), told=False)
    now_s = world.clock.now_s
    world.keeper._pass(backfill_s=0, series=False)
    with pytest.raises(Conflict, match="not been counted so far back"), world.keeper.dropping("spans", now_s - 3600, now_s):
        pass
    world.keeper.run_once()
    world.send(Event("n", at(world, -1), False), told=False)
    with world.keeper.dropping("spans", now_s - 3600, now_s):
        assert of(world, "n") == Sums(2, 2, 0, 0, 1)


def test_deleting_counts_begins_anew(world: World) -> None:
    """Forgotten counts are gone; what is still defined is counted again from what is stored."""
    world.define("k", EventRatio(spans("service:k"), GOOD, inverted=True))
    world.send(Event("k", at(world, 0), False))
    world.keeper.run_once()
    world.keeper.forget("k")
    assert of(world, "k") == Sums()
    world.keeper.run_once()
    assert of(world, "k") == Sums(1, 1, 0, 0, 1)
    world.keeper.recount("k")
    world.keeper.run_once()
    assert of(world, "k") == Sums(1, 1, 0, 0, 1)


def test_how_far_counting_got_is_written_down(world: World) -> None:
    """A start does not count again what was settled long before."""
    settled = read_settled(world.store.engine)
    assert settled is not None
    assert settled.version >= 2**32
