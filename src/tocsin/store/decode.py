"""
From a journal segment to rows: the SELECT that the engine runs inside `INSERT ... SELECT`, one per signal.

    segment -> one row per request -> per resource -> per scope -> per span / log record, as nested sub-selects

Attributes become two columns. `attributes` is a Map of texts, so that one index and one comparison serve every type; beside it
`attribute_types` has one letter per attribute in the same order (see `otlp_schema`), so that types come back as they went in:
`{"user.id": 7, "ok": true}` is stored as `{'user.id':'7','ok':'true'}` and `['i','b']`, as the decoder gave them. Spans of one kind share
their letters, so the column costs next to nothing. A resource is the same for thousands of rows: it is kept as canonical JSON text in a
dictionary column.

All texts of a record (its attributes, those of its events and links, a body, a message) are laid end to end in one array, cleaned in one
pass (`cleaned`), and cut apart again. Each step is a sub-select of its own: the engine's analyzer copies an expression wherever its
name is used, and a first version that named them with lambdas took 300 ms to analyze for every segment, however small.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.options import StoreOptions
from tocsin.store.otlp_schema import LETTER
from tocsin.store.redact import MARK, is_secret_key, is_suspicious, treat
from tocsin.store.sql import quote_string

SEGMENT_PLACEHOLDER = "__SEGMENT__"
INT64_MAX = 2**63 - 1
TEXT_LETTER = f"CAST('s', {quote_string(LETTER)})"
UNKNOWN_SERVICE = "unknown_service"  # Source: OpenTelemetry resource semantic conventions, service.name

ORIGIN = "received, resource, service, scope_name, scope_version"


def spans_select(options: StoreOptions) -> str:
    """SQL that reads `__SEGMENT__` and returns rows named as the columns of the table `spans`."""
    events, links = "s.events.attributes", "s.links.attributes"
    values = ("s.attributes.value", f"arrayFlatten({events}.value)", f"arrayFlatten({links}.value)")
    columns = {
        "ts": "fromUnixTimestamp64Nano(toInt64(s.start_time_unix_nano), 'UTC')",
        "trace_id": "toFixedString(s.trace_id, 16)",
        "span_id": "toFixedString(s.span_id, 8)",
        "parent_span_id": "if(length(s.parent_span_id) = 8, toFixedString(s.parent_span_id, 8), toFixedString('', 8))",
        "trace_state": "s.trace_state",
        "name": "s.name",
        "kind": "toInt8(if(s.kind BETWEEN 0 AND 5, s.kind, 0))",
        "duration_ns": "if(s.end_time_unix_nano > s.start_time_unix_nano, s.end_time_unix_nano - s.start_time_unix_nano, 0)",
        "status": "toInt8(if(s.status.code BETWEEN 0 AND 2, s.status.code, 0))",
        "event_ts": f"arrayMap(t -> fromUnixTimestamp64Nano(toInt64(least(t, {INT64_MAX})), 'UTC'), s.events.time_unix_nano)",
        "event_names": "s.events.name",
        "link_trace_ids": "arrayMap(i -> toFixedString(substring(i, 1, 16), 16), s.links.trace_id)",
        "link_span_ids": "arrayMap(i -> toFixedString(substring(i, 1, 8), 8), s.links.span_id)",
        "link_trace_states": "s.links.trace_state",
        "size": "toUInt32(length(s.attributes.key))",
        "event_sizes": f"arrayMap(a -> toUInt32(length(a)), {events}.key)",
        "link_sizes": f"arrayMap(a -> toUInt32(length(a)), {links}.key)",
        "event_ends": f"arrayMap(e -> e + length(s.attributes.key), arrayCumSum(arrayMap(a -> length(a), {events}.key)))",
        "link_ends": f"arrayMap(e -> e + length(s.attributes.key) + length(arrayFlatten({events}.key)), "
        f"arrayCumSum(arrayMap(a -> length(a), {links}.key)))",
        "keys": f"arrayConcat(s.attributes.key, arrayFlatten({events}.key), arrayFlatten({links}.key), [''])",
        "texts": f"arrayConcat({', '.join(value_texts(value) for value in values)}, [s.status.message])",
        "types": f"arrayConcat({', '.join(value_types(value) for value in values)}, [{TEXT_LETTER}])",
    }
    kept = [name for name in columns if name not in ("keys", "texts", "types")]
    texts = cleaned(
        _records("resource_spans", "scope_spans", "spans", columns, options), keep=f"{ORIGIN}, {', '.join(kept)}", options=options
    )
    clean = clean_columns(options)
    return f"""
SELECT
    ts, trace_id, span_id, parent_span_id, trace_state, name, service, kind, duration_ns, status,
    clean[-1] AS status_message,
    {_map("1", "size")} AS attributes,
    {_types("1", "size", clean)} AS attribute_types,
    resource, scope_name, scope_version, event_ts, event_names,
    arrayMap((n, e) -> {_map("e - n + 1", "n")}, event_sizes, event_ends) AS event_attributes,
    arrayMap((n, e) -> {_types("e - n + 1", "n", clean)}, event_sizes, event_ends) AS event_attribute_types,
    link_trace_ids, link_span_ids, link_trace_states,
    arrayMap((n, e) -> {_map("e - n + 1", "n")}, link_sizes, link_ends) AS link_attributes,
    arrayMap((n, e) -> {_types("e - n + 1", "n", clean)}, link_sizes, link_ends) AS link_attribute_types,
    received,
    {clean["redactions"]} AS redactions,
    {clean["cuts"]} AS cuts,
    {{segment:UInt64}} AS segment
FROM ({texts})"""


def logs_select(options: StoreOptions) -> str:
    """SQL that reads `__SEGMENT__` and returns rows named as the columns of the table `logs`."""
    event_time = (
        "multiIf(s.time_unix_nano != 0, s.time_unix_nano, s.observed_time_unix_nano != 0, s.observed_time_unix_nano, received_unix_nano)"
    )
    observed = f"if(s.observed_time_unix_nano BETWEEN 1 AND {INT64_MAX}, s.observed_time_unix_nano, received_unix_nano)"
    columns = {
        "ts": f"fromUnixTimestamp64Nano(toInt64({event_time}), 'UTC')",
        "observed_after_ns": f"toInt64({observed}) - toInt64({event_time})",
        "trace_id": "if(length(s.trace_id) = 16, toFixedString(s.trace_id, 16), toFixedString('', 16))",
        "span_id": "if(length(s.span_id) = 8, toFixedString(s.span_id, 8), toFixedString('', 8))",
        "severity_number": "toInt8(if(s.severity_number BETWEEN 0 AND 24, s.severity_number, 0))",
        "severity_text": "s.severity_text",
        "event_name": "s.event_name",
        "size": "toUInt32(length(s.attributes.key))",
        "keys": "arrayPushBack(s.attributes.key, '')",
        "texts": f"arrayPushBack({value_texts('s.attributes.value')}, {value_text('s.body')})",
        "types": f"arrayPushBack({value_types('s.attributes.value')}, s.body.value)",
    }
    kept = [name for name in columns if name not in ("keys", "texts", "types")]
    texts = cleaned(
        _records("resource_logs", "scope_logs", "log_records", columns, options), keep=f"{ORIGIN}, {', '.join(kept)}", options=options
    )
    clean = clean_columns(options)
    return f"""
SELECT
    ts, observed_after_ns, trace_id, span_id, service, severity_number, severity_text, event_name,
    clean[-1] AS body,
    {clean["clean_types"]}[-1]::String AS body_type,
    {_map("1", "size")} AS attributes,
    {_types("1", "size", clean)} AS attribute_types,
    resource, scope_name, scope_version, received,
    {clean["redactions"]} AS redactions,
    {clean["cuts"]} AS cuts,
    {{segment:UInt64}} AS segment
FROM ({texts})"""


def cleaned(source: str, *, keep: str, options: StoreOptions) -> str:
    """
    A sub-select over `source` that replaces texts by redacted and cut ones.

    Args:
        source: A SELECT with the columns of `keep` and three arrays of one length: keys ('' where a text has none), texts, types (letters).
        keep: Columns of `source` to hand on. Cheap types only: the analyzer spells out a nested type at every step.
        options: What to redact, how long a text may be.

    Returns:
        SQL with the columns of `keep` and keys, texts, types, flagged (whether anything had to be looked at) and clean (Array(String)).

    The costly branch stands in one `if` alone: the engine skips a branch only where nothing else uses what it computes.
    """
    limit, redaction = options.attribute_bytes_max, options.redaction
    # 2: the key names a secret. 1: the text must be looked at closely. A double's digits look like a card number; no secret is a double.
    look = f"multiIf({is_secret_key('k', redaction)}, 2, t = 'd', 0, {is_suspicious('v', redaction, bytes_max=limit)}, 1, 0)"
    flags = f"arrayMap((k, v, t) -> {look}, keys, texts, types)"
    treated = f"multiIf(f = 0 OR v = '', v, f = 2, '{MARK}', {treat('v', redaction, bytes_max=limit)})"
    return f"""
    SELECT {keep}, keys, texts, types, {flags} AS flags, arrayExists(f -> f != 0, flags) AS flagged,
        if(flagged, arrayMap((v, f) -> {treated}, texts, flags), texts) AS clean
    FROM ({source})"""


def clean_columns(options: StoreOptions) -> dict[str, str]:
    """Expressions over `cleaned`: the letters of the clean texts ('s' where one is none any more), how many were redacted, how many cut."""
    redacted = f"arrayCount((v, c) -> v != c AND position(c, '{MARK}') > 0, texts, clean)"
    cut = f"arrayCount(v -> length(v) > {options.attribute_bytes_max}, texts)"
    return {
        "clean_types": f"if(flagged, arrayMap((t, v, c) -> if(v = c OR (t = 'j' AND c != '{MARK}'), t, {TEXT_LETTER}), "
        "types, texts, clean), types)",
        "redactions": f"toUInt16(if(flagged, least(65535, {redacted}), 0))",
        "cuts": f"toUInt16(if(flagged, least(65535, {cut}), 0))",
    }


def value_text(value: str) -> str:
    """SQL of the AnyValue named `value` as text: numbers in decimal, true/false, bytes as base64, JSON as it is, nothing as ''."""
    return (
        f"multiIf({value}.value = 's', {value}.string_value, {value}.value = 'i', toString({value}.int_value), "
        f"{value}.value = 'b', if({value}.bool_value, 'true', 'false'), {value}.value = 'd', toString({value}.double_value), "
        f"{value}.value = 'j', {value}.json_value, {value}.value = 'y', base64Encode({value}.bytes_value), '')"
    )


def value_texts(values: str) -> str:
    """The array of AnyValues in the expression `values` as texts."""
    return f"arrayMap(p -> {value_text('p')}, {values})"


def value_types(values: str) -> str:
    """The type letters of the array of AnyValues in the expression `values`."""
    return f"{values}.value"


def scopes_select(resources: str, scopes: str, options: StoreOptions) -> str:
    """SQL of `__SEGMENT__` with one row per scope: received, received_unix_nano, resource (JSON, sorted, redacted), service, scope."""
    limit, redaction = options.attribute_bytes_max, options.redaction
    pairs = "r.resource.attributes"
    double = f"p.value = 'd', {_json_double('p.double_value')}"
    plain = f"multiIf(p.value IN ('i', 'b', 'j'), {value_text('p')}, {double}, p.value = 'n', 'null', '')"
    texts = value_texts(f"{pairs}.value")
    treated = f"if({is_suspicious('v', redaction, bytes_max=limit)}, {treat('v', redaction, bytes_max=limit)}, v)"
    value = f"multiIf({is_secret_key('k', redaction)}, '\"{MARK}\"', j != '' AND t = v, j, j != '' AND isValidJSON(t), t, toJSONString(t))"
    members = (
        f"arrayMap((k, v, j, t) -> concat(toJSONString(k), ':', {value}), {pairs}.key, {texts}, "
        f"arrayMap(p -> {plain}, {pairs}.value), arrayMap(v -> {treated}, {texts}))"
    )
    named = f"arrayFirst((p, k) -> k = 'service.name' AND p.string_value != '', {pairs}.value, {pairs}.key).string_value"
    return f"""
        SELECT fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received, received_unix_nano,
            toLowCardinality(concat('{{', arrayStringConcat(arraySort({members}), ','), '}}')) AS resource,
            toLowCardinality(if({named} = '', '{UNKNOWN_SERVICE}', {named})) AS service, arrayJoin(r.{scopes}) AS scope
        FROM (SELECT received_unix_nano, arrayJoin({resources}) AS r FROM {SEGMENT_PLACEHOLDER})"""


def selected(columns: Mapping[str, str]) -> str:
    """`expression AS name` for each column, in order."""
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


def _records(resources: str, scopes: str, records: str, columns: Mapping[str, str], options: StoreOptions) -> str:
    return f"""
    SELECT {ORIGIN}, {selected(columns)}
    FROM (
        SELECT received_unix_nano, received, resource, service, scope.scope.name AS scope_name, scope.scope.version AS scope_version,
            arrayJoin(scope.{records}) AS s
        FROM ({scopes_select(resources, scopes, options)})
    )"""


def _json_double(value: str) -> str:
    """A double with a decimal point or exponent, so that it is read back as a double; NaN and infinities, which JSON lacks, as strings."""
    text = f"toString({value})"
    return f"multiIf(NOT isFinite({value}), toJSONString({text}), match({text}, '^-?[0-9]+$'), concat({text}, '.0'), {text})"


def _map(start: str, length: str) -> str:
    return f"CAST((arraySlice(keys, {start}, {length}), arraySlice(clean, {start}, {length})), 'Map(LowCardinality(String), String)')"


def _types(start: str, length: str, clean: Mapping[str, str]) -> str:
    return f"arraySlice({clean['clean_types']}, {start}, {length})"
