"""
Which records may come in: their times lie within bounds, their ids are what the OTLP data model demands.

A judgement returns a `Refusal`, None for the records that may pass. Removing refused ones happens in place and only where there
are any, so an ordinary request pays for one bare loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tocsin.model.instant import INSTANT_MAX, NANOSECONDS, format_instant
from tocsin.model.signal import Signal
from tocsin.wire.options import DoorOptions
from tocsin.wire.twin import Message

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
NO_TRACE_ID = bytes(TRACE_ID_BYTES)
NO_SPAN_ID = bytes(SPAN_ID_BYTES)
NOUNS = {
    Signal.TRACES: ("span", "spans"),
    Signal.LOGS: ("log record", "log records"),
    Signal.METRICS: ("data point", "data points"),
    Signal.SAMPLES: ("sample", "samples"),
}


class Refusal(Enum):
    """Why a record is not let in; the value is its word in statistics and metrics."""

    FUTURE = "future"
    PAST = "past"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    TRACE_ID = "trace_id"
    SPAN_ID = "span_id"


Judge: TypeAlias = Callable[[Message], "Refusal | None"]


@dataclass(frozen=True, slots=True)
class Refused:
    """How many records were refused for one reason, and the value of the first one: an instant, or an id in hexadecimal."""

    refusal: Refusal
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Window:
    """The times that are let in, both ends included, nanoseconds since 1970-01-01 UTC."""

    earliest: int
    latest: int

    @staticmethod
    def around(now_ns: int, options: DoorOptions) -> Window:
        """The window that the options give at the instant `now_ns`."""
        earliest = 0 if options.past_s_max is None else now_ns - options.past_s_max * NANOSECONDS
        return Window(earliest, min(now_ns + options.future_s_max * NANOSECONDS, INSTANT_MAX))

    def refusal(self, instant: int) -> Refusal:
        """Why an instant outside of the window is refused."""
        if instant > INSTANT_MAX:
            return Refusal.TIME_OUT_OF_RANGE
        return Refusal.FUTURE if instant > self.latest else Refusal.PAST


def screen(signal: Signal, request: Message, window: Window) -> tuple[int, list[Refused]]:
    """
    Remove what may not come in, in place.

    Returns:
        The number of records that the request held before, and what was refused.
    """
    judge = _JUDGES[signal](window)
    records = 0
    tally: dict[Refusal, Refused] = {}
    for holder, name in _groups(signal, request):
        group = getattr(holder, name)
        records += len(group)
        if any(map(judge, group)):
            _sift(holder, name, judge, tally)
    return records, list(tally.values())


def explain(signal: Signal, refused: list[Refused], options: DoorOptions) -> str:
    """One sentence per reason, for the human who reads the exporter's log."""
    return " ".join(_sentence(NOUNS[signal][item.count != 1], item, options) for item in refused)


def _sentence(noun: str, item: Refused, options: DoorOptions) -> str:
    start = f"{item.count} {noun}"
    match item.refusal:
        case Refusal.FUTURE:
            return (
                f"{start} rejected: time more than {options.future_s_max} s in the future, e.g. {item.example}; "
                "set the sender's clock right or raise option wire.door.future_s_max."
            )
        case Refusal.PAST:
            return (
                f"{start} rejected: time more than {options.past_s_max} s in the past, e.g. {item.example}; "
                "raise option wire.door.past_s_max."
            )
        case Refusal.TIME_OUT_OF_RANGE:
            return f"{start} rejected: time {item.example} is not nanoseconds since 1970 before 2262-04-12; check the unit."
        case Refusal.TRACE_ID:
            return f"{start} rejected: trace_id must be {TRACE_ID_BYTES} bytes, not all zero, e.g. found {item.example}."
        case Refusal.SPAN_ID:
            return f"{start} rejected: span_id must be {SPAN_ID_BYTES} bytes, not all zero, e.g. found {item.example}."


def _groups(signal: Signal, request: Message) -> Iterator[tuple[Message, str]]:
    """Each message that holds records, with the name of the field that has them."""
    match signal:
        case Signal.TRACES:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    yield scope, "spans"
        case Signal.LOGS:
            for resource in request.resource_logs:
                for scope in resource.scope_logs:
                    yield scope, "log_records"
        case Signal.METRICS:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if kind := metric.WhichOneof("data"):
                            yield getattr(metric, kind), "data_points"


def _sift(holder: Message, name: str, judge: Judge, tally: dict[Refusal, Refused]) -> None:
    """Keep what passes, in order. Rebuilt in one go: deleting one by one from a list of millions would be quadratic."""
    kept = []
    for record in getattr(holder, name):
        refusal = judge(record)
        if refusal is None:
            kept.append(record)
        elif refusal in tally:
            before = tally[refusal]
            tally[refusal] = Refused(refusal, before.count + 1, before.example)
        else:
            tally[refusal] = Refused(refusal, 1, _example(record, refusal))
    holder.ClearField(name)
    getattr(holder, name).extend(kept)


def _example(record: Message, refusal: Refusal) -> str:
    match refusal:
        case Refusal.TRACE_ID | Refusal.SPAN_ID:
            found: bytes = getattr(record, refusal.value)
            return f"{found[:32].hex()} ({len(found)} bytes)" if found else "none"
        case _:
            instant = _event_time(record)
            return str(instant) if instant > INSTANT_MAX else format_instant(instant)


def _event_time(record: Message) -> int:
    """The time that a refused record was judged by: the latest one of a span, the first that is set of a log record."""
    names = record.DESCRIPTOR.fields_by_name
    if "end_time_unix_nano" in names:
        return max(int(record.start_time_unix_nano), int(record.end_time_unix_nano))
    if "observed_time_unix_nano" in names:
        return int(record.time_unix_nano or record.observed_time_unix_nano)
    return int(record.time_unix_nano)


def _span_judge(window: Window) -> Judge:
    earliest, latest = window.earliest, window.latest

    def judge(span: Message) -> Refusal | None:
        trace_id, span_id = span.trace_id, span.span_id
        if len(trace_id) != TRACE_ID_BYTES or trace_id == NO_TRACE_ID:
            return Refusal.TRACE_ID
        if len(span_id) != SPAN_ID_BYTES or span_id == NO_SPAN_ID:
            return Refusal.SPAN_ID
        if earliest <= span.start_time_unix_nano <= latest and span.end_time_unix_nano <= latest:
            return None
        return window.refusal(max(span.start_time_unix_nano, span.end_time_unix_nano))

    return judge


def _log_judge(window: Window) -> Judge:
    earliest, latest = window.earliest, window.latest

    def judge(record: Message) -> Refusal | None:
        # Both times are 0 when the sender knows neither: then the time received counts, which is always within bounds.
        instant = record.time_unix_nano or record.observed_time_unix_nano
        if instant == 0 or earliest <= instant <= latest:
            return None
        return window.refusal(instant)

    return judge


def _point_judge(window: Window) -> Judge:
    earliest, latest = window.earliest, window.latest

    def judge(point: Message) -> Refusal | None:
        instant = point.time_unix_nano
        return None if earliest <= instant <= latest else window.refusal(instant)

    return judge


_JUDGES: dict[Signal, Callable[[Window], Judge]] = {
    Signal.TRACES: _span_judge,
    Signal.LOGS: _log_judge,
    Signal.METRICS: _point_judge,
}
