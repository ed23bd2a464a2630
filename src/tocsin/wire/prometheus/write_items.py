"""Native histograms and exemplars of one remote write request, read one by one: they are few beside the samples."""

from __future__ import annotations

from dataclasses import dataclass, field

from tocsin.model.labels import Labels
from tocsin.model.sample_block import DAY_MS, ExemplarSample, HistogramSample
from tocsin.wire.prometheus.admission import SeriesRefusal
from tocsin.wire.prometheus.histogram_buckets import HistogramFlaw, histogram_of
from tocsin.wire.prometheus.options import RemoteWriteOptions
from tocsin.wire.prometheus.refusal_tally import RefusalTally
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.write_kernels import HISTOGRAM
from tocsin.wire.prometheus.write_request import OpenRequest, SeriesFlaw, labels_of
from tocsin.wire.prometheus.write_series import REASONS, ResolvedSeries, SeriesResolver

TRACE_ID_NAMES = ("trace_id", "traceID", "traceId")
SPAN_ID_NAMES = ("span_id", "spanID", "spanId")


@dataclass(slots=True)
class WriteItems:
    """What was taken."""

    histograms: list[HistogramSample] = field(default_factory=list)
    exemplars: list[ExemplarSample] = field(default_factory=list)


class ItemReader:
    """
    Reads them. Safe to use from several threads.

    Args:
        registry: Says what is wrong with times, and which days of a series are defined.
        resolver: Says why a series was refused.
        options: Limits.
    """

    def __init__(self, registry: SeriesRegistry, resolver: SeriesResolver, options: RemoteWriteOptions) -> None:
        self._registry = registry
        self._resolver = resolver
        self._options = options

    def read(self, request: OpenRequest, resolved: ResolvedSeries, tally: RefusalTally, *, now_ms: int) -> WriteItems:
        """
        All of them; definitions that histograms need are added to `resolved`.

        Raises:
            ParseError: One is damaged: then the whole request is.
        """
        items = WriteItems()
        for series, kind, start, end in request.items.tolist():
            is_histogram = kind == HISTOGRAM
            identity = int(resolved.series_ids[series])
            number = int(resolved.refusals[series])
            try:
                if number:
                    raise SeriesFlaw(REASONS[number - 1], self._resolver.example(REASONS[number - 1]))
                if is_histogram:
                    items.histograms.append(self._histogram(request, resolved, series, identity, start, end))
                else:
                    items.exemplars.append(self._exemplar(request, series, identity, start, end, now_ms))
            except SeriesFlaw as flaw:
                tally.add(flaw.refusal, str(flaw), histograms=int(is_histogram), exemplars=int(not is_histogram))
                self._registry.count_refused(flaw.refusal)
        return items

    def _histogram(
        self, request: OpenRequest, resolved: ResolvedSeries, series: int, identity: int, start: int, end: int
    ) -> HistogramSample:
        width_max = self._options.histogram_width_max
        if end - start > 64 * width_max:
            message_text = f"{request.labels(series).metric}: {end - start} bytes hold more than {width_max} buckets"
            raise SeriesFlaw(SeriesRefusal.HISTOGRAM, message_text)
        message = request.item("Histogram", start, end)
        instant_ms = int(message.timestamp)
        self._check_time(request, instant_ms)
        try:
            histogram = histogram_of(message, width_max=width_max)
        except HistogramFlaw as flaw:
            raise SeriesFlaw(SeriesRefusal.HISTOGRAM, f"{request.labels(series).metric}: {flaw}") from flaw
        day = instant_ms // DAY_MS
        if (identity, day) not in resolved.definitions and self._registry.definitions_needed(identity, day):
            labels = request.labels(series)
            resolved.definitions[identity, day] = self._registry.definition(identity, day, labels)
            resolved.marks.append((int(request.walked.hashes[series]), identity, day))
        return HistogramSample(identity, instant_ms, histogram)

    def _exemplar(self, request: OpenRequest, series: int, identity: int, start: int, end: int, now_ms: int) -> ExemplarSample:
        metric, bytes_max = request.labels(series).metric, self._options.exemplar_bytes_max
        if end - start > 64 + 8 * bytes_max:  # before anything is made of it: a label of nothing takes two bytes
            raise SeriesFlaw(SeriesRefusal.EXEMPLAR, f"an exemplar of {metric} has {end - start} bytes, more than its labels may")
        message = request.item(f"Exemplar{request.version}", start, end)
        instant_ms = int(message.timestamp) or now_ms  # 0 is 'not set', which early senders leave it
        self._check_time(request, instant_ms)
        pairs = request.referenced(message.labels_refs) if request.version == 2 else [(label.name, label.value) for label in message.labels]
        size = sum(len(name) + len(value) for name, value in pairs)
        if size > bytes_max:
            raise SeriesFlaw(SeriesRefusal.EXEMPLAR, f"an exemplar of {metric} has {size} bytes of labels, at most {bytes_max} are taken")
        return exemplar_of(identity, metric, instant_ms, float(message.value), labels_of(pairs))

    def _check_time(self, request: OpenRequest, instant_ms: int) -> None:
        earliest, latest = request.window
        if not earliest <= instant_ms <= latest:
            raise SeriesFlaw(*self._registry.time_flaw(instant_ms))


def exemplar_of(identity: int, metric: str, timestamp_ms: int, value: float, labels: Labels) -> ExemplarSample:
    """An exemplar; the ids of trace and span are taken out of its labels where they are valid ones in hexadecimal."""
    trace_name, trace_id = _id(labels, TRACE_ID_NAMES, 16)
    span_name, span_id = _id(labels, SPAN_ID_NAMES, 8)
    return ExemplarSample(identity, metric, timestamp_ms, value, trace_id, span_id, labels.drop((trace_name, span_name)))


def _id(labels: Labels, names: tuple[str, ...], size_bytes: int) -> tuple[str, bytes]:
    for name in names:
        text = labels.get(name)
        if len(text) == 2 * size_bytes and text.isascii() and text.isalnum():
            try:
                found = bytes.fromhex(text)
            except ValueError:
                continue
            if any(found):
                return name, found
    return "", b""
