"""
One remote write request as it lies: inflated bytes, where its parts stand, its samples in flat arrays; other parts are read on demand.

    1.0  WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
    2.0  Request      { repeated string symbols = 4; repeated TimeSeries timeseries = 5; }

Source: Prometheus Remote-Write 1.0 and 2.0 specifications.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded, ParseError
from tocsin.model.labels import Labels
from tocsin.model.series import Metadata
from tocsin.wire.prometheus.admission import SeriesRefusal
from tocsin.wire.prometheus.options import RemoteWriteOptions
from tocsin.wire.prometheus.protobuf_wire import TOO_MANY_FIELDS, find_fields
from tocsin.wire.prometheus.write_kernels import (
    TOO_MANY_ITEMS,
    TOO_MANY_SAMPLES,
    WalkedSeries,
    WriteRequest,
    hash_symbols,
    room_for,
    view_bytes,
    walk_series,
)
from tocsin.wire.prometheus.write_messages import Message, WriteMessages

TYPES = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "gaugehistogram": ("_bucket", "_gcount", "_gsum"), "summary": ("_count", "_sum")}
NAMES = {1: "prometheus.WriteRequest", 2: "io.prometheus.write.v2.Request"}
FIRST_TAGS = {1: (0x0A, 0x1A), 2: (0x22, 0x2A)}  # of the fields that a message may begin with, all of them length-delimited


class SeriesFlaw(Exception):
    """Labels that can't be: `refusal` is why; the message is for the sender."""

    def __init__(self, refusal: SeriesRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """
    A request that was walked.

    Args:
        data: Its bytes, inflated.
        version: 1 or 2.
        spans: [S, 2] where each time series stands.
        others: [M, 2] where each metadata message (1.0) or symbol (2.0) stands.
        walked: What the kernels found.
        window: The earliest and the latest time that are taken, milliseconds since 1970-01-01 UTC.
        messages: Parsers.
    """

    data: memoryview
    version: int
    spans: NDArray[np.int64]
    others: NDArray[np.int64]
    walked: WalkedSeries
    window: tuple[int, int]
    messages: WriteMessages
    _labels: dict[int, Labels] = field(default_factory=dict)
    _symbols: dict[int, bytes] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many samples there are, those that are left out for their time not counted."""
        return int(self.walked.used[0])

    @property
    def items(self) -> NDArray[np.int64]:
        """[I, 4] histograms and exemplars: series, kind, first byte, byte behind."""
        return self.walked.items[: self.walked.used[1]]

    def labels(self, series: int) -> Labels:
        """
        The labels of a time series, by its number in the request.

        Raises:
            SeriesFlaw: They can't be.
            ParseError: They are no labels at all.
        """
        if (known := self._labels.get(series)) is None:
            known = self._labels[series] = labels_of(self._pairs(series))
        return known

    def metadata(self, series: int, metric: str) -> Metadata | None:
        """What a 2.0 time series says of its metric; None when it says nothing."""
        if self.version == 1:
            return None
        message = self._message("Labels2", *self.spans[series].tolist())
        if not message.HasField("metadata"):
            return None
        said = message.metadata
        help_text, unit = (self.symbol(reference) or b"" for reference in (said.help_ref, said.unit_ref))
        if not (0 < said.type < len(TYPES) or help_text or unit):
            return None
        kind = _type(said.type)
        family = next((metric.removesuffix(suffix) for suffix in SUFFIXES.get(kind, ()) if metric.endswith(suffix)), metric)
        return Metadata(family, kind, _text(help_text), _text(unit))

    def family_metadata(self) -> list[Metadata]:
        """What a 1.0 request says of families of metrics."""
        if self.version == 2:
            return []
        messages = (self._message("Metadata1", start, end) for start, end in self.others.tolist())
        return [
            Metadata(_text(said.metric_family_name), _type(said.type), _text(said.help), _text(said.unit))
            for said in messages
            if said.metric_family_name
        ]

    def item(self, name: str, start: int, end: int) -> Message:
        """A histogram (`Histogram`) or an exemplar (`Exemplar1`, `Exemplar2`)."""
        return self._message(name, start, end)

    def symbol(self, reference: int) -> bytes | None:
        """A symbol of a 2.0 request; None when there is none of that number."""
        if (known := self._symbols.get(reference)) is None and reference < len(self.others):
            start, end = self.others[reference].tolist()
            known = self._symbols[reference] = bytes(self.data[start:end])
        return known

    def referenced(self, references: Sequence[int]) -> list[tuple[bytes, bytes]]:
        """
        Names and values behind label references.

        Raises:
            SeriesFlaw: One points at no symbol, or one is missing.
        """
        if len(references) % 2:
            raise SeriesFlaw(SeriesRefusal.SYMBOLS, f"label references must come in pairs, found {len(references)}")
        texts = [self.symbol(reference) for reference in references]
        if None in texts:
            highest = max(references)
            raise SeriesFlaw(SeriesRefusal.SYMBOLS, f"a label refers to symbol {highest}, but there are {len(self.others)}")
        found = [text for text in texts if text is not None]
        return list(zip(found[::2], found[1::2], strict=True))

    def _pairs(self, series: int) -> list[tuple[bytes, bytes]]:
        message = self._message(f"Labels{self.version}", *self.spans[series].tolist())
        if self.version == 2:
            return self.referenced(message.labels_refs)
        return [(label.name, label.value) for label in message.labels]

    def _message(self, name: str, start: int, end: int) -> Message:
        return self.messages.parse(name, bytes(self.data[start:end]))


def open_request(
    data: bytes | memoryview, version: int, *, seed: int, window: tuple[int, int], options: RemoteWriteOptions, messages: WriteMessages
) -> OpenRequest:
    """
    Walk a request.

    Args:
        data: Its bytes, inflated.
        version: 1 or 2.
        seed: Of the hashes of labels, 64 bits.
        window: The earliest and the latest time that are taken, milliseconds since 1970-01-01 UTC.
        options: Limits.
        messages: Parsers, made once.

    Raises:
        ParseError: It is no such message.
        LimitExceeded: It holds more than one request may.
    """
    view = view_bytes(data)
    series_field, other_field = (1, 3) if version == 1 else (5, 4)
    damage, spans, others = find_fields(view, series_field, other_field, options.samples_max)
    if damage == TOO_MANY_FIELDS or (version == 1 and len(others) > options.items_max):
        raise LimitExceeded(f"more than {options.samples_max} time series, or {options.items_max} metadata; send smaller batches")
    if damage >= 0:
        raise _damaged(version, damage)
    if not len(spans) and not len(others) and len(data) and data[0] in FIRST_TAGS[3 - version]:
        # Nothing in it would be stored, and the sender would take the answer for a success.
        other = NAMES[3 - version]
        raise ParseError(
            f"the body is no {NAMES[version]}, as Content-Type says, but looks like a {other}: name the message in Content-Type"
        )
    if version == 2 and len(spans) and (not len(others) or others[0, 0] != others[0, 1]):
        raise ParseError("the first symbol of a remote write 2.0 request must be the empty text; check the sender")
    symbols = hash_symbols(view, others, np.uint64(seed)) if version == 2 else np.zeros(0, np.uint64)
    request = WriteRequest(view, spans, version, symbols, np.uint64(seed), *window)
    walked = room_for(request, samples_max=options.samples_max, items_max=options.items_max)
    match walk_series(request, walked):
        case 0:
            return OpenRequest(memoryview(data), version, spans, others, walked, window, messages)
        case code if code == TOO_MANY_SAMPLES:
            raise LimitExceeded(f"more than {options.samples_max} samples in one request; send smaller batches or raise samples_max")
        case code if code == TOO_MANY_ITEMS:
            raise LimitExceeded(
                f"more than {options.items_max} histograms and exemplars in one request; send smaller batches or raise items_max"
            )
        case _:
            raise _damaged(version, int(walked.used[2]))


def labels_of(pairs: Iterable[tuple[bytes, bytes]]) -> Labels:
    """
    Labels as they are stored, in any order; those with empty values don't exist.

    Raises:
        SeriesFlaw: A text that is not UTF-8, a label without a name, or one that comes twice.
    """
    values: dict[str, str] = {}
    in_order, last = True, ""
    for raw_name, raw_value in pairs:
        try:
            name, value = raw_name.decode(), raw_value.decode()
        except UnicodeDecodeError as error:
            raise SeriesFlaw(SeriesRefusal.NOT_UTF8, f"label {raw_name[:80]!r} has the value {raw_value[:80]!r}: {error.reason}") from error
        if not name:
            raise SeriesFlaw(SeriesRefusal.LABEL_NAME, f"a label has no name; its value is {value[:80]!r}")
        if name in values:
            metric = values.get("__name__", "")[:80]
            raise SeriesFlaw(
                SeriesRefusal.DUPLICATE_LABEL, f"label {name[:80]} of {metric} comes twice, with {values[name][:80]!r} and {value[:80]!r}"
            )
        values[name] = value
        in_order = in_order and name > last and value != ""
        last = name
    return Labels.of_sorted(tuple(values.items())) if in_order else Labels(values)


def _damaged(version: int, position: int) -> ParseError:
    return ParseError(f"the body is no {NAMES[version]}: damaged or cut short at byte {position} of what it inflates to", position=position)


def _type(number: int) -> str:
    return TYPES[number] if 0 <= number < len(TYPES) else TYPES[0]


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
