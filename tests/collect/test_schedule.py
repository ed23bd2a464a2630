"""When targets are asked: at their own place in the interval, at equal steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.collect.builders import NOW_MS, target_of

from tocsin.collect.schedule import Timetable, next_instant_ms, stamp_ms
from tocsin.model.labels import Labels


@given(st.integers(min_value=0, max_value=2**42), st.integers(min_value=1, max_value=10**6), st.integers(min_value=0, max_value=2**64 - 1))
def test_instants_are_equal_steps_apart(after_ms: int, interval_ms: int, digest: int) -> None:
    """The next instant lies within one interval, and the one after exactly one interval later, wherever one starts."""
    first = next_instant_ms(after_ms=after_ms, interval_s=interval_ms / 1000, digest=digest)
    assert after_ms < first <= after_ms + interval_ms
    assert next_instant_ms(after_ms=first, interval_s=interval_ms / 1000, digest=digest) == first + interval_ms


def test_targets_spread_over_the_interval() -> None:
    """A thousand targets of one job leave no tenth of the interval empty, and none overfull."""
    targets = [target_of(f"http://h{number}:1/metrics") for number in range(1000)]
    instants = [next_instant_ms(after_ms=NOW_MS, interval_s=15, digest=target.digest) - NOW_MS for target in targets]
    tenths = [sum(1 for instant in instants if tenth * 1500 < instant <= (tenth + 1) * 1500) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 150


def test_a_targets_place_survives_a_restart() -> None:
    """The same target, made anew, is asked at the same instants; another label makes another target."""
    one, same = target_of(), target_of()
    assert one == same
    assert one.digest == same.digest
    assert Labels({"a": "b"}) != one.labels


def test_samples_carry_the_scheduled_instant_when_it_is_near() -> None:
    """A scrape that began a little late has the scheduled time; one that began much later says so."""
    assert stamp_ms(scheduled_ms=1_000_000, started_ms=1_000_140, interval_s=15) == 1_000_000
    assert stamp_ms(scheduled_ms=1_000_000, started_ms=1_000_160, interval_s=15) == 1_000_160
    assert stamp_ms(scheduled_ms=1_000_000, started_ms=1_000_002, interval_s=0.1) == 1_000_000


def test_the_timetable_gives_what_is_due_oldest_first() -> None:
    """Items come out once, in the order of their instants; the wait is until the next one, and never longer than asked."""
    table: Timetable[str] = Timetable()
    table.put(300, "c")
    table.put(100, "a")
    table.put(200, "b")
    assert table.due(200) == [(100, "a"), (200, "b")]
    assert table.due(200) == []
    assert table.wait_s(200, at_most=1.0) == 0.1
    assert table.wait_s(200, at_most=0.05) == 0.05
    assert table.wait_s(999, at_most=1.0) == 0.0
