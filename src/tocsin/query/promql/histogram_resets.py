"""
Counter resets between native histograms.

Source: Prometheus, native histogram specification, 'Counter reset considerations'.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model.native_histogram import NativeHistogram


def detect_reset(previous: NativeHistogram, current: NativeHistogram) -> bool:
    """Whether a counter was reset between the two: what the hint of `current` says, or else any count or bucket that fell or went."""
    raise NotImplementedError


def count_changes(points: Sequence[NativeHistogram]) -> int:
    """How often the value differs from the one before it (`changes`); a counter and a gauge with the same values are equal."""
    raise NotImplementedError
