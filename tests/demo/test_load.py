"""What customers ask for."""

from __future__ import annotations

from collections import Counter

from tocsin.demo.chance import Chance
from tocsin.demo.load import choose_call


def test_the_same_seed_brings_the_same_customers() -> None:
    """Two runs with one seed make the same calls; another seed makes others."""
    calls = [choose_call(Chance(1), number) for number in range(50)]
    assert calls == [choose_call(Chance(1), number) for number in range(50)]
    assert calls != [choose_call(Chance(2), number) for number in range(50)]


def test_customers_want_different_things() -> None:
    """A third buys, a quarter asks, the rest looks at orders."""
    kinds = Counter(choose_call(Chance(1), number).path.split("/")[1] for number in range(2_000))
    assert 600 < kinds["checkout"] < 800
    assert 400 < kinds["ask"] < 600
    assert 300 < kinds["customers"] < 500
    assert 300 < kinds["orders"] < 500
