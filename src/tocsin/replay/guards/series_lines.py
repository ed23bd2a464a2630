"""
Series as lines of JSON, exact to the bit: what a guard keeps of metrics.

    {"labels":{"__name__":"up","job":"api"},"times_ms":[1790000000000,1790000015000],"values":[1,"stale"]}
    {"labels":{"__name__":"h"},"times_ms":[...],"histograms":[{"schema":1,"count":4,...}]}

Numbers that JSON has not are texts: NaN, +Inf, -Inf, and `stale` for the marker that ends a series.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import orjson

from tocsin.errors import ParseError
from tocsin.model.batch import Batch
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram, ResetHint
from tocsin.model.sample_block import DAY_MS, HistogramSample, SampleBlock, SeriesDefinition, series_id
from tocsin.model.series import STALE_NAN, SeriesBatch, is_stale
from tocsin.model.signal import Signal
from tocsin.query.promql.answer import SeriesAnswer

_TEXTS = {"stale": STALE_NAN, "NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}


def series_lines(batches: Iterable[SeriesBatch], *, without: Collection[Labels] = ()) -> Iterator[bytes]:
    """Series of batches as lines, each ended by a line feed, but for some; numbers and histograms of one series are two lines."""
    for batch in batches:
        for row, labels in enumerate(batch.labels):
            if labels in without:
                continue
            part = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
            head = {"labels": dict(labels)}
            if part.stop > part.start:
                values = [_number(value) for value in batch.values[part].tolist()]
                yield orjson.dumps({**head, "times_ms": batch.timestamps_ms[part].tolist(), "values": values}) + b"\n"
            points = batch.histograms.get(row)
            if points is not None:
                histograms = [_histogram(point) for point in points.points]
                yield orjson.dumps({**head, "times_ms": points.timestamps_ms.tolist(), "histograms": histograms}) + b"\n"


def read_series_line(line: bytes) -> SeriesAnswer:
    """
    A line back.

    Raises:
        ParseError: It is none.
    """
    try:
        found = orjson.loads(line)
        labels, times = Labels(found["labels"]), np.array(found["times_ms"], dtype=np.int64)
        if "histograms" in found:
            histograms = [_histogram_of(one) for one in found["histograms"]]
            empty = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float64)
            answer = SeriesAnswer(labels, *empty, times, histograms)
        else:
            histograms = []
            answer = SeriesAnswer(labels, times, np.array([_number_of(one) for one in found["values"]], dtype=np.float64))
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise ParseError(f"not a series with its samples: {line[:80]!r}: {error}") from error
    if len(times) != len(answer.values) + len(histograms) or (np.diff(times) <= 0).any() or not labels.metric:
        raise ParseError(f"a series needs a name and a value for each of its ascending times: {line[:80]!r}")
    return answer


def batch_of(answers: Sequence[SeriesAnswer]) -> Batch:
    """Some series as they go into the journal."""
    ids: list[np.ndarray[Any, Any]] = [np.zeros(0, dtype=np.uint64)]
    times: list[np.ndarray[Any, Any]] = [np.zeros(0, dtype=np.int64)]
    values: list[np.ndarray[Any, Any]] = [np.zeros(0, dtype=np.float64)]
    series: list[SeriesDefinition] = []
    histograms: list[HistogramSample] = []
    for answer in answers:
        number = series_id(answer.labels)
        every = np.concatenate([answer.timestamps_ms, answer.histogram_timestamps_ms])
        series += [SeriesDefinition(number, day, answer.labels) for day in np.unique(every // DAY_MS).tolist()]
        ids.append(np.full(len(answer.values), number, dtype=np.uint64))
        times.append(answer.timestamps_ms)
        values.append(answer.values)
        at = zip(answer.histogram_timestamps_ms.tolist(), answer.histograms, strict=True)
        histograms += [HistogramSample(number, time, point) for time, point in at]
    block = SampleBlock(np.concatenate(ids), np.concatenate(times), np.concatenate(values), series, histograms)
    return Batch(Signal.SAMPLES, block.encode(), block.records)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "stale" if is_stale(value) else "NaN"


def _number_of(written: float | str) -> float:
    return _TEXTS[written] if isinstance(written, str) else float(written)


def _histogram(point: NativeHistogram) -> dict[str, Any]:
    return {
        "schema": point.schema,
        "count": _number(point.count),
        "sum": _number(point.sum),
        "zero_threshold": point.zero_threshold,
        "zero_count": point.zero_count,
        "positive": [point.positive.offset, point.positive.counts.tolist()],
        "negative": [point.negative.offset, point.negative.counts.tolist()],
        "custom_values": list(point.custom_values),
        "reset": point.reset.value,
    }


def _histogram_of(found: dict[str, Any]) -> NativeHistogram:
    sides = [Buckets(int(offset), np.array(counts, dtype=np.float64)) for offset, counts in (found["positive"], found["negative"])]
    return NativeHistogram(
        schema=int(found["schema"]),
        count=_number_of(found["count"]),
        sum=_number_of(found["sum"]),
        zero_threshold=float(found["zero_threshold"]),
        zero_count=float(found["zero_count"]),
        positive=sides[0],
        negative=sides[1],
        custom_values=tuple(float(one) for one in found["custom_values"]),
        reset=ResetHint(found["reset"]),
    )
