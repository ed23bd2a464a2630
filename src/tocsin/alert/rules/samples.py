"""What rules write: recordings, ALERTS and ALERTS_FOR_STATE, stale markers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tocsin.alert.definition import RecordingRule
from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.instant import NANOSECONDS
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.rule_alert import AlertPhase, RuleAlert
from tocsin.model.series import STALE_NAN
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.syntax import ValueType
from tocsin.query.series.recent import SeriesSample

ALERTS = "ALERTS"
ALERTS_FOR_STATE = "ALERTS_FOR_STATE"
ALERT_STATE = "alertstate"
NANOSECONDS_PER_MS = 1_000_000


def alert_samples(alerts: Mapping[Labels, RuleAlert], at_ms: int) -> Iterator[SeriesSample]:
    """Two series of each alert that is pending or firing: that it is, and since when its condition holds (seconds since 1970)."""
    for labels, alert in alerts.items():
        if alert.phase is not AlertPhase.INACTIVE:
            pairs = dict(labels)
            yield SeriesSample(Labels({**pairs, METRIC_NAME: ALERTS, ALERT_STATE: alert.phase.value}), at_ms, 1.0)
            yield SeriesSample(Labels({**pairs, METRIC_NAME: ALERTS_FOR_STATE}), at_ms, float(alert.active_at // NANOSECONDS))


def recorded_samples(rule: RecordingRule, answer: QueryAnswer, at_ms: int, *, limit: int) -> list[SeriesSample]:
    """
    What a recording rule stores.

    Args:
        rule: The rule.
        answer: Of its expression.
        at_ms: When, milliseconds since 1970.
        limit: Series it may make, 0 for any number.

    Raises:
        InvalidInput: Two series would have the same labels, or the expression gives neither a vector nor a number.
        LimitExceeded: There are too many.
    """
    samples: dict[Labels, SeriesSample] = {}
    for found, value in _elements(answer):
        labels = Labels({**dict(found), METRIC_NAME: rule.name, **rule.labels})
        if labels in samples:
            raise InvalidInput(
                f"vector contains metrics with the same labelset after applying rule labels: {labels!r}; aggregate the expression"
            )
        samples[labels] = SeriesSample(labels, at_ms, value)
    if limit and len(samples) > limit:
        raise LimitExceeded(f"exceeded limit of {limit} with {len(samples)} series; narrow the expression, or raise the group's limit")
    return list(samples.values())


def _elements(answer: QueryAnswer) -> Iterator[tuple[Labels, float | NativeHistogram]]:
    if answer.type is ValueType.SCALAR:
        yield Labels(), answer.scalar
        return
    if answer.type is not ValueType.VECTOR:
        raise InvalidInput(f"rule result is not a vector or scalar, found {answer.type.value}")
    for series in answer.series:
        yield series.labels, float(series.values[0]) if len(series.values) else series.histograms[0]


def stale_samples(before: Mapping[Labels, bool], now: Mapping[Labels, object], at_ms: int) -> Iterator[SeriesSample]:
    """Markers for series that an evaluation no longer makes. Of a series of histograms (true) the marker is one, too."""
    for labels, of_histograms in before.items():
        if labels not in now:
            marker = NativeHistogram(0, count=STALE_NAN, sum=STALE_NAN) if of_histograms else STALE_NAN
            yield SeriesSample(labels, at_ms, marker)
