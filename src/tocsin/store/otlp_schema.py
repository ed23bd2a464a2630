"""
What the engine needs to know to read OTLP requests out of a journal segment: a protobuf schema and the columns it fills.

Only wanted fields are named; the decoder skips the rest, so new OTLP fields never break a load. A segment is a sequence of

    varint(length) + Export{Trace,Logs,Metrics}ServiceRequest + trailer (fields 1000-1002, see `tocsin.journal.frame`)

`AnyValue` is recursive and the engine reads no recursive message: the door has replaced arrays and maps by their JSON text in the
private field 1000 (`tocsin.wire.reduce`). Each field named here costs about 0.01 us per attribute, so the list is short on purpose.

The `oneof` of AnyValue gets a column that says which member was set; its names are the one-letter types that the tables store:
`n` nothing, `s` string, `b` bool, `i` int, `d` double, `y` bytes, `j` JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMON_MESSAGES = """syntax = "proto3";
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; string version = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
  bytes bytes_value = 7; string json_value = 1000; } }
message Exemplar { fixed64 time_unix_nano = 2; double as_double = 3; bytes span_id = 4; bytes trace_id = 5; sfixed64 as_int = 6;
  repeated KeyValue filtered_attributes = 7; }
"""

TRACE_MESSAGES = """
message Request { repeated ResourceSpans resource_spans = 1; fixed64 received_unix_nano = 1000; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message Status { string message = 2; int32 code = 3; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; }
message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; repeated Event events = 11;
  repeated Link links = 13; Status status = 15; }
"""

LOG_MESSAGES = """
message Request { repeated ResourceLogs resource_logs = 1; fixed64 received_unix_nano = 1000; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message LogRecord { fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; bytes trace_id = 9; bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12; }
"""

METRIC_MESSAGES = """
message Request { repeated ResourceMetrics resource_metrics = 1; fixed64 received_unix_nano = 1000; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message Metric { string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
  ExponentialHistogram exponential_histogram = 10; Summary summary = 11; }
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message ExponentialHistogram { repeated ExponentialHistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message Summary { repeated SummaryDataPoint data_points = 1; }
message NumberDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; double as_double = 4;
  repeated Exemplar exemplars = 5; sfixed64 as_int = 6; repeated KeyValue attributes = 7; uint32 flags = 8; }
message HistogramDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; optional double sum = 5;
  repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; repeated Exemplar exemplars = 8;
  repeated KeyValue attributes = 9; uint32 flags = 10; optional double min = 11; optional double max = 12; }
message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
message ExponentialHistogramDataPoint { repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9;
  uint32 flags = 10; repeated Exemplar exemplars = 11; optional double min = 12; optional double max = 13; double zero_threshold = 14; }
message Quantile { double quantile = 1; double value = 2; }
message SummaryDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5;
  repeated Quantile quantile_values = 6; repeated KeyValue attributes = 7; uint32 flags = 8; }
"""

LETTER = "Enum16('n' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'y' = 7, 'j' = 1000)"
ANY_VALUE = (
    "Tuple(string_value String, bool_value Bool, int_value Int64, double_value Float64, bytes_value String, "
    f"json_value String, value {LETTER})"
)
PAIRS = f"Array(Tuple(key LowCardinality(String), value {ANY_VALUE}))"
RESOURCE = f"resource Tuple(attributes {PAIRS})"
SCOPE = "scope Tuple(name LowCardinality(String), version LowCardinality(String))"

SPAN = (
    "Tuple(trace_id String, span_id String, trace_state String, parent_span_id String, name LowCardinality(String), kind Int32, "
    f"start_time_unix_nano UInt64, end_time_unix_nano UInt64, attributes {PAIRS}, "
    f"events Array(Tuple(time_unix_nano UInt64, name LowCardinality(String), attributes {PAIRS})), "
    f"links Array(Tuple(trace_id String, span_id String, trace_state String, attributes {PAIRS})), "
    "status Tuple(message String, code Int32))"
)
LOG_RECORD = (
    f"Tuple(time_unix_nano UInt64, severity_number Int32, severity_text LowCardinality(String), body {ANY_VALUE}, attributes {PAIRS}, "
    "trace_id String, span_id String, observed_time_unix_nano UInt64, event_name LowCardinality(String))"
)


EXEMPLARS = (
    "exemplars Array(Tuple(time_unix_nano UInt64, as_double Float64, as_int Int64, span_id String, trace_id String, "
    f"filtered_attributes {PAIRS}))"
)
POINT_TIMES = "start_time_unix_nano UInt64, time_unix_nano UInt64, flags UInt32"
NUMBER_POINTS = f"data_points Array(Tuple({POINT_TIMES}, as_double Float64, as_int Int64, attributes {PAIRS}, {EXEMPLARS}))"
EXTREMES = "sum Nullable(Float64), min Nullable(Float64), max Nullable(Float64)"
HISTOGRAM_POINTS = (
    f"data_points Array(Tuple({POINT_TIMES}, count UInt64, {EXTREMES}, bucket_counts Array(UInt64), explicit_bounds Array(Float64), "
    f"attributes {PAIRS}, {EXEMPLARS}))"
)
BUCKETS = "Tuple(offset Int32, bucket_counts Array(UInt64))"
EXPONENTIAL_POINTS = (
    f"data_points Array(Tuple({POINT_TIMES}, count UInt64, {EXTREMES}, scale Int32, zero_count UInt64, zero_threshold Float64, "
    f"positive {BUCKETS}, negative {BUCKETS}, attributes {PAIRS}, {EXEMPLARS}))"
)
SUMMARY_POINTS = (
    f"data_points Array(Tuple({POINT_TIMES}, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), "
    f"attributes {PAIRS}))"
)


@dataclass(frozen=True, slots=True)
class SegmentSchema:
    """How to read one signal's segments: the protobuf schema text, and the engine's `structure` argument."""

    messages: str
    structure: str


def _metrics(kind: str) -> SegmentSchema:
    metric = f"Tuple(name LowCardinality(String), description LowCardinality(String), unit LowCardinality(String), {kind})"
    return SegmentSchema(
        COMMON_MESSAGES + METRIC_MESSAGES,
        f"resource_metrics Array(Tuple({RESOURCE}, scope_metrics Array(Tuple({SCOPE}, metrics Array({metric}))))), "
        "received_unix_nano UInt64",
    )


SPANS = SegmentSchema(
    COMMON_MESSAGES + TRACE_MESSAGES,
    f"resource_spans Array(Tuple({RESOURCE}, scope_spans Array(Tuple({SCOPE}, spans Array({SPAN}))))), received_unix_nano UInt64",
)
LOG_RECORDS = SegmentSchema(
    COMMON_MESSAGES + LOG_MESSAGES,
    f"resource_logs Array(Tuple({RESOURCE}, scope_logs Array(Tuple({SCOPE}, log_records Array({LOG_RECORD}))))), received_unix_nano UInt64",
)
# A metrics segment is read once per family of points: the decoder skips what a family does not name faster than it could unify them.
NUMBERS = _metrics(f"gauge Tuple({NUMBER_POINTS}), sum Tuple({NUMBER_POINTS}, aggregation_temporality Int32, is_monotonic Bool)")
HISTOGRAMS = _metrics(f"histogram Tuple({HISTOGRAM_POINTS}, aggregation_temporality Int32)")
EXPONENTIAL_HISTOGRAMS = _metrics(f"exponential_histogram Tuple({EXPONENTIAL_POINTS}, aggregation_temporality Int32)")
SUMMARIES = _metrics(f"summary Tuple({SUMMARY_POINTS})")

# Only enough of each point to count it: which families a segment holds at all. Most hold one or two of the four.
_COUNTED = "Tuple(data_points Array(Tuple(flags UInt32)))"
FAMILIES = SegmentSchema(
    COMMON_MESSAGES + METRIC_MESSAGES,
    "resource_metrics Array(Tuple(scope_metrics Array(Tuple(metrics Array(Tuple("
    f"gauge {_COUNTED}, sum {_COUNTED}, histogram {_COUNTED}, exponential_histogram {_COUNTED}, summary {_COUNTED}))))))",
)
