"""
Who spent an error budget: the attribute values and versions that are commoner among the bad events than among all.

    rows of the range -> by service, operation, resource -> by attribute -> what stands out -> its pairs -> a sentence

Always holds: a question reads a bounded number of rows and unfolds a bounded number of attributes; where that makes a figure an estimate,
the sentence says so. Metrics are told apart by the labels of their series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.query.contrast.contrast import ROWS_MAX, Contrast
from tocsin.query.contrast.ranking import Candidate, Whole, causes, sentence_of, share_words, standing_out, value_of
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.metrics import Metrics
from tocsin.query.reading import Reading
from tocsin.slo.answers import Attribution
from tocsin.slo.attribution.series import series_candidates
from tocsin.slo.definition import EventCount, EventRatio, EventSignal, Objective, SeriesRatio, StreamRatio
from tocsin.store.count_events import CountedEvents, ExcludedEvents, stored_extent_s
from tocsin.store.plan import Everything, Field, Predicate, leaves
from tocsin.store.render import LOGS, SPANS, Table

CAUSES_MAX = 5  # whose pairs are counted
MINUTE_S = 60


class Attributor:
    """
    Says who spent budgets. Safe to use from several threads.

    Args:
        reading: The engine.
        metrics: For objectives in PromQL; None where there are none.
        rows_max: Rows beyond which only some minutes of the range are read.
    """

    def __init__(self, reading: Reading, metrics: Metrics | None = None, *, rows_max: int = ROWS_MAX) -> None:
        self._reading = reading
        self._metrics = metrics
        self._contrast = Contrast(reading, rows_max=rows_max)

    def attribute(
        self, objective: Objective, start: Instant, end: Instant, *, exclusions: Sequence[Exclusion] = (), limit: int = 20
    ) -> Attribution:
        """
        What stands out among the bad events of a range.

        Args:
            objective: Whose budget.
            start: First instant.
            end: First instant after it.
            exclusions: All there are; those of other objectives are passed over.
            limit: Most values.

        Raises:
            InvalidInput: The objective counts minutes or shares, not events; or a query of an exclusion does not read.
            Timeout: It took too long; ask for a shorter range.
        """
        TimeRange(start, end)
        indicator = objective.indicator
        match indicator:
            case EventRatio():
                return self._of_events(objective, indicator, (start, end), exclusions, limit)
            case StreamRatio():
                return self._of_streams(objective, indicator, (start, end), exclusions, limit)
            case SeriesRatio() if self._metrics is not None:
                whole, candidates = series_candidates(self._metrics, indicator, start, end)
                return _answer(objective, (start, end), whole, candidates, limit, noun="events")
            case _:
                raise InvalidInput(
                    f"{objective.key} counts minutes, not events that are good or bad, so nobody can be said to have spent its budget;"
                    " look at `ledger` for when it was spent"
                )

    def _of_events(
        self, objective: Objective, indicator: EventRatio, span: tuple[int, int], exclusions: Sequence[Exclusion], limit: int
    ) -> Attribution:
        total, good = indicator.total, indicator.good
        events = CountedEvents(total.predicate, good.predicate, indicator.inverted, total.weight, good.weight)
        counted = self._contrast.count(_table(total.signal), replace(events, excluded=_excluded(objective, exclusions, total.signal)), span)
        judged_by = {field.name for leaf in leaves(good.predicate) if isinstance(field := getattr(leaf, "field", None), Field)}
        whole = counted.whole
        chosen = causes(standing_out(counted.candidates, whole), judged_by, most=CAUSES_MAX)
        best = self._contrast.best(counted, chosen)
        sentence = sentence_of(*best, whole) if best else ""
        return _answer(objective, self._stored(total.signal, span), whole, counted.candidates, limit, sentence=sentence, note=counted.note)

    def _of_streams(
        self, objective: Objective, indicator: StreamRatio, span: tuple[int, int], exclusions: Sequence[Exclusion], limit: int
    ) -> Attribution:
        """What went in and did not come out, by the values that both streams name."""
        into, out = (
            self._contrast.count(_table(one.signal), replace(_all_bad(one), excluded=_excluded(objective, exclusions, one.signal)), span)
            for one in (indicator.total, indicator.good)
        )
        arrived = {(one.key, one.value): one.total for one in out.candidates}
        keys = {one.key for one in out.candidates}
        missing = max(0.0, into.whole.total - out.whole.total)
        candidates = [
            replace(one, bad=max(0.0, one.total - arrived.get((one.key, one.value), 0.0))) for one in into.candidates if one.key in keys
        ]
        share = missing / into.whole.total if into.whole.total else 0.0
        whole = Whole(missing, into.whole.total, share * into.events)
        return _answer(objective, self._stored(indicator.total.signal, span), whole, candidates, limit, note=into.note)

    def _stored(self, signal: EventSignal, span: tuple[int, int]) -> tuple[int, int]:
        """The part of the range from which on events are stored."""
        extent = stored_extent_s(self._reading.engine, _table(signal).name)
        start = span[0] if extent is None else max(span[0], extent[0] * NANOSECONDS)
        return min(start, span[1]), span[1]


def _table(signal: EventSignal) -> Table:
    return SPANS if signal is EventSignal.SPANS else LOGS


def _all_bad(events: EventCount) -> CountedEvents:
    """Every event of a stream, none of them good, so that its values rank by how many there are."""
    return CountedEvents(events.predicate, Everything(), inverted=True, weight=events.weight)


def _answer(
    objective: Objective,
    span: tuple[int, int],
    whole: Whole,
    candidates: Sequence[Candidate],
    limit: int,
    *,
    sentence: str = "",
    note: str = "",
    noun: str = "events",
) -> Attribution:
    ranked = standing_out(candidates, whole)
    chosen = causes(ranked, (), most=1) or list(ranked[:1])
    if whole.bad <= 0:
        sentence = f"no bad {noun} in this range" if whole.total > 0 else f"no {noun} in this range"
    elif not chosen:
        sentence = f"no attribute value stands out: the bad {noun} ({share_words(whole.bad / whole.total)}) are spread as all of them are"
    elif not sentence:
        sentence = sentence_of(chosen, chosen[0].bad, chosen[0].total, whole, noun)
    values = [value_of(one, whole) for one in ranked[:limit]]
    return Attribution(objective.key, span[0], span[1], whole.bad, whole.total, values, f"{sentence}{note}")


def _excluded(objective: Objective, exclusions: Sequence[Exclusion], signal: EventSignal) -> tuple[ExcludedEvents, ...]:
    """Exclusions of this objective: those by time as whole minutes, those with a query as they are."""
    mine = [one for one in exclusions if one.applies_to(objective.slo, objective.service)]
    return tuple(_one_excluded(one, signal) for one in mine)


def _one_excluded(exclusion: Exclusion, signal: EventSignal) -> ExcludedEvents:
    if exclusion.query:
        read = parse_span_query if signal is EventSignal.SPANS else parse_log_query
        predicate: Predicate = read(exclusion.query)
        return ExcludedEvents(predicate, exclusion.start, exclusion.end)
    minute_ns = MINUTE_S * NANOSECONDS
    start = None if exclusion.start is None else exclusion.start // minute_ns * minute_ns
    end = None if exclusion.end is None else -(-exclusion.end // minute_ns) * minute_ns
    return ExcludedEvents(Everything(), start, end)
