"""Time and chance: real ones move, replayed ones start where they are told, seeded ones repeat."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.clock import NANOSECONDS_PER_SECOND, RealClock, RealEntropy, ReplayClock, SeededEntropy

START = 1_500_000_000 * NANOSECONDS_PER_SECOND


@dataclass
class HandClock:
    """A monotonic clock that a test moves."""

    seconds: float = 1000.0

    def now_ns(self) -> int:
        """A replay never asks for the present."""
        raise AssertionError

    def monotonic_s(self) -> float:
        """Where the test has put it."""
        return self.seconds


def test_the_real_clock_runs_forward() -> None:
    """It tells a present after this was written, and durations never go back."""
    clock = RealClock()
    assert clock.now_ns() > 1_700_000_000 * NANOSECONDS_PER_SECOND
    readings = [clock.monotonic_s() for _ in range(100)]
    assert readings == sorted(readings)


@pytest.mark.parametrize(("speed", "expected_s"), [(1.0, 30), (60.0, 1800), (0.5, 15), (0.0, 0)])
def test_a_replay_starts_at_its_instant_and_runs_at_its_speed(speed: float, expected_s: int) -> None:
    """Half a minute of real time is what the speed makes of it."""
    source = HandClock()
    clock = ReplayClock(START, speed=speed, source=source)
    assert clock.now_ns() == START
    source.seconds += 30
    assert clock.now_ns() == START + expected_s * NANOSECONDS_PER_SECOND


def test_a_replay_does_not_stretch_timeouts() -> None:
    """What 'now' is changes, how long a second lasts does not."""
    source = HandClock()
    clock = ReplayClock(START, speed=1000.0, source=source)
    before = clock.monotonic_s()
    source.seconds += 2
    assert clock.monotonic_s() - before == 2


def test_a_replay_runs_on_the_machine_by_default() -> None:
    """Without a source it is driven by the real clock."""
    clock = ReplayClock(0, speed=1.0)
    assert 0 <= clock.now_ns() < 60 * NANOSECONDS_PER_SECOND
    assert clock.now_ns() <= clock.now_ns()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.floats(0, 1e3))
def test_a_replay_never_goes_back(steps: list[float], speed: float) -> None:
    """At any speed, over any steps of the source."""
    source = HandClock()
    clock = ReplayClock(START, speed=speed, source=source)
    last = clock.now_ns()
    for step in steps:
        source.seconds += step
        assert clock.now_ns() >= last
        last = clock.now_ns()


def test_real_tokens_differ() -> None:
    """So many hexadecimal digits as asked for, never the same."""
    entropy = RealEntropy()
    tokens = [entropy.token_hex(16) for _ in range(100)]
    assert len(set(tokens)) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tokens)


def test_seeded_tokens_repeat() -> None:
    """The same seed gives the same sequence, another seed another one."""
    first, second, other = SeededEntropy(7), SeededEntropy(7), SeededEntropy(8)
    sequence = [first.token_hex(8) for _ in range(10)]
    assert [second.token_hex(8) for _ in range(10)] == sequence
    assert [other.token_hex(8) for _ in range(10)] != sequence
    assert len(set(sequence)) == 10
    assert all(len(token) == 16 for token in sequence)
