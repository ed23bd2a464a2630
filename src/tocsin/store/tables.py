"""Which statement fills which table from which kind of segment, and which tables exist to be read and to expire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tocsin.model.signal import Signal
from tocsin.store import otlp_schema
from tocsin.store.decode import logs_select, spans_select
from tocsin.store.decode_metrics import exponential_histograms_select, histograms_select, numbers_select, summaries_select
from tocsin.store.decode_samples import SAMPLE_BLOCKS, sample_blocks_select
from tocsin.store.options import RetentionOptions, StoreOptions
from tocsin.store.otlp_schema import SegmentSchema

SPAN_COLUMNS = (
    "ts, trace_id, span_id, parent_span_id, trace_state, name, service, kind, duration_ns, status, status_message, attributes, "
    "attribute_types, resource, scope_name, scope_version, event_ts, event_names, event_attributes, event_attribute_types, link_trace_ids, "
    "link_span_ids, link_trace_states, link_attributes, link_attribute_types, received, redactions, cuts, segment"
)
LOG_COLUMNS = (
    "ts, observed_after_ns, trace_id, span_id, service, severity_number, severity_text, event_name, body, body_type, attributes, "
    "attribute_types, resource, scope_name, scope_version, received, redactions, cuts, segment"
)
POINT_COLUMNS = (
    "ts, start_ts, job, instance, name, kind, unit, description, temporality, monotonic, service, resource, scope_name, scope_version, "
    "attributes, attribute_types, series_ids, received, redactions, cuts, segment, components, bounds, values"
)
EXEMPLAR_COLUMNS = ", exemplar_ts, exemplar_values, exemplar_trace_ids, exemplar_span_ids, exemplar_attributes"
EXPONENTIAL_COLUMNS = (
    ", histogram_count, histogram_sum, histogram_min, histogram_max, scale, zero_count, zero_threshold, positive_offset, positive_counts, "
    "negative_offset, negative_counts"
)
SAMPLE_BLOCK_COLUMNS = "series_ids, timestamps, values, definitions, points, seen, redactions, received, segment"


@dataclass(frozen=True, slots=True)
class Load:
    """
    One INSERT ... SELECT from a segment.

    Args:
        name: Told apart in the deduplication token: a segment may need several inserts.
        table: The table with the names of the columns, in the order of the SELECT.
        schema: How the engine reads the segment.
        select: Builds the SELECT.
    """

    name: str
    table: str
    schema: SegmentSchema
    select: Callable[[StoreOptions], str]


LOADS = {
    Signal.TRACES: (Load("spans", f"spans ({SPAN_COLUMNS})", otlp_schema.SPANS, spans_select),),
    Signal.LOGS: (Load("logs", f"logs ({LOG_COLUMNS})", otlp_schema.LOG_RECORDS, logs_select),),
    Signal.METRICS: (
        Load("numbers", f"points ({POINT_COLUMNS}{EXEMPLAR_COLUMNS})", otlp_schema.NUMBERS, numbers_select),
        Load("histograms", f"points ({POINT_COLUMNS}{EXEMPLAR_COLUMNS})", otlp_schema.HISTOGRAMS, histograms_select),
        Load(
            "exponential",
            f"points ({POINT_COLUMNS}{EXPONENTIAL_COLUMNS}{EXEMPLAR_COLUMNS})",
            otlp_schema.EXPONENTIAL_HISTOGRAMS,
            exponential_histograms_select,
        ),
        Load("summaries", f"points ({POINT_COLUMNS})", otlp_schema.SUMMARIES, summaries_select),
    ),
    Signal.SAMPLES: (Load("samples", f"sample_blocks ({SAMPLE_BLOCK_COLUMNS})", SAMPLE_BLOCKS, sample_blocks_select),),
}

# Tables whose rows name the segment they came from, by signal. Spans and logs are written before anything that is made from them, so that
# nothing of a segment is in when they hold nothing of it. Metrics are written to all their tables at once: where the engine fails while
# writing, not while decoding, a split may count points twice in `resources` and `intake`, never in `samples`, `histograms` or `exemplars`.
METRIC_TABLES = ("samples", "samples_folding", "histograms", "exemplars")
SEGMENT_TABLES = {
    Signal.TRACES: ("spans",),
    Signal.LOGS: ("logs",),
    Signal.METRICS: METRIC_TABLES,
    Signal.SAMPLES: METRIC_TABLES,
}

TELEMETRY_TABLES = (
    "spans", "logs", "samples", "samples_folding", "chunks", "series", "histograms", "exemplars", "trace_index", "requests_10s",
    "requests_5m", "resources", "intake",
)  # fmt: skip


def retention_days(options: RetentionOptions) -> dict[str, float | None]:
    """How many days each table keeps its rows, by table; None for ever."""
    return {
        "spans": options.traces_days,
        "trace_index": options.traces_days,
        "logs": options.logs_days,
        "samples": options.metrics_days,
        "samples_folding": options.metrics_days,
        "chunks": options.metrics_days,
        "series": options.metrics_days,
        "histograms": options.metrics_days,
        "exemplars": options.metrics_days,
        "requests_10s": options.rollups_days,
        "requests_5m": options.rollups_days,
        "resources": options.rollups_days,
    }
