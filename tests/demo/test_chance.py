"""Chance repeats, and is spread as it says."""

from __future__ import annotations

from statistics import median

from tocsin.demo.chance import Chance


def test_the_same_seed_rolls_the_same() -> None:
    """A roll depends on the seed and its subject, not on the rolls before."""
    first, second = Chance(7), Chance(7)
    first.ratio("something", "else")
    assert first.ratio("decline", "000041") == second.ratio("decline", "000041")
    assert Chance(8).ratio("decline", "000041") != second.ratio("decline", "000041")


def test_a_share_is_kept() -> None:
    """What happens to 2 % happens to about 2 %."""
    hits = sum(Chance(1).happens(0.02, "decline", number) for number in range(20_000))
    assert 340 < hits < 460


def test_latencies_have_their_median_and_a_tail() -> None:
    """Half of the latencies are below the median, and a few are far above it."""
    latencies = [Chance(1).latency_s(0.04, number) for number in range(5_000)]
    assert 0.038 < median(latencies) < 0.042
    assert min(latencies) > 0
    assert max(latencies) > 0.1


def test_waits_have_their_mean() -> None:
    """Arrivals come at the asked rate."""
    waits = [Chance(1).wait_s(0.2, number) for number in range(5_000)]
    assert 0.19 < sum(waits) / len(waits) < 0.21


def test_picks_stay_in_range() -> None:
    """Every index comes up and none outside the range."""
    assert {Chance(1).pick(5, number) for number in range(200)} == {0, 1, 2, 3, 4}
