"""Names of segment files."""

from __future__ import annotations

import pytest

from tocsin.clock import RealEntropy, SeededEntropy
from tocsin.journal.naming import SegmentName, parse_token
from tocsin.model.signal import Signal


def test_a_name_and_its_token_read_back() -> None:
    """Stem and token lead back to the name, halves of halves included."""
    name = SegmentName(12, "9f31c07a55e2d4b8").split[0].split[1]
    assert name.stem == "000000000012-9f31c07a55e2d4b8-a-b"
    assert SegmentName.parse(name.stem) == name
    assert parse_token("traces-000000000012-9f31c07a55e2d4b8-a-b") == (Signal.TRACES, name)
    assert name.token(Signal.TRACES) == "traces-000000000012-9f31c07a55e2d4b8-a-b"


def test_the_same_number_never_gives_the_same_token_twice() -> None:
    """When the numbers begin anew after every file is gone, the random part still tells the names apart."""
    entropy = RealEntropy()
    assert SegmentName.new(1, entropy) != SegmentName.new(1, entropy)


def test_the_salt_is_the_front_of_the_random_part_and_survives_splitting() -> None:
    """Halves check their frames with the salt of the whole."""
    name = SegmentName.new(3, SeededEntropy(1))
    assert name.salt == int(name.random[:8], 16)
    assert {half.salt for half in name.split} == {name.salt}


def test_a_part_knows_its_whole() -> None:
    """Descendants are parts; the name itself, its sibling and others are not."""
    whole = SegmentName(1, "0" * 16)
    first, second = whole.split
    assert first.is_part_of(whole)
    assert first.split[1].is_part_of(whole)
    assert not whole.is_part_of(whole)
    assert not first.is_part_of(second)
    assert not SegmentName(2, "0" * 16, "-a").is_part_of(whole)


@pytest.mark.parametrize(
    "stem", ["", "12-9f31c07a55e2d4b8", "000000000012", "000000000012-9F31C07A55E2D4B8", "000000000012-9f31c07a55e2d4b8-c"]
)
def test_other_files_are_not_ours(stem: str) -> None:
    """What is no segment's stem has no name."""
    assert SegmentName.parse(stem) is None
    assert parse_token(f"logs-{stem}") is None


def test_a_token_of_an_unknown_signal_is_none() -> None:
    """Only the three signals have tokens."""
    assert parse_token("profiles-000000000012-9f31c07a55e2d4b8") is None
