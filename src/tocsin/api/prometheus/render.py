"""
Answers as the Prometheus API writes them.

Numbers are texts there (JSON has no NaN). Half a million of them are written at once by orjson and cut apart again: Python objects are
made per series, and per number only the pieces of bytes that are joined.

Source: Prometheus documentation, 'HTTP API', section 'Expression query result formats'.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql.answer import Annotations, QueryAnswer, SeriesAnswer
from tocsin.query.promql.histogram_text import shown_buckets
from tocsin.query.promql.syntax import ValueType

NO_ANNOTATIONS = Annotations()


def success(data: Any, *, annotations: Annotations = NO_ANNOTATIONS) -> bytes:
    """The envelope around any JSON document."""
    return _envelope([orjson.dumps(data)], annotations)


def query_answer(answer: QueryAnswer, *, limit: int = 0) -> bytes:
    """
    The answer of a query.

    Args:
        answer: What PromQL said.
        limit: Series to show at most, 0 for all; a warning says when some are left out.
    """
    series, annotations = answer.series, answer.annotations
    if limit and len(series) > limit:
        series = series[:limit]
        annotations = Annotations((*annotations.warnings, "results truncated due to limit"), annotations.infos)
    match answer.type:
        case ValueType.SCALAR:
            result = [b"[", seconds(answer.time_ms), b',"', number(answer.scalar), b'"]']
        case ValueType.STRING:
            result = [b"[", seconds(answer.time_ms), b",", orjson.dumps(answer.text), b"]"]
        case ValueType.VECTOR:
            result = _listed(_instant(one, answer.time_ms) for one in series)
        case _:
            result = _listed(_ranges(series))
    return _envelope([b'{"resultType":"', answer.type.value.encode(), b'","result":', *result, b"}"], annotations)


def _envelope(data: Sequence[bytes], annotations: Annotations) -> bytes:
    """Joined once: an answer may have hundreds of megabytes, and each `+` would hold them twice."""
    out = [b'{"status":"success","data":', *data]
    if annotations.warnings:
        out += [b',"warnings":', orjson.dumps(list(annotations.warnings))]
    if annotations.infos:
        out += [b',"infos":', orjson.dumps(list(annotations.infos))]
    return b"".join([*out, b"}"])


def _listed(documents: Iterable[bytes]) -> list[bytes]:
    """The pieces of a JSON list."""
    pieces = [b"["]
    for document in documents:
        pieces += (document, b",")
    if len(pieces) > 1:
        pieces.pop()
    return [*pieces, b"]"]


def seconds(instant_ms: int) -> bytes:
    """1435781430781 as `1435781430.781`, 1000 as `1`."""
    whole, rest = divmod(abs(instant_ms), 1000)
    text = f"{whole}.{rest:03d}".rstrip("0").rstrip(".")
    return (f"-{text}" if instant_ms < 0 else text).encode()


def number(value: float) -> bytes:
    """A number in its shortest form, or NaN, +Inf, -Inf."""
    if math.isfinite(value):
        return orjson.dumps(float(value)).removesuffix(b".0")
    return b"NaN" if math.isnan(value) else b"+Inf" if value > 0 else b"-Inf"


def numbers(values: NDArray[np.float64]) -> list[bytes]:
    """The same of many at once."""
    if not np.isfinite(values).all():
        return [number(value) for value in values.tolist()]
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return text.replace(b".0,", b",").removesuffix(b".0").split(b",")


def histogram(point: NativeHistogram) -> bytes:
    """A native histogram."""
    buckets = [[shown.rule, *(number(part).decode() for part in (shown.lower, shown.upper, shown.count))] for shown in shown_buckets(point)]
    document = {"count": number(point.count).decode(), "sum": number(point.sum).decode()}
    return orjson.dumps({**document, "buckets": buckets} if buckets else document)


def _metric(labels: Labels) -> bytes:
    return b'{"metric":' + orjson.dumps(dict(labels.pairs))


def _instant(series: SeriesAnswer, time_ms: int) -> bytes:
    head = _metric(series.labels)
    if len(series.values):
        return head + b',"value":[' + seconds(time_ms) + b',"' + number(float(series.values[0])) + b'"]}'
    return head + b',"histogram":[' + seconds(time_ms) + b"," + histogram(series.histograms[0]) + b"]}"


def _ranges(series: Iterable[SeriesAnswer]) -> Iterator[bytes]:
    heads = _Instants()
    for one in series:
        out = _metric(one.labels)
        if len(one.values):
            points = map(b"".join, zip(heads.of(one.timestamps_ms), numbers(one.values), repeat(b'"]'), strict=False))
            out += b',"values":[' + b",".join(points) + b"]"
        if one.histograms:
            stamps = heads.of(one.histogram_timestamps_ms)
            shown = (stamp[:-1] + histogram(point) + b"]" for stamp, point in zip(stamps, one.histograms, strict=True))
            out += b',"histograms":[' + b",".join(shown) + b"]"
        yield out + b"}"


class _Instants:
    """What stands before each number, `[1435781430.781,"`: most series of an answer share their instants."""

    def __init__(self) -> None:
        self._known: dict[bytes, Sequence[bytes]] = {}
        self._one: dict[int, bytes] = {}

    def of(self, timestamps_ms: NDArray[np.int64]) -> Sequence[bytes]:
        """One head per instant."""
        key = timestamps_ms.tobytes()
        heads = self._known.get(key)
        if heads is None:
            heads = self._known[key] = [self._head(instant) for instant in timestamps_ms.tolist()]
        return heads

    def _head(self, instant_ms: int) -> bytes:
        head = self._one.get(instant_ms)
        if head is None:
            head = self._one[instant_ms] = b"[" + seconds(instant_ms) + b',"'
        return head
