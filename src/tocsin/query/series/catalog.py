"""What else a Prometheus client asks about series: names, labels, metadata, exemplars, and what costs the most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Census, Exemplar, Matcher, Metadata, NamedCount
from tocsin.query.reading import READ_SETTINGS
from tocsin.query.series.labels import LabelMemory
from tocsin.store import read_catalog
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_metrics import Span, id_matches
from tocsin.store.sql import ParameterNames, Sql

EXEMPLARS_MAX = 50_000  # the newest of one answer


class StoredCatalog:
    """
    The series in the store as a `MetricCatalog`. Ranges of time are exact to the day (UTC).

    Args:
        engine: Where the tables are.
        timeout_s: Seconds that one statement may take.
        labels_max: Series whose labels are kept in memory.
    """

    def __init__(self, engine: Engine, *, timeout_s: float, labels_max: int) -> None:
        self._engine = engine
        self._settings: dict[str, SettingValue] = {**READ_SETTINGS, "max_execution_time": timeout_s}
        self._labels = LabelMemory(engine, series_max=labels_max)

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[Labels]:
        """Label sets of matching series, sorted; at most `limit`, 0 for all."""
        found = self._rows(read_catalog.label_sets(matcher_sets, _span(start_ms, end_ms), limit=limit))
        return sorted({_labels(metric, labels) for metric, labels in found})

    def label_names(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Names of their labels, sorted, `__name__` among them."""
        return [row[0] for row in self._rows(read_catalog.label_names(matcher_sets, _span(start_ms, end_ms), limit=limit))]

    def label_values(self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Values of one of their labels, sorted."""
        return [row[0] for row in self._rows(read_catalog.label_values(name, matcher_sets, _span(start_ms, end_ms), limit=limit))]

    def metadata(self, metric: str | None, *, limit: int) -> list[Metadata]:
        """Types, help texts and units by metric, as their exporters gave them; a limit counts metrics."""
        return [Metadata(*row[:4]) for row in self._rows(read_catalog.metadata(metric, limit=limit))]

    def exemplars(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[tuple[Labels, list[Exemplar]]]:
        """Exemplars of matching series, oldest first; the newest EXEMPLARS_MAX of all."""
        span = _span(start_ms, end_ms)
        rows = self._rows(read_catalog.exemplars(matcher_sets, span, limit=EXEMPLARS_MAX))
        ids = np.unique(np.array([row[0] for row in rows], dtype=np.uint64))
        known = self._labels.of(ids, id_matches(matcher_sets, span, ParameterNames("m")), span, self._settings)
        labels_of = {number: one.labels for number, one in zip(ids.tolist(), known, strict=True) if one is not None}
        found: dict[Labels, list[Exemplar]] = {}
        for number, at, value, trace_id, span_id, others in reversed(rows):
            if number in labels_of:
                labels = Labels({**others, "trace_id": trace_id, "span_id": span_id})
                found.setdefault(labels_of[number], []).append(Exemplar(labels, float(value), at))
        return sorted(found.items(), key=lambda pair: pair[0])

    def cardinality(self, *, limit: int) -> Census:
        """How many series the newest day (UTC) has, and the `limit` things of each kind that cost the most of them."""
        series, pairs, chunks, start_ms, end_ms = self._rows(read_catalog.totals())[0]
        most = (
            read_catalog.series_by_metric(limit),
            read_catalog.values_by_label(limit),
            read_catalog.bytes_by_label(limit),
            read_catalog.series_by_pair(limit),
        )
        lists = [[NamedCount(name, value) for name, value in self._rows(statement)] for statement in most]
        return Census(series, pairs, chunks, start_ms or 0, end_ms or 0, *lists)

    def _rows(self, statement: Sql) -> list[list[Any]]:
        try:
            return self._engine.query(statement, settings=self._settings).rows
        except InvalidInput as error:
            raise InvalidInput(f"expected matchers with regular expressions of RE2: {error}") from error


def _span(start_ms: int, end_ms: int) -> Span:
    return Span(start_ms, end_ms).within_reach()


def _labels(metric: str, labels: Mapping[str, str]) -> Labels:
    return Labels({**labels, METRIC_NAME: metric})
