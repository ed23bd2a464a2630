"""
Who spent an error budget: the attribute values and versions that are commoner among the bad events than among all.

    rows of the range -> by service, operation, resource -> by attribute -> what stands out -> its pairs -> a sentence

Always holds: a question reads a bounded number of rows and unfolds a bounded number of attributes; where that makes a figure an estimate,
the sentence says so. Metrics are told apart by the labels of their series.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.metrics import Metrics
from tocsin.query.reading import Reading
from tocsin.slo.answers import Attribution
from tocsin.slo.attribution.ranking import Candidate, Whole, causes, is_version, sentence_of, share_words, standing_out, value_of
from tocsin.slo.attribution.series import series_candidates
from tocsin.slo.definition import EventCount, EventRatio, EventSignal, Objective, SeriesRatio, StreamRatio
from tocsin.store.count_events import CountedEvents, ExcludedEvents, services_of, stored_extent_s
from tocsin.store.plan import Everything, Field, Predicate, leaves
from tocsin.store.read_attribution import EventsRead, SampleOf, Trait, by_attribute, by_origin, by_pair, rows_in
from tocsin.store.read_range import Within
from tocsin.store.render import LOGS, SPANS
from tocsin.store.sql import ParameterNames

ROWS_MAX = 5_000_000  # beyond, one of several minutes is read
UNFOLDED_MAX = 100_000  # bad events, and other ones, whose attributes are looked at
CAUSES_MAX = 5  # whose pairs are counted
MINUTE_S = 60
RESOURCE_KEYS_PASSED_OVER = ("telemetry.", "process.", "os.", "service.name", "service.namespace")


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was read of one stream of events."""

    read: EventsRead
    whole: Whole
    events: int
    candidates: list[Candidate]
    sampled: bool


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
        self._rows_max = rows_max

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
        counted = self._count(total.signal, events, _excluded(objective, exclusions, total.signal), span)
        judged_by = {field.name for leaf in leaves(good.predicate) if isinstance(field := getattr(leaf, "field", None), Field)}
        whole = counted.whole
        chosen = causes(standing_out(counted.candidates, whole), judged_by, most=CAUSES_MAX)
        best = self._best(counted, chosen)
        sentence = sentence_of(*best, whole) if best else ""
        return _answer(
            objective, self._stored(total.signal, span), whole, counted.candidates, limit, sentence=sentence, note=_note(counted)
        )

    def _of_streams(
        self, objective: Objective, indicator: StreamRatio, span: tuple[int, int], exclusions: Sequence[Exclusion], limit: int
    ) -> Attribution:
        """What went in and did not come out, by the values that both streams name."""
        into, out = (
            self._count(one.signal, _all_bad(one), _excluded(objective, exclusions, one.signal), span)
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
        return _answer(objective, self._stored(indicator.total.signal, span), whole, candidates, limit, note=_note(into))

    def _count(self, signal: EventSignal, events: CountedEvents, excluded: tuple[ExcludedEvents, ...], span: tuple[int, int]) -> _Counted:
        table = SPANS if signal is EventSignal.SPANS else LOGS
        read = EventsRead(table, replace(events, excluded=excluded), Within(*span), services_of(events.total))
        rows = self._reading.rows(rows_in(read, ParameterNames()))[0][0]
        read = replace(read, minutes_apart=max(1, math.ceil(rows / self._rows_max)))
        origins = self._reading.rows(by_origin(read, ParameterNames()))
        _, _, found, bad_found, weight, bad, _ = origins[0]
        sample = SampleOf(max(1, math.ceil(bad_found / UNFOLDED_MAX)), max(1, math.ceil((found - bad_found) / UNFOLDED_MAX)))
        values = self._reading.rows(by_attribute(read, sample, ParameterNames())) if found else []
        apart = read.minutes_apart
        candidates = [*_origins(origins[1:]), *(Candidate("attribute", key, value, spent, all_of) for key, value, all_of, spent in values)]
        scaled = [replace(one, bad=one.bad * apart, total=one.total * apart) for one in candidates]
        return _Counted(read, Whole(bad * apart, weight * apart, bad_found), found, scaled, sample != SampleOf())

    def _best(self, counted: _Counted, chosen: Sequence[Candidate]) -> tuple[list[Candidate], float, float] | None:
        """The candidate, or the two together, whose share among the bad is most above that among all; with bad and total."""
        if not chosen:
            return None
        options = [([one], one.bad, one.total) for one in chosen]
        if len(chosen) > 1:
            row = self._reading.rows(by_pair(counted.read, [_trait(one) for one in chosen], ParameterNames()))[0]
            sums = iter(row)
            for index, one in enumerate(chosen):
                for other in chosen[index + 1 :]:
                    total, bad = (value * counted.read.minutes_apart for value in (next(sums), next(sums)))
                    options.append(([one, other], bad, total))
        whole = counted.whole
        # Of what stands out alike, that which names the version too.
        return max(
            options, key=lambda one: (round(one[1] / whole.bad - one[2] / whole.total, 3), any(map(is_version, one[0])) * len(one[0]))
        )

    def _stored(self, signal: EventSignal, span: tuple[int, int]) -> tuple[int, int]:
        """The part of the range from which on events are stored."""
        extent = stored_extent_s(self._reading.engine, SPANS.name if signal is EventSignal.SPANS else LOGS.name)
        start = span[0] if extent is None else max(span[0], extent[0] * NANOSECONDS)
        return min(start, span[1]), span[1]


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


def _origins(rows: Sequence[Sequence[Any]]) -> list[Candidate]:
    """Services, operations, and the parts of resources."""
    found = []
    resources: dict[tuple[str, str], list[tuple[str, float, float]]] = defaultdict(list)
    for sort, value, _, _, total, bad, _ in rows:
        if sort == "resource":
            for key, text in _parts_of(value).items():
                resources[key, text].append((value, bad, total))
        elif value:
            found.append(Candidate(sort, "service.name" if sort == "service" else "operation", value, bad, total))
    for (key, text), having in resources.items():
        names = tuple(resource for resource, _, _ in having)
        found.append(Candidate("resource", key, text, sum(bad for _, bad, _ in having), sum(total for _, _, total in having), names))
    return found


def _parts_of(resource: str) -> Mapping[str, str]:
    loaded: Mapping[str, Any] = orjson.loads(resource) if resource else {}
    return {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in loaded.items()
        if not key.startswith(RESOURCE_KEYS_PASSED_OVER)
    }


def _trait(candidate: Candidate) -> Trait:
    values = candidate.resources if candidate.place == "resource" else (candidate.value,)
    return Trait(candidate.place, candidate.key, values)


def _note(counted: _Counted) -> str:
    apart = counted.read.minutes_apart
    if apart > 1:
        return f" (estimated from one in {apart} minutes)"
    return f" (attributes estimated from a sample of {counted.events:,} events)" if counted.sampled else ""
