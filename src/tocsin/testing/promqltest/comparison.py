"""
Whether an answer is the one that a script expects: numbers to a millionth, NaN equal to NaN, histograms bucket by bucket.

Each function returns what differs in words, or an empty text.
Source: Prometheus documentation, 'The PromQL test scripting language'.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.model.pattern import compile_pattern
from tocsin.model.series import is_stale
from tocsin.query.promql.answer import QueryAnswer, SeriesAnswer
from tocsin.query.promql.histogram_layout import stripped
from tocsin.query.promql.histogram_text import histogram_text
from tocsin.query.promql.syntax import ValueType
from tocsin.query.series.notation import Point, WrittenSeries
from tocsin.testing.promqltest.grammar import Evaluation, Expectation, Grid, Topic

RELATIVE_TOLERANCE = 1e-6
_SMALLEST_NORMAL = 2.2250738585072014e-308

_PARSE_ERROR = re.compile(r"^\d+:\d+: parse error: ")
_POSITION = re.compile(r" \(\d+:\d+\)$")
# What is said of how much was mended, and when, is not part of what scripts expect.
_DETAIL = re.compile(r", from buckets \S+ to \S+, with a max diff of \S+, over \d+ samples from \S+ to \S+$")


def almost_equal(a: float, b: float) -> bool:
    """Whether two numbers differ by less than a millionth of their sizes; the stale NaN equals itself alone."""
    if is_stale(a) or is_stale(b):
        return is_stale(a) and is_stale(b)
    if math.isnan(a) and math.isnan(b):
        return True
    if a == b:
        return True
    size, difference = abs(a) + abs(b), abs(a - b)
    if a == 0 or b == 0 or size < _SMALLEST_NORMAL:
        return difference < RELATIVE_TOLERANCE * _SMALLEST_NORMAL
    return difference / min(size, 1.7976931348623157e308) < RELATIVE_TOLERANCE


def histograms_equal(expected: NativeHistogram, actual: NativeHistogram, *, with_hint: bool) -> bool:
    """Whether two histograms have the same layout and almost the same counts; hints matter where they are written out."""
    if expected.schema != actual.schema or (with_hint and expected.reset is not actual.reset):
        return False
    pairs = [(expected.count, actual.count), (expected.sum, actual.sum)]
    pairs += [(expected.zero_threshold, actual.zero_threshold), (expected.zero_count, actual.zero_count)]
    same_bounds = len(expected.custom_values) == len(actual.custom_values)
    pairs += list(zip(expected.custom_values, actual.custom_values, strict=False))
    sides = ((expected.positive, actual.positive), (expected.negative, actual.negative))
    return same_bounds and all(almost_equal(a, b) for a, b in pairs) and all(_buckets_equal(a, b) for a, b in sides)


def _buckets_equal(expected: Buckets, actual: Buckets) -> bool:
    a, b = stripped(expected), stripped(actual)
    if len(a.counts) != len(b.counts) or (len(a.counts) and a.offset != b.offset):
        return False
    return all(almost_equal(float(x), float(y)) for x, y in zip(a.counts, b.counts, strict=True))


def shown(point: Point) -> str:
    """A value in words."""
    if point is None:
        return "no value"
    return histogram_text(point) if isinstance(point, NativeHistogram) else repr(float(point))


def compare_failure(evaluation: Evaluation, error: Exception) -> str:
    """Compare an error with what `expect fail` lines say."""
    expectations = evaluation.about(Topic.FAIL)
    if not expectations:
        return f"the query failed: {error}"
    said = {str(error), _PARSE_ERROR.sub("", str(error))}
    wrong = [expectation for expectation in expectations if not any(_says(expectation, text) for text in said)]
    return f"the query failed with other words than expected: {error}" if wrong else ""


def compare_annotations(evaluation: Evaluation, answer: QueryAnswer) -> str:
    """Compare warnings and infos with what `expect` lines say about them."""
    found = {Topic.WARN: answer.annotations.warnings, Topic.INFO: answer.annotations.infos}
    for topic, absent in ((Topic.WARN, Topic.NO_WARN), (Topic.INFO, Topic.NO_INFO)):
        messages, expectations = found[topic], evaluation.about(topic)
        if evaluation.about(absent) and messages:
            return f"expected no {topic.value}, got: {'; '.join(messages)}"
        for expectation in expectations:
            if not any(_says(expectation, message) for message in messages):
                wanted = expectation.message or expectation.pattern or "any"
                return f"expected {topic.value} ({wanted}), got: {'; '.join(messages) or 'none'}"
        unexpected = [message for message in messages if not any(_says(expectation, message) for expectation in expectations)]
        if expectations and unexpected:
            return f"unexpected {topic.value}: {'; '.join(unexpected)}"
    return ""


def _says(expectation: Expectation, message: str) -> bool:
    bare = _POSITION.sub("", message)
    texts = (message, bare, _DETAIL.sub("", bare))
    if expectation.message is not None:
        return expectation.message in texts
    if expectation.pattern is not None:
        return any(compile_pattern(expectation.pattern).search(text) for text in texts)
    return True


def compare_answer(evaluation: Evaluation, answer: QueryAnswer) -> str:
    """Compare an answer with the series, the scalar or the text that a script expects."""
    if evaluation.grid is not None:
        return _compare_matrix(evaluation.series, answer, evaluation.grid)
    match answer.type:
        case ValueType.STRING:
            same = evaluation.text == answer.text
            return "" if same else f"expected {evaluation.text!r}, got the string {answer.text!r}"
        case ValueType.SCALAR:
            same = evaluation.scalar is not None and almost_equal(evaluation.scalar, answer.scalar)
            wanted = "a vector" if evaluation.scalar is None else evaluation.scalar
            return "" if same else f"expected {wanted}, got the scalar {answer.scalar!r}"
        case ValueType.MATRIX:
            return "expected a vector, got a range vector: say 'expect range vector from TIME to TIME step TIME'"
        case ValueType.VECTOR:
            if evaluation.scalar is not None or evaluation.text is not None:
                return f"expected {evaluation.scalar if evaluation.text is None else evaluation.text!r}, got a vector"
            return _compare_vector(evaluation, answer.series)


def _compare_vector(evaluation: Evaluation, series: Sequence[SeriesAnswer]) -> str:
    actual: dict[Labels, Point] = {one.labels: _only_point(one) for one in series}
    if len(actual) != len(series):
        return "the answer has a label set twice"
    wrong = _compare_sets({one.labels for one in evaluation.series}, set(actual))
    if wrong:
        return wrong
    if evaluation.about(Topic.ORDERED):
        places = [one.labels for one in evaluation.series]
        if places != [one.labels for one in series]:
            return f"expected the order {_listed(places)}, got {_listed([one.labels for one in series])}"
    for one in evaluation.series:
        expected = one.points[0] if one.points else None
        if not _points_equal(expected, actual[one.labels], with_hint=0 in one.hints_written):
            return f"{one.labels!r}: expected {shown(expected)}, got {shown(actual[one.labels])}"
    return ""


def _compare_sets(expected: set[Labels], actual: set[Labels]) -> str:
    missing, unexpected = expected - actual, actual - expected
    parts = [f"missing {_listed(sorted(missing))}"] if missing else []
    parts += [f"unexpected {_listed(sorted(unexpected))}"] if unexpected else []
    return ", ".join(parts)


def _listed(labels: Sequence[Labels]) -> str:
    return "; ".join(map(repr, labels[:10])) + (f" and {len(labels) - 10} more" if len(labels) > 10 else "")


def _only_point(series: SeriesAnswer) -> Point:
    if len(series.histograms):
        return series.histograms[0]
    return float(series.values[0]) if len(series.values) else None


def _points_equal(expected: Point, actual: Point, *, with_hint: bool) -> bool:
    if isinstance(expected, NativeHistogram) and isinstance(actual, NativeHistogram):
        return histograms_equal(expected, actual, with_hint=with_hint)
    if isinstance(expected, float) and isinstance(actual, float):
        return almost_equal(expected, actual)
    return expected is None and actual is None


def _compare_matrix(written: Sequence[WrittenSeries], answer: QueryAnswer, grid: Grid) -> str:
    if answer.type is not ValueType.MATRIX:
        return f"expected a range vector, got a {answer.type.value}"
    actual = {one.labels: points_by_time(one) for one in answer.series}
    if len(actual) != len(answer.series):
        return "the answer has a label set twice"
    wrong = _compare_sets({one.labels for one in written}, set(actual))
    if wrong:
        return wrong
    for one in written:
        wrong = _compare_series(one, actual[one.labels], grid)
        if wrong:
            return wrong
    return ""


def _compare_series(written: WrittenSeries, actual: Mapping[int, Point], grid: Grid) -> str:
    left = dict(actual)
    for index, expected in enumerate(written.points):
        at = grid.start_ms + index * grid.step_ms
        if expected is not None and at > grid.end_ms:
            return f"{written.labels!r}: expected a value at {at / 1000:g}s, which is after the end of the range"
        found = left.pop(at, None)
        if not _points_equal(expected, found, with_hint=index in written.hints_written):
            return f"{written.labels!r} at {at / 1000:g}s: expected {shown(expected)}, got {shown(found)}"
    if left:
        at = min(left)
        return f"{written.labels!r} at {at / 1000:g}s: expected no value, got {shown(left[at])}"
    return ""


def points_by_time(series: SeriesAnswer) -> dict[int, Point]:
    """The points of a series, both kinds."""
    points: dict[int, Point] = {int(at): float(value) for at, value in zip(series.timestamps_ms, series.values, strict=True)}
    points.update((int(at), point) for at, point in zip(series.histogram_timestamps_ms, series.histograms, strict=True))
    return points
