"""The three kinds of telemetry."""

from __future__ import annotations

from enum import Enum


class Signal(Enum):
    """A kind of telemetry; the value is its word in paths, tables, metrics and messages."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"
