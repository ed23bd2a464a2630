"""A catalog of series in memory, for the API above it."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Census, Exemplar, Matcher, Metadata, NamedCount
from tocsin.query.series.memory import MemorySeries

EVERYTHING = 10**9


class MemoryCatalog(MemorySeries):
    """Lists what was added; exemplars and metadata are one of each."""

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[Labels]:
        """Series with samples in the range that satisfy any of the sets."""
        found = {
            labels
            for matchers in matcher_sets or [()]
            for batch in self.select(matchers, start_ms, end_ms, samples_max=EVERYTHING)
            for labels in batch.labels
        }
        return sorted(found)[: limit or None]

    def label_names(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Names of their labels."""
        found = {name for labels in self.series(matcher_sets, start_ms, end_ms, limit=0) for name, _ in labels}
        return sorted(found)[: limit or None]

    def label_values(self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Values of one of them."""
        found = {labels.get(name) for labels in self.series(matcher_sets, start_ms, end_ms, limit=0)} - {""}
        return sorted(found)[: limit or None]

    def metadata(self, metric: str | None, *, limit: int) -> list[Metadata]:
        """One metric's."""
        known = [Metadata("up", "gauge", "Whether it answers.", "")]
        return [one for one in known if metric in {None, one.metric}][: limit or None]

    def exemplars(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[tuple[Labels, list[Exemplar]]]:
        """One per series."""
        exemplar = Exemplar(Labels({"trace_id": "ab"}), 1.5, start_ms)
        return [(labels, [exemplar]) for labels in self.series(matcher_sets, start_ms, end_ms, limit=0)]

    def cardinality(self, *, limit: int) -> Census:
        """Counts of metrics alone."""
        names = [labels.metric for labels in self.series([], 0, EVERYTHING * 10**6, limit=0)]
        counts = [NamedCount(name, names.count(name)) for name in sorted(set(names))][:limit]
        return Census(len(names), 0, 0, 0, 0, counts, [NamedCount(METRIC_NAME, len(counts))], [], [])
