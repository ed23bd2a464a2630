"""
From a journal segment to rows: the SELECT that the engine runs inside `INSERT ... SELECT`, one per signal.

    segment -> one row per request -> per resource -> per scope -> per span / log record, as nested sub-selects

Attributes become two columns. `attributes` is a Map of texts, so that one index and one comparison serve every type; beside it
`attribute_types` has one letter per attribute in the same order (see `otlp_schema`), so that types come back as they went in:
`{"user.id": 7, "ok": true}` is stored as `{'user.id':'7','ok':'true'}` and `ib`. Spans of one kind share their letters, so the column
costs next to nothing. A resource is the same for thousands of rows: it is kept as canonical JSON text in a dictionary column.

All texts of a record (its attributes, those of its events and links, a body, a message) are laid end to end in one array, cleaned in one
pass (`cleaned`), and cut apart again. Each step is a sub-select of its own: the engine's analyzer copies an expression wherever its
name is used, and a first version that named them with lambdas took 300 ms to analyze for every segment, however small.
"""

from __future__ import annotations

from tocsin.store.options import StoreOptions
from tocsin.store.redact import MARK, redaction_functions

SEGMENT_PLACEHOLDER = "__SEGMENT__"
INT64_MAX = 2**63 - 1
UNKNOWN_SERVICE = "unknown_service"  # Source: OpenTelemetry resource semantic conventions, service.name

RECORD_ORIGIN = "received_unix_nano, resource, service, scope_name, scope_version"


def spans_select(options: StoreOptions) -> str:
    """SQL that reads `__SEGMENT__` and returns rows named as the columns of the table `spans`."""
    events, links = "s.events.attributes", "s.links.attributes"
    texts = cleaned(
        _records("resource_spans", "scope_spans", "spans", options),
        keys=f"arrayConcat(s.attributes.key, arrayFlatten({events}.key), arrayFlatten({links}.key), [''])",
        texts=f"arrayConcat({value_texts('s.attributes.value')}, {value_texts(f'arrayFlatten({events}.value)')}, "
        f"{value_texts(f'arrayFlatten({links}.value)')}, [s.status.message])",
        types=f"arrayConcat({value_types('s.attributes.value')}, {value_types(f'arrayFlatten({events}.value)')}, "
        f"{value_types(f'arrayFlatten({links}.value)')}, ['s'])",
        keep=f"s, {RECORD_ORIGIN}",
        options=options,
    )
    return f"""{functions(options)}
SELECT
    fromUnixTimestamp64Nano(toInt64(s.start_time_unix_nano), 'UTC') AS ts,
    toFixedString(s.trace_id, 16) AS trace_id,
    toFixedString(s.span_id, 8) AS span_id,
    if(length(s.parent_span_id) = 8, toFixedString(s.parent_span_id, 8), toFixedString('', 8)) AS parent_span_id,
    s.trace_state AS trace_state,
    s.name AS name,
    service,
    toInt8(if(s.kind BETWEEN 0 AND 5, s.kind, 0)) AS kind,
    if(s.end_time_unix_nano > s.start_time_unix_nano, s.end_time_unix_nano - s.start_time_unix_nano, 0) AS duration_ns,
    toInt8(if(s.status.code BETWEEN 0 AND 2, s.status.code, 0)) AS status,
    clean[-1] AS status_message,
    {_map("1", "length(s.attributes)")} AS attributes,
    {_types("1", "length(s.attributes)")} AS attribute_types,
    resource,
    scope_name,
    scope_version,
    arrayMap(t -> fromUnixTimestamp64Nano(toInt64(least(t, {INT64_MAX})), 'UTC'), s.events.time_unix_nano) AS event_ts,
    s.events.name AS event_names,
    arrayMap((n, e) -> {_map("e - n + 1", "n")}, event_sizes, event_ends) AS event_attributes,
    arrayMap((n, e) -> {_types("e - n + 1", "n")}, event_sizes, event_ends) AS event_attribute_types,
    arrayMap(i -> toFixedString(substring(i, 1, 16), 16), s.links.trace_id) AS link_trace_ids,
    arrayMap(i -> toFixedString(substring(i, 1, 8), 8), s.links.span_id) AS link_span_ids,
    s.links.trace_state AS link_trace_states,
    arrayMap((n, e) -> {_map("e - n + 1", "n")}, link_sizes, link_ends) AS link_attributes,
    arrayMap((n, e) -> {_types("e - n + 1", "n")}, link_sizes, link_ends) AS link_attribute_types,
    fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received,
    redactions,
    cuts,
    {{segment:UInt64}} AS segment
FROM (
    SELECT *, arrayMap(a -> length(a), {events}.key) AS event_sizes, arrayMap(a -> length(a), {links}.key) AS link_sizes,
        arrayMap(e -> e + length(s.attributes), arrayCumSum(event_sizes)) AS event_ends,
        arrayMap(e -> e + length(s.attributes) + arraySum(event_sizes), arrayCumSum(link_sizes)) AS link_ends
    FROM ({texts})
)"""


def logs_select(options: StoreOptions) -> str:
    """SQL that reads `__SEGMENT__` and returns rows named as the columns of the table `logs`."""
    texts = cleaned(
        _records("resource_logs", "scope_logs", "log_records", options),
        keys="arrayPushBack(s.attributes.key, '')",
        texts=f"arrayPushBack({value_texts('s.attributes.value')}, value_text(s.body))",
        types=f"arrayPushBack({value_types('s.attributes.value')}, toString(s.body.value))",
        keep=f"s, {RECORD_ORIGIN}",
        options=options,
    )
    event_time = "multiIf(s.time_unix_nano != 0, s.time_unix_nano, s.observed_time_unix_nano != 0, s.observed_time_unix_nano, received_unix_nano)"
    observed = f"if(s.observed_time_unix_nano BETWEEN 1 AND {INT64_MAX}, s.observed_time_unix_nano, received_unix_nano)"
    return f"""{functions(options)}
SELECT
    fromUnixTimestamp64Nano(toInt64({event_time}), 'UTC') AS ts,
    fromUnixTimestamp64Nano(toInt64({observed}), 'UTC') AS observed,
    if(length(s.trace_id) = 16, toFixedString(s.trace_id, 16), toFixedString('', 16)) AS trace_id,
    if(length(s.span_id) = 8, toFixedString(s.span_id, 8), toFixedString('', 8)) AS span_id,
    service,
    toInt8(if(s.severity_number BETWEEN 0 AND 24, s.severity_number, 0)) AS severity_number,
    s.severity_text AS severity_text,
    s.event_name AS event_name,
    clean[-1] AS body,
    clean_types[-1] AS body_type,
    {_map("1", "length(s.attributes)")} AS attributes,
    {_types("1", "length(s.attributes)")} AS attribute_types,
    resource,
    scope_name,
    scope_version,
    fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received,
    redactions,
    cuts,
    {{segment:UInt64}} AS segment
FROM ({texts})"""


def functions(options: StoreOptions) -> str:
    """
    The WITH clause of a decoding statement: the lambdas that its expressions call.

    `value_text` writes an AnyValue as text: numbers in decimal, true/false, bytes as base64, JSON as it is, nothing as ''.
    """
    lambdas = {
        "value_text": "p -> multiIf(p.value = 's', p.string_value, p.value = 'i', toString(p.int_value), p.value = 'b', "
        "if(p.bool_value, 'true', 'false'), p.value = 'd', toString(p.double_value), p.value = 'j', p.json_value, "
        "p.value = 'y', base64Encode(p.bytes_value), '')",
        **redaction_functions(options.redaction, bytes_max=options.attribute_bytes_max),
    }
    return "WITH\n" + ",\n".join(f"    {body} AS {name}" for name, body in lambdas.items())


def cleaned(source: str, *, keys: str, texts: str, types: str, keep: str, options: StoreOptions) -> str:
    """
    A sub-select over `source` that adds redacted and cut texts.

    Args:
        source: The SELECT to read from.
        keys, texts, types: Expressions of three arrays of one length: keys ('' where a text has none), texts, type letters.
        keep: Columns of `source` to hand on.
        options: What to redact, how long a text may be.

    Returns:
        SQL with the columns of `keep` and keys, clean (Array(String)), clean_types (Array(String): 's' where a text was replaced),
        redactions and cuts (UInt16 counts).

    The costly branch stands in one `if` alone: the engine skips a branch only where nothing else uses what it computes.
    """
    limit = options.attribute_bytes_max
    secret = f"if(is_secret_key(k), if(v = '', '', '{MARK}'), treat(v))"
    # A double's many digits look like a card number to the first look, and no secret is a double.
    flags = "arrayMap((v, t, q) -> q OR (t != 'd' AND is_suspicious(v)), texts, types, arrayMap(k -> is_secret_key(k), keys))"
    return f"""
    SELECT {keep}, keys, clean, if(flagged, arrayMap((t, v, c) -> if(v = c, t, 's'), types, texts, clean), types) AS clean_types,
        toUInt16(if(flagged, least(65535, arrayCount((v, c) -> v != c AND position(c, '{MARK}') > 0, texts, clean)), 0)) AS redactions,
        toUInt16(if(flagged, least(65535, arrayCount(v -> length(v) > {limit}, texts)), 0)) AS cuts
    FROM (
        SELECT {keep}, keys, texts, types, flagged, if(flagged, arrayMap((k, v, f) -> if(f, {secret}, v), keys, texts, flags), texts) AS clean
        FROM (
            SELECT {keep}, keys, texts, types, {flags} AS flags, has(flags, 1) AS flagged
            FROM (SELECT {keep}, {keys} AS keys, {texts} AS texts, {types} AS types FROM ({source}))
        )
    )"""


def value_texts(values: str) -> str:
    """The array of AnyValues in the expression `values` as texts."""
    return f"arrayMap(p -> value_text(p), {values})"


def value_types(values: str) -> str:
    """The type letters of the array of AnyValues in the expression `values`."""
    return f"arrayMap(t -> toString(t), {values}.value)"


def resource_columns(options: StoreOptions, *, resources: str, scopes: str) -> str:
    """A sub-select of `__SEGMENT__`: received_unix_nano, resource (JSON, keys sorted, redacted), service, and one row per `scope`."""
    pairs = "r.resource.attributes"
    texts = cleaned(
        f"SELECT received_unix_nano, arrayJoin({resources}) AS r FROM {SEGMENT_PLACEHOLDER}",
        keys=f"{pairs}.key",
        texts=value_texts(f"{pairs}.value"),
        types=value_types(f"{pairs}.value"),
        keep="r, received_unix_nano",
        options=options,
    )
    number = "if(match(v, '^-?[0-9]+$'), concat(v, '.0'), if(match(v, '^-?[0-9]'), v, toJSONString(v)))"
    value = f"multiIf(t IN ('i', 'b', 'j'), v, t = 'd', {number}, t = 'n', 'null', toJSONString(v))"
    members = f"arrayMap((k, v, t) -> concat(toJSONString(k), ':', {value}), keys, clean, clean_types)"
    named = "arrayFirst((v, k, t) -> k = 'service.name' AND t = 's' AND v != '', clean, keys, clean_types)"
    return f"""
        SELECT received_unix_nano, toLowCardinality(concat('{{', arrayStringConcat(arraySort({members}), ','), '}}')) AS resource,
            {named} AS service_name, toLowCardinality(if(service_name = '', '{UNKNOWN_SERVICE}', service_name)) AS service,
            arrayJoin(r.{scopes}) AS scope
        FROM ({texts})"""


def _records(resources: str, scopes: str, records: str, options: StoreOptions) -> str:
    return f"""
    SELECT received_unix_nano, resource, service, scope.scope.name AS scope_name, scope.scope.version AS scope_version,
        arrayJoin(scope.{records}) AS s
    FROM ({resource_columns(options, resources=resources, scopes=scopes)})"""


def _map(start: str, length: str) -> str:
    return f"CAST((arraySlice(keys, {start}, {length}), arraySlice(clean, {start}, {length})), 'Map(LowCardinality(String), String)')"


def _types(start: str, length: str) -> str:
    return f"arrayStringConcat(arraySlice(clean_types, {start}, {length}))"
