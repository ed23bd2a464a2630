"""The kinds of telemetry on the way in."""

from __future__ import annotations

from enum import Enum


class Signal(Enum):
    """
    A kind of telemetry; the value is its word in paths, tables, metrics and messages.

    Metrics come in two shapes: OTLP's requests (METRICS), and the blocks of samples that the Prometheus doors make (SAMPLES,
    see `tocsin.model.sample_block`).
    """

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"
    SAMPLES = "samples"
