"""
The trim operators: `h </ 5` keeps what was observed below 5, `h >/ 5` what was above.

Source: Prometheus documentation, 'Operators', 'Histogram trim operators'.
"""

from __future__ import annotations

from tocsin.model.native_histogram import NativeHistogram


def trim_upper(h: NativeHistogram, bound: float) -> NativeHistogram:
    """`h </ bound`: without the observations above `bound`; counts in the bucket that holds the bound are interpolated, the sum is estimated."""
    raise NotImplementedError


def trim_lower(h: NativeHistogram, bound: float) -> NativeHistogram:
    """`h >/ bound`: without the observations below `bound`; counts in the bucket that holds the bound are interpolated, the sum is estimated."""
    raise NotImplementedError
