"""Series that were sent and series that are derived from other telemetry, as one source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Census, Exemplar, Matcher, Metadata, SeriesBatch
from tocsin.query.series.derived import NAMES, DerivedSeries
from tocsin.query.series.store import StoredSeries

Item = TypeVar("Item")
DERIVED_SAMPLES_MAX = 10_000_000  # that a list of derived series may look at


class JoinedSeries:
    """
    Source and catalog of both.

    Args:
        stored: What was sent.
        derived: What is made of spans and logs.
    """

    def __init__(self, stored: StoredSeries, derived: DerivedSeries) -> None:
        self._stored = stored
        self._derived = derived

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Series that match, with their samples; see `tocsin.model.series.SeriesSource`."""
        yield from self._stored.select(matchers, start_ms, end_ms, samples_max=samples_max)
        if self._derived.names(matchers):
            yield from self._derived.select(matchers, start_ms, end_ms, samples_max=samples_max)

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[Labels]:
        """Label sets of matching series, sorted; at most `limit`, 0 for all."""
        found = {*self._stored.series(matcher_sets, start_ms, end_ms, limit=limit), *self._made(matcher_sets, start_ms, end_ms)}
        return _first(sorted(found), limit)

    def label_names(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Names of their labels, sorted."""
        names = {name for labels in self._made(matcher_sets, start_ms, end_ms) for name, _ in labels}
        return _first(sorted({*self._stored.label_names(matcher_sets, start_ms, end_ms, limit=limit), *names}), limit)

    def label_values(self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Values of one of their labels, sorted; every derived metric's name is among the names, so that completion shows it."""
        values = {labels.get(name) for labels in self._made(matcher_sets, start_ms, end_ms)} - {""}
        if name == METRIC_NAME and not matcher_sets:
            values = set(NAMES)
        return _first(sorted({*self._stored.label_values(name, matcher_sets, start_ms, end_ms, limit=limit), *values}), limit)

    def metadata(self, metric: str | None, *, limit: int) -> list[Metadata]:
        """Types, help texts and units by metric, as their exporters gave them."""
        return self._stored.metadata(metric, limit=limit)

    def exemplars(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[tuple[Labels, list[Exemplar]]]:
        """Exemplars of matching series, oldest first."""
        return self._stored.exemplars(matcher_sets, start_ms, end_ms)

    def cardinality(self, *, limit: int) -> Census:
        """How many series are stored, and what costs the most of them."""
        return self._stored.cardinality(limit=limit)

    def _made(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> set[Labels]:
        """Derived series that the sets ask for by name."""
        return {
            labels
            for matchers in matcher_sets
            if self._derived.names(matchers)
            for batch in self._derived.select(matchers, start_ms, end_ms, samples_max=DERIVED_SAMPLES_MAX)
            for labels in batch.labels
        }


def _first(found: list[Item], limit: int) -> list[Item]:
    return found[:limit] if limit else found
