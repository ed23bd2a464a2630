"""
Log records made of fields that a line of a file had, collected into one OTLP request.

Field names that mean the same in most log formats are understood:

    time         timestamp, time, ts, @timestamp     RFC 3339, or a number: seconds, milli-, micro- or nanoseconds by its size
    severity     level, severity, lvl                a word, or OTLP's number from 1 to 24
    body         message, msg, body
    service      service.name, service               a text
    trace, span  trace_id, span_id                   32 and 16 hexadecimal digits, not all zero

Everything else, and what of these can't be understood, becomes an attribute: nothing of a line is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tocsin.errors import InvalidInput
from tocsin.model.instant import parse_instant
from tocsin.model.signal import Signal
from tocsin.wire.reduce import json_field
from tocsin.wire.twin import Message, Twin

TIME_KEYS = ("timestamp", "time", "ts", "@timestamp")
SEVERITY_KEYS = ("level", "severity", "lvl")
BODY_KEYS = ("message", "msg", "body")
SERVICE_KEYS = ("service.name", "service")
SEVERITIES = {  # OTLP's numbers, as its data model maps other formats' words
    "trace": 1, "verbose": 1, "finest": 1,
    "debug": 5, "fine": 5, "dbug": 5,
    "info": 9, "information": 9, "informational": 9, "inf": 9,
    "notice": 10,
    "warn": 13, "warning": 13, "wrn": 13,
    "error": 17, "err": 17, "eror": 17,
    "critical": 18, "crit": 18,
    "alert": 19,
    "fatal": 21, "panic": 21, "emerg": 21, "emergency": 21,
}  # fmt: skip
SEVERITY_NUMBER_MAX = 24
UINT64_MAX = 2**64 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
EPOCH_UNITS = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000))  # below: seconds (till 5138), milli-, microseconds; else ns
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,9})?")
_HEX = re.compile(r"[0-9a-fA-F]+")


class LogRequest:
    """
    One request in the making.

    Args:
        twin: The schema of its messages.
        service: The service of records that name none.
        now_ns: The time of records that name none, and when all of them were observed.
    """

    def __init__(self, twin: Twin, *, service: str, now_ns: int) -> None:
        self.message: Message = twin.requests[Signal.LOGS]()
        self.records = 0
        self.times_missing = 0
        self._service = service
        self._now_ns = now_ns
        self._by_service: dict[str, Message] = {}

    def add(self, service: str | None = None) -> Message:
        """A new, empty LogRecord of the service, or of the one by default."""
        service = service or self._service
        records = self._by_service.get(service)
        if records is None:
            resource = self.message.resource_logs.add()
            set_attribute(resource.resource.attributes, "service.name", service)
            records = self._by_service[service] = resource.scope_logs.add().log_records
        self.records += 1
        record = records.add()
        record.observed_time_unix_nano = self._now_ns
        return record

    def add_fields(self, fields: Mapping[str, Any]) -> None:
        """A new LogRecord made of a line's fields: values are what JSON can say."""
        rest = dict(fields)
        service = next((rest.pop(key) for key in SERVICE_KEYS if isinstance(rest.get(key), str) and rest[key]), None)
        record = self.add(service)
        self._take_time(record, rest)
        _take_severity(record, rest)
        _take_body(record, rest)
        for key, digits in (("trace_id", 32), ("span_id", 16)):
            value = rest.get(key)
            if isinstance(value, str) and len(value) == digits and _HEX.fullmatch(value) and value.strip("0"):
                setattr(record, key, bytes.fromhex(rest.pop(key)))
        attributes = record.attributes
        for key, value in rest.items():
            set_attribute(attributes, key, value)

    def _take_time(self, record: Message, rest: dict[str, Any]) -> None:
        for key in TIME_KEYS:
            if key in rest and (instant := read_time(rest[key])) is not None:
                record.time_unix_nano = instant
                del rest[key]
                return
        record.time_unix_nano = self._now_ns
        self.times_missing += 1


def set_attribute(attributes: Any, key: str, value: Any) -> None:
    """Add an attribute with the type that the value has in JSON."""
    item = attributes.add()
    item.key = key
    _set_value(item.value, value)


def read_time(value: Any) -> int | None:
    """An instant, nanoseconds since 1970-01-01 UTC, of what a log line calls its time; None when it can't be understood."""
    if isinstance(value, str):
        return _read_time_text(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= UINT64_MAX:
        return None
    factor = _epoch_factor(value)
    if isinstance(value, int):
        return value * factor
    whole = int(value)
    return min(whole * factor + round((value - whole) * factor), UINT64_MAX)


@lru_cache(maxsize=4096)  # lines of one moment carry the same text, and a regular expression costs more than all the rest
def _read_time_text(text: str) -> int | None:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        whole, _, fraction = text.partition(".")
        factor = _epoch_factor(int(whole))
        instant = int(whole) * factor + int(fraction.ljust(9, "0") or 0) * factor // 1_000_000_000
        return instant if 0 < instant <= UINT64_MAX else None
    try:
        instant = parse_instant(text.replace(",", "."))
    except InvalidInput:
        return None
    return instant if 0 <= instant <= UINT64_MAX else None


def _epoch_factor(value: float) -> int:
    return next((factor for limit, factor in EPOCH_UNITS if value < limit), 1)


def _take_severity(record: Message, rest: dict[str, Any]) -> None:
    for key in SEVERITY_KEYS:
        value = rest.get(key)
        if isinstance(value, str) and value:
            record.severity_text = value
            record.severity_number = SEVERITIES.get(value.lower(), 0)
        elif isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= SEVERITY_NUMBER_MAX:
            record.severity_number = value
        else:
            continue
        del rest[key]
        return


def _take_body(record: Message, rest: dict[str, Any]) -> None:
    key = _first(rest, BODY_KEYS)
    if key is not None:
        _set_value(record.body, rest.pop(key))


def _first(rest: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    return next((key for key in keys if key in rest), None)


def _set_value(target: Message, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int) and INT64_MIN <= value <= INT64_MAX:
        target.int_value = value
    elif isinstance(value, (int, float)):
        target.double_value = float(value)
    elif value is None:
        target.SetInParent()  # there, but without a value
    else:
        target.MergeFromString(json_field(value))
