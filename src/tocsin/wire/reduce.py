"""
Arrays and maps in attribute values, replaced by their JSON text.

The engine cannot read recursive messages. So an `AnyValue` that holds an `array_value` or a `kvlist_value` is stored as

    AnyValue { string json_value = 1000; }      a private field in the place of the oneof

with the value as compact JSON: keys in the order they came, int64 as numbers, NaN and infinities as the strings "NaN", "Infinity",
"-Infinity", bytes as {"$bytes": "<base64>"}, an empty value as null.

Always holds: only this module writes field 1000. The twin schema does not name it, so parsing drops it as unknown from whatever a
client sends, and a client can't smuggle in broken JSON; here it is merged in afterwards as bytes, which serializing keeps.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import orjson

from tocsin.model.signal import Signal
from tocsin.wire.twin import Message

JSON_VALUE_TAG = b"\xc2\x3e"  # field 1000, length-delimited


FIELDS = {  # the repeated field of a request, of that one's elements, of those one's elements
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
}


def reduce_resources(signal: Signal, request: Message) -> bool:
    """
    Replace the array and map values of resources, in place: the commonest place (`process.command_args`), and few to look at.

    Returns:
        Whether there were any.
    """
    reduced = [_reduce_part(resource.resource) for resource in getattr(request, FIELDS[signal][0])]
    return any(reduced)


def reduce_records(signal: Signal, request: Message) -> None:
    """Replace the array and map values of scopes and records, in place. Goes down only where there is one."""
    resources, scopes, records = FIELDS[signal]
    for resource in getattr(request, resources):
        for scope in getattr(resource, scopes):
            _reduce_part(scope.scope)
            for record in getattr(scope, records):
                _reduce_part(record)


def json_field(value: Any) -> bytes:
    """`value` (what JSON can say) as the serialized field 1000 of an AnyValue: merge it into an empty one."""
    text = orjson.dumps(value, default=_beyond_64_bits)
    return JSON_VALUE_TAG + _varint(len(text)) + text


def _reduce_part(part: Message) -> bool:
    if part.IsInitialized():
        return False
    _reduce_message(part)
    return True


def _reduce_message(message: Message) -> None:
    """Go down to the values through whatever lies between: events, links, data points, exemplars."""
    for field, content in message.ListFields():
        if field.message_type is None:
            continue
        parts = content if field.is_repeated else (content,)
        for part in parts:
            if part.IsInitialized():
                continue
            if field.message_type.name == "AnyValue":
                _reduce_value(part)
            else:
                _reduce_message(part)


def _reduce_value(value: Message) -> None:
    replacement = json_field(_plain(value))
    value.Clear()
    value.MergeFromString(replacement)


def _plain(value: Message) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content = getattr(value, kind)
    match kind:
        case "array_value":
            return [_plain(item) for item in content.values]
        case "kvlist_value":
            return {item.key: _plain(item.value) for item in content.values}
        case "bytes_value":
            return {"$bytes": base64.b64encode(content).decode()}
        case "double_value":
            return content if math.isfinite(content) else "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
        case _:
            return content


def _beyond_64_bits(value: Any) -> Any:
    assert isinstance(value, int), f"{type(value).__name__} cannot come out of JSON or OTLP"
    return float(value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
