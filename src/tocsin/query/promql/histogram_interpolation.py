"""
Native histograms between two samples, for the modifier `smoothed`.

Source: Prometheus documentation, 'Querying basics: extended range selectors'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import add, scale, subtract
from tocsin.query.promql.histogram_notes import Note, Operation, Remark, Remarks
from tocsin.query.promql.histogram_rate import as_gauge
from tocsin.query.promql.histogram_resets import detect_reset
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.samples import Sample


def interpolated(before: Sample, after: Sample, at_ms: int, *, counter: bool) -> tuple[NativeHistogram | None, Remarks]:
    """
    The histogram at an instant between two; a counter that was reset in between grows from zero.

    None, with a remark, for layouts that can't be mixed.

    Args:
        before: A histogram.
        after: The next one.
        at_ms: The instant, from that of `before` to that of `after`.
        counter: Whether falls are resets.
    """
    low, high = before.value, after.value
    assert isinstance(low, NativeHistogram), "floats are interpolated by kernels"
    assert isinstance(high, NativeHistogram), "floats are interpolated by kernels"
    share = (at_ms - before.at_ms) / (after.at_ms - before.at_ms)
    if share == 0:
        return low, ()
    if (low.schema == CUSTOM_BUCKETS_SCHEMA) != (high.schema == CUSTOM_BUCKETS_SCHEMA):
        return None, (Remark(Note.MIXED_SCHEMAS),)
    if counter and detect_reset(low, high):
        return replace(scale(high, share), reset=ResetHint.UNKNOWN), ()
    difference, remarks = subtract(as_gauge(high), as_gauge(low), Operation.SUBTRACTION)
    if difference is None:
        return None, remarks
    total, found = add(as_gauge(low), scale(difference, share), Operation.ADDITION)
    remarks = tuple(dict.fromkeys((*remarks, *found)))
    if total is None:
        return None, remarks
    return replace(total, reset=ResetHint.UNKNOWN if counter else ResetHint.GAUGE), remarks


def smoothed_histogram(samples: Sequence[Sample], times: Times, at_ms: int, lookback_ms: int) -> tuple[Sample | None, Remarks, bool]:
    """
    What `x smoothed` sees of a series with histograms at an instant, remarks about it, and whether floats and histograms lie around it.

    Args:
        samples: In the order of time.
        times: [P] their instants.
        at_ms: The instant.
        lookback_ms: How far away the samples around may be, > 0.
    """
    first, here, last = np.searchsorted(times, (at_ms - lookback_ms, at_ms, at_ms + lookback_ms), side="right").tolist()
    around = samples[first:last]
    if len({isinstance(sample.value, float) for sample in around}) > 1:
        return None, (), True
    if here == first:
        return None, (), False
    before = samples[here - 1]
    if before.at_ms == at_ms or here == last or isinstance(before.value, float):
        return before, (), False
    value, remarks = interpolated(before, samples[here], at_ms, counter=before.value.reset is not ResetHint.GAUGE)
    return None if value is None else Sample(at_ms, value), remarks, False
