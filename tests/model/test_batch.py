"""What travels on the way in: signals and their words, batches and segments as values."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tocsin.model.batch import Batch, Segment
from tocsin.model.signal import Signal


def test_the_words_of_signals_are_those_of_paths_and_tables() -> None:
    """The words are written into file names and stored rows, so they never change."""
    assert [signal.value for signal in Signal] == ["traces", "logs", "metrics", "samples"]
    assert Signal("logs") is Signal.LOGS


def test_batches_and_segments_are_values() -> None:
    """Equal content is equal, and nobody changes it on the way."""
    assert Batch(Signal.LOGS, b"x", 1) == Batch(Signal.LOGS, b"x", 1)
    segment = Segment(Signal.LOGS, Path("p"), "token", 1, 2, 3)
    assert segment == Segment(Signal.LOGS, Path("p"), "token", 1, 2, 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        segment.token = "other"  # type: ignore[misc]
