"""
From a journal segment to rows: the SELECT that the engine runs inside `INSERT ... SELECT`, one per signal.

    segment -> one row per request -> per resource -> per scope -> per span / log record, as nested sub-selects

Attributes become two columns. `attributes` is a Map of texts, so that one index and one comparison serve every type; beside it
`attribute_types` has one letter per attribute in the same order (see `otlp_schema`), so that types come back as they went in:
`{"user.id": 7, "ok": true}` is stored as `{'user.id':'7','ok':'true'}` and `ib`. Spans of one kind share their letters, so the column
costs next to nothing. A resource is the same for thousands of rows: it is kept as canonical JSON text in a dictionary column.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.store.options import StoreOptions
from tocsin.store.redact import MARK, redaction_functions

SEGMENT_PLACEHOLDER = "__SEGMENT__"
INT64_MAX = 2**63 - 1
UNKNOWN_SERVICE = "unknown_service"  # Source: OpenTelemetry resource semantic conventions, service.name


def spans_select(options: StoreOptions) -> str:
    """SQL that reads `__SEGMENT__` and returns rows named as the columns of the table `spans`."""
    own = attributes("s.attributes", options)
    events = nested("s.events", options)
    links = nested("s.links", options)
    message = text("s.status.message", options)
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
    {message.value} AS status_message,
    {own.map} AS attributes,
    {own.types} AS attribute_types,
    resource,
    scope_name,
    scope_version,
    arrayMap(t -> fromUnixTimestamp64Nano(toInt64(least(t, {INT64_MAX})), 'UTC'), s.events.time_unix_nano) AS event_ts,
    s.events.name AS event_names,
    {events.map} AS event_attributes,
    {events.types} AS event_attribute_types,
    arrayMap(i -> toFixedString(substring(i, 1, 16), 16), s.links.trace_id) AS link_trace_ids,
    arrayMap(i -> toFixedString(substring(i, 1, 8), 8), s.links.span_id) AS link_span_ids,
    s.links.trace_state AS link_trace_states,
    {links.map} AS link_attributes,
    {links.types} AS link_attribute_types,
    fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received,
    toUInt16(least(65535, {own.redactions} + {events.redactions} + {links.redactions} + {message.redactions})) AS redactions,
    toUInt16(least(65535, {own.cuts} + {events.cuts} + {links.cuts} + {message.cuts})) AS cuts,
    {{segment:UInt64}} AS segment
FROM ({_records("resource_spans", "scope_spans", "spans", options)})"""


def logs_select(options: StoreOptions) -> str:
    """SQL that reads `__SEGMENT__` and returns rows named as the columns of the table `logs`."""
    own = attributes("s.attributes", options)
    body = text("value_text(s.body)", options)
    event_time = "multiIf(s.time_unix_nano != 0, s.time_unix_nano, s.observed_time_unix_nano != 0, s.observed_time_unix_nano, received_unix_nano)"
    return f"""{functions(options)}
SELECT
    fromUnixTimestamp64Nano(toInt64({event_time}), 'UTC') AS ts,
    fromUnixTimestamp64Nano(toInt64(if(s.observed_time_unix_nano BETWEEN 1 AND {INT64_MAX}, s.observed_time_unix_nano, received_unix_nano)), 'UTC')
        AS observed,
    if(length(s.trace_id) = 16, toFixedString(s.trace_id, 16), toFixedString('', 16)) AS trace_id,
    if(length(s.span_id) = 8, toFixedString(s.span_id, 8), toFixedString('', 8)) AS span_id,
    service,
    toInt8(if(s.severity_number BETWEEN 0 AND 24, s.severity_number, 0)) AS severity_number,
    s.severity_text AS severity_text,
    s.event_name AS event_name,
    {body.value} AS body,
    s.body.value AS body_type,
    {own.map} AS attributes,
    {own.types} AS attribute_types,
    resource,
    scope_name,
    scope_version,
    fromUnixTimestamp64Nano(toInt64(received_unix_nano), 'UTC') AS received,
    toUInt16(least(65535, {own.redactions} + {body.redactions})) AS redactions,
    toUInt16(least(65535, {own.cuts} + {body.cuts})) AS cuts,
    {{segment:UInt64}} AS segment
FROM ({_records("resource_logs", "scope_logs", "log_records", options)})"""


@dataclass(frozen=True, slots=True)
class Attributes:
    """
    SQL expressions for one list of OTLP key/value pairs.

    `map` is the Map of redacted texts, `types` the letters, `redactions` and `cuts` how many values were replaced and shortened.
    They are meant for one SELECT: the engine computes equal sub-expressions once.
    """

    map: str
    types: str
    redactions: str
    cuts: str


@dataclass(frozen=True, slots=True)
class Text:
    """SQL expressions for one text: the redacted `value`, and whether it was replaced in part or shortened (0 or 1 each)."""

    value: str
    redactions: str
    cuts: str


def attributes(pairs: str, options: StoreOptions) -> Attributes:
    """Expressions for the key/value pairs that the expression `pairs` holds."""
    keys, values, types = f"{pairs}.key", f"arrayMap(p -> value_text(p), {pairs}.value)", f"{pairs}.value.value"
    clean = f"clean_texts({keys}, {values}, {types})"
    return Attributes(
        map=f"CAST(({keys}, {clean}), 'Map(LowCardinality(String), String)')",
        types=f"clean_types({types}, {values}, {clean})",
        redactions=f"count_redactions({values}, {clean})",
        cuts=f"arrayCount(v -> length(v) > {options.attribute_bytes_max}, {values})",
    )


def nested(records: str, options: StoreOptions) -> Attributes:
    """The same for the attributes of each record (event, link) in the array `records`: arrays of maps and types, counts summed."""
    one = attributes("e.attributes", options)
    return Attributes(
        map=f"arrayMap(e -> {one.map}, {records})",
        types=f"arrayMap(e -> {one.types}, {records})",
        redactions=f"arraySum(arrayMap(e -> {one.redactions}, {records}))",
        cuts=f"arraySum(arrayMap(e -> {one.cuts}, {records}))",
    )


def text(value: str, options: StoreOptions) -> Text:
    """Expressions for the single text that the expression `value` holds."""
    return Text(
        value=f"clean_text({value})",
        redactions=f"toUInt8(clean_text({value}) != {value} AND position(clean_text({value}), '{MARK}') > 0)",
        cuts=f"toUInt8(length({value}) > {options.attribute_bytes_max})",
    )


def functions(options: StoreOptions) -> str:
    """
    The WITH clause of a decoding statement: the lambdas that its expressions call.

    `value_text` writes an AnyValue as text: numbers in decimal, true/false, bytes as base64, JSON as it is, nothing as ''.
    In `clean_texts` and `clean_text` the costly branch stands in one `if` alone: the engine skips a branch only where nothing else
    uses what it computes (written twice, it ran for every row and loading logs took eight times as long).
    """
    secret = f"if(is_secret_key(k), if(v = '', '', '{MARK}'), treat(v))"
    lambdas = {
        "value_text": "p -> multiIf(p.value = 's', p.string_value, p.value = 'i', toString(p.int_value), p.value = 'b', "
        "if(p.bool_value, 'true', 'false'), p.value = 'd', toString(p.double_value), p.value = 'j', p.json_value, "
        "p.value = 'y', base64Encode(p.bytes_value), '')",
        **redaction_functions(options.redaction, bytes_max=options.attribute_bytes_max),
        # A double's many digits look like a card number to the first look, and no secret is a double.
        "flags": "(ks, vs, ts) -> arrayMap((v, t, s) -> s OR (t != 'd' AND is_suspicious(v)), vs, ts, arrayMap(k -> is_secret_key(k), ks))",
        "clean_texts": "(ks, vs, ts) -> if(has(flags(ks, vs, ts), 1), "
        f"arrayMap((k, v, f) -> if(f, {secret}, v), ks, vs, flags(ks, vs, ts)), vs)",
        "clean_types": "(ts, vs, cs) -> arrayStringConcat(arrayMap((t, v, c) -> if(v = c, toString(t), 's'), ts, vs, cs))",
        "count_redactions": f"(vs, cs) -> arrayCount((v, c) -> v != c AND position(c, '{MARK}') > 0, vs, cs)",
        "clean_text": "v -> if(is_suspicious(v), treat(v), v)",
        "json_number": "v -> if(match(v, '^-?[0-9]+$'), concat(v, '.0'), if(match(v, '^-?[0-9]'), v, toJSONString(v)))",
        "json_value": "(v, t) -> multiIf(t IN ('i', 'b', 'j'), v, t = 'd', json_number(v), t = 'n', 'null', toJSONString(v))",
    }
    return "WITH\n" + ",\n".join(f"    {body} AS {name}" for name, body in lambdas.items())


def resource_json(pairs: str, options: StoreOptions) -> str:
    """The resource attributes in the expression `pairs` as one JSON object, keys sorted, redacted like any attribute."""
    own = attributes(pairs, options)
    member = "concat(toJSONString(k), ':', json_value(v, t))"
    members = f"arrayMap((k, v, t) -> {member}, mapKeys({own.map}), mapValues({own.map}), splitByString('', {own.types}))"
    return f"concat('{{', arrayStringConcat(arraySort({members}), ','), '}}')"


def service_name(pairs: str) -> str:
    """The service.name among the resource attributes in the expression `pairs`, or `unknown_service`."""
    named = f"arrayFirst((p, k) -> k = 'service.name' AND p.string_value != '', {pairs}.value, {pairs}.key).string_value"
    return f"toLowCardinality(if({named} = '', '{UNKNOWN_SERVICE}', {named}))"


def _records(resources: str, scopes: str, records: str, options: StoreOptions) -> str:
    return f"""
    SELECT received_unix_nano, resource, service, scope.scope.name AS scope_name, scope.scope.version AS scope_version,
        arrayJoin(scope.{records}) AS s
    FROM (
        SELECT received_unix_nano, toLowCardinality({resource_json("r.resource.attributes", options)}) AS resource,
            {service_name("r.resource.attributes")} AS service, arrayJoin(r.{scopes}) AS scope
        FROM (SELECT received_unix_nano, arrayJoin({resources}) AS r FROM {SEGMENT_PLACEHOLDER})
    )"""
