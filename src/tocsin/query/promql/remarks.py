"""
Warnings and infos of one query: collected once each, with the place in the query they are about.

Source: the wording is Prometheus' own, so that what matches on it keeps working.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tocsin.query.promql.answer import Annotations
from tocsin.query.promql.histogram_notes import Level, Remarks
from tocsin.query.promql.histogram_text import short_number_text
from tocsin.query.promql.syntax import Span

Note = tuple[Level, str]


class AnnotationCollector:
    """
    Gathers remarks while a query is evaluated.

    Args:
        text: The query, to say line and column; empty when there is none.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen: dict[tuple[Level, str], Span] = {}

    def add(self, note: Note, span: Span) -> None:
        """Note it; what is said of several places is said once, of the last."""
        level, sentence = note
        self._seen[level, f"PromQL {level.value}: {sentence}"] = span

    def add_remarks(self, remarks: Remarks, span: Span, *, metric: str = "", operator: str = "", function: str = "") -> None:
        """Note what an operation on histograms has to say."""
        for remark in remarks:
            self._seen[remark.level, remark.text(metric, operator, function)] = span

    def answer(self) -> Annotations:
        """What was gathered, in the order it came up."""
        return Annotations(self._of(Level.WARNING), self._of(Level.INFO))

    def _of(self, wanted: Level) -> tuple[str, ...]:
        return tuple(sentence + self._place(span) for (level, sentence), span in self._seen.items() if level is wanted)

    def _place(self, span: Span) -> str:
        before = self._text[: span.start]
        line = before.count("\n") + 1
        return f" ({line}:{span.start - (before.rfind(chr(10)) + 1) + 1})"


def _of_metric(metric: str) -> str:
    return f' for metric name "{metric}"' if metric else ""


def invalid_quantile(q: float) -> Note:
    """A quantile outside of 0 to 1."""
    return Level.WARNING, f"quantile value should be between 0 and 1, got {shown(q)}"


def invalid_ratio(ratio: float, capped: float) -> Note:
    """A ratio of `limit_ratio` outside of -1 to 1."""
    return Level.WARNING, f"ratio value should be between -1 and 1, got {shown(ratio)}, capping to {shown(capped)}"


def bad_bucket_label(metric: str, value: str) -> Note:
    """A bucket whose `le` is no number."""
    return Level.WARNING, f'bucket label "le" is missing or has a malformed value of "{value}"{_of_metric(metric)}'


def mixed_floats_histograms(metric: str) -> Note:
    """A range with both kinds of samples where only one is possible."""
    return Level.WARNING, f'encountered a mix of histograms and floats for metric name "{metric}"'


def mixed_aggregation() -> Note:
    """A group with both kinds of samples."""
    return Level.WARNING, "encountered a mix of histograms and floats for aggregation"


def mixed_classic_native(metric: str) -> Note:
    """Classic buckets and a native histogram under the same labels."""
    return Level.WARNING, f"vector contains a mix of classic and native histograms{_of_metric(metric)}"


def possible_non_counter(metric: str) -> Note:
    """A rate of what is not named as a counter."""
    return Level.INFO, f'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "{metric}"'


def overlapping_start(metric: str) -> Note:
    """Samples of which one says that it began to count before the one before it was taken."""
    of = f' for metric "{metric}"' if metric else ""
    return Level.WARNING, f"sample has start time that overlaps with previous sample timestamp{of}"


def non_counter_type(metric: str, kind: str) -> Note:
    """A rate of what is labelled as no counter."""
    return Level.INFO, f'metric might not be a counter, __type__ label is not set to "counter" or "histogram", got "{kind}": "{metric}"'


def forced_monotonic(metric: str, buckets: tuple[float, float], difference: float, times_ms: Sequence[int]) -> Note:
    """
    Classic buckets that fall where they should rise.

    Args:
        metric: Name of the metric.
        buckets: Upper bounds of the lowest and the highest bucket that were raised.
        difference: By how much at most.
        times_ms: Steps at which it happened, at least one.
    """
    first, last = (datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (times_ms[0], times_ms[-1]))
    return Level.INFO, (
        "input to histogram_quantile needed to be fixed for monotonicity "
        f"(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){_of_metric(metric)}, "
        f"from buckets {shown(buckets[0])} to {shown(buckets[1])}, with a max diff of {difference:.2g}, "
        f"over {len(times_ms)} samples from {first} to {last}"
    )


def incompatible_operands(operator: str, left: str, right: str) -> Note:
    """A float and a histogram, or two histograms, that an operator cannot take."""
    return Level.INFO, f'incompatible sample types encountered for binary operator "{operator}": {left} {operator} {right}'


def ignored_in_aggregation(operator: str) -> Note:
    """A histogram in an aggregation of floats."""
    return Level.INFO, f"ignored histogram in {operator} aggregation"


def sort_in_range_query() -> Note:
    """A function that orders rows, in a query whose answer has an order of its own."""
    return Level.WARNING, "sort is ineffective for range queries since results are always ordered by labels"


def ignored_in_range(metric: str) -> Note:
    """Histograms among the floats of a range."""
    return Level.INFO, f"ignored histograms in a range containing both floats and histograms{_of_metric(metric)}"


def shown(number: float) -> str:
    """A number as in Prometheus' messages: shortest digits, with an exponent from 1e6 on and below 1e-4; `NaN`, `+Inf`, `-Inf`."""
    return short_number_text(number)
