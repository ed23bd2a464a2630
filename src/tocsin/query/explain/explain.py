"""
Explains why requests of a service are bad.

    which are bad        a query; by default those that failed, or took longer than twice the 95th percentile of the time before
    when it began        share of bad requests by minute
    what sets apart      attribute values and versions (contrast), self times of spans, kinds of log records, deployments just before

Findings are facts with numbers; whether one of them is the cause is for a person to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.errors import InvalidInput
from tocsin.model.deployment import Deployment
from tocsin.model.explanation import Explanation, Finding, FindingKind
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.query.contrast.contrast import Contrast
from tocsin.query.contrast.ranking import Candidate, Whole, causes, is_version, sentence_of, share_words, standing_out
from tocsin.query.explain.onset import MINUTE_S, MinuteOfRequests, onset_s, usual_ratio
from tocsin.query.explain.self_times import AddedTime, TimedSpan, added_times
from tocsin.query.fields import parse_span_query
from tocsin.query.patterns.catalogue import Catalogue
from tocsin.query.patterns.miner import identity, words_of
from tocsin.query.reading import Reading
from tocsin.store.count_events import CountedEvents
from tocsin.store.log_shapes import MASK, read_shapes, shapes
from tocsin.store.plan import And, Equals, Field, Or, Predicate, Scope
from tocsin.store.read_explain import in_traces, latency_quantile, requests_by_minute, spans_of, traces_of
from tocsin.store.read_range import Within
from tocsin.store.render import SPANS
from tocsin.store.sql import ParameterNames, Sql

TRACES_MAX = 200  # of bad requests, and of good ones
ATTRIBUTES_MAX = 8
DEPENDENCIES_MAX = 4
PATTERNS_MAX = 5
SHARE_MIN = 0.1  # what sets apart by less is not said
DEPLOYED_BEFORE_S = 1800  # how long before the onset a deployment may have been
DEPLOYED_AFTER_S = 120  # clocks differ, and a rollout takes a while
SLOW_TIMES = 2.0
SLOW_TIMES_OF_MEDIAN = 3.0
FAILED = "error:true"
DAYS_MAX = 7
SHAPES_MAX = 2_000
EXEMPLARS_MAX = 5
SYMPTOM_KEYS = frozenset({"http.response.status_code", "error.type", "exception.type"})

DeploymentsBetween = Callable[[int, int], Sequence[Deployment]]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Ids of traces whose request was bad, and of traces whose request was good."""

    bad: frozenset[str]
    good: frozenset[str]


class Explainer:
    """
    Answers why. Safe to use from several threads.

    Args:
        reading: The engine.
        catalogue: Names log patterns.
        deployments: Lists deployments of all services in a range of nanoseconds.
    """

    def __init__(self, reading: Reading, catalogue: Catalogue, deployments: DeploymentsBetween) -> None:
        self._reading = reading
        self._contrast = Contrast(reading)
        self._catalogue = catalogue
        self._deployments = deployments

    def explain(self, service: str, start: Instant, end: Instant, *, bad: str = "", before_s: float | None = None) -> Explanation:
        """
        What sets the bad requests of a service apart from its good ones.

        Args:
            service: Whose requests.
            start: First instant.
            end: First instant after it, at most seven days later.
            bad: Which are bad, Lucene syntax over spans; empty for those that failed or were slow.
            before_s: How much of the time before tells what is usual, seconds; as much as the range is long by default, at least an hour.

        Raises:
            InvalidInput: The range is empty or too long.
            ParseError: `bad` does not read.
        """
        within = TimeRange(start, end)
        if not 0 < within.end - within.start <= DAYS_MAX * 86_400 * NANOSECONDS:
            raise InvalidInput(f"expected a range of more than nothing and at most {DAYS_MAX} days to explain")
        earlier_ns = round(before_s * NANOSECONDS) if before_s is not None else max(end - start, 3600 * NANOSECONDS)
        total = _requests_of(service)
        means = bad or self._usual_meaning(total, Within(start - earlier_ns, start), Within(start, end))
        is_bad = parse_span_query(means)
        minutes = self._minutes(total, is_bad, Within(start - earlier_ns, end))
        usual = usual_ratio(minutes, start // NANOSECONDS)
        began = onset_s(minutes, start // NANOSECONDS // MINUTE_S * MINUTE_S, usual)
        counted = self._contrast.count(SPANS, CountedEvents(total, is_bad, inverted=True), (start, end))
        sample = self._sample(total, is_bad, Within(start, end))
        findings = []
        if counted.whole.bad > 0:
            spans = self._spans(sample, Within(start, end))
            through = {service, *(span.service for span in spans if span.trace_id in sample.bad)}
            findings = [
                *_traits(counted.whole, standing_out(counted.candidates, counted.whole)),
                *self._dependencies(spans, sample),
                *self._patterns(sample, Within(start, end)),
                *self._deployed(through, start if began is None else began * NANOSECONDS, certain=began is not None),
            ]
        findings.sort(key=lambda one: -one.score)
        return Explanation(
            service=service,
            start=start,
            end=end,
            bad_means=means,
            bad=counted.whole.bad,
            total=counted.whole.total,
            onset=None if began is None else began * NANOSECONDS,
            usual_ratio=usual,
            findings=findings,
            exemplars=sorted(sample.bad)[:EXEMPLARS_MAX],
            sentence=_sentence(service, counted.whole, usual, findings),
            note=counted.note.strip(" ()"),
        )

    def _usual_meaning(self, total: Predicate, before: Within, within: Within) -> str:
        """
        Failed, or slower than twice what 95 of 100 requests took before.

        Without requests before, only those that failed; where none did, those that took three times the median.
        """
        requests, quantile_ns = self._quantile(total, 0.95, before)
        if requests:
            return f"{FAILED} OR duration:>{max(1, round(quantile_ns * SLOW_TIMES / 1e6))}ms"
        minutes = self._minutes(total, parse_span_query(FAILED), within)
        if any(minute.bad for minute in minutes):
            return FAILED
        requests, quantile_ns = self._quantile(total, 0.5, within)
        return f"{FAILED} OR duration:>{max(1, round(quantile_ns * SLOW_TIMES_OF_MEDIAN / 1e6))}ms" if requests else FAILED

    def _quantile(self, total: Predicate, quantile: float, within: Within) -> tuple[int, float]:
        names = ParameterNames()
        count, value = self._reading.rows(latency_quantile(self._condition(total, names), quantile, within, names))[0]
        return int(count), float(value or 0)

    def _minutes(self, total: Predicate, bad: Predicate, within: Within) -> list[MinuteOfRequests]:
        names = ParameterNames()
        statement = requests_by_minute(self._condition(total, names), self._condition(bad, names), within, names)
        return [MinuteOfRequests(int(minute), int(failed), int(count)) for minute, failed, count in self._reading.rows(statement)]

    def _sample(self, total: Predicate, bad: Predicate, within: Within) -> _Sample:
        names = ParameterNames()
        statement = traces_of(self._condition(total, names), self._condition(bad, names), within, limit=TRACES_MAX, names=names)
        rows = self._reading.rows(statement)
        # A trace with a bad request and a good one is a bad trace.
        failed = frozenset(str(row[0]) for row in rows if row[1])
        return _Sample(failed, frozenset(str(row[0]) for row in rows if not row[1]) - failed)

    def _condition(self, predicate: Predicate, names: ParameterNames) -> Sql:
        return self._reading.condition(predicate, SPANS, self._reading.vocabulary(predicate, SPANS), names)

    def _spans(self, sample: _Sample, within: Within) -> list[TimedSpan]:
        ids = sorted(sample.bad | sample.good)
        if not ids:
            return []
        rows = self._reading.rows(spans_of(ids, within, ParameterNames()))
        return [TimedSpan(*row) for row in rows]

    def _dependencies(self, spans: Sequence[TimedSpan], sample: _Sample) -> list[Finding]:
        added = added_times(spans, sample.bad, sample.good)
        return [_dependency(one) for one in added[:DEPENDENCIES_MAX] if one.share >= SHARE_MIN and one.bad_ms - one.good_ms >= 1]

    def _patterns(self, sample: _Sample, within: Within) -> list[Finding]:
        """Kinds of log records that bad traces have more often than good ones."""
        in_bad, in_good = self._shares(sample.bad, within), self._shares(sample.good, within)
        found = []
        for key, (share, service, template, example) in in_bad.items():
            usual = in_good.get(key, (0.0, "", "", ""))[0]
            if share - usual >= SHARE_MIN:
                found.append(_pattern(service, template, example, share, usual))
        return sorted(found, key=lambda one: -one.score)[:PATTERNS_MAX]

    def _shares(self, traces: frozenset[str], within: Within) -> dict[str, tuple[float, str, str, str]]:
        """By pattern: records per trace (1 at most), service, template, example."""
        if not traces:
            return {}
        names = ParameterNames()
        condition = in_traces(sorted(traces), names)
        found: dict[str, tuple[float, str, str, str]] = {}
        counts: dict[str, float] = defaultdict(float)
        for shape in read_shapes(self._reading.engine, shapes(condition, within, one_in=1, limit=SHAPES_MAX, names=names)):
            cluster = self._catalogue.find(shape.service, shape.text)
            key = cluster.id if cluster else identity(shape.service, " ".join(words_of(shape.text)))
            counts[key] += shape.count
            found[key] = (0.0, shape.service, cluster.template if cluster else shape.text, shape.example)
        return {key: (min(1.0, counts[key] / len(traces)), *rest) for key, (_, *rest) in found.items()}  # type: ignore[misc]

    def _deployed(self, through: set[str], onset: int, *, certain: bool) -> list[Finding]:
        """Deployments of the services that bad requests went through, shortly before it began."""
        start, end = onset - DEPLOYED_BEFORE_S * NANOSECONDS, onset + DEPLOYED_AFTER_S * NANOSECONDS
        return [_deployment(one, onset, certain=certain) for one in self._deployments(start, end) if one.service in through]


def _requests_of(service: str) -> Predicate:
    """Its server and consumer spans."""
    kinds = Or((parse_span_query("kind:server"), parse_span_query("kind:consumer")))
    return And((Equals(Field("service", Scope.INTRINSIC), service), kinds))


def _traits(whole: Whole, ranked: Sequence[Candidate]) -> list[Finding]:
    """Attribute values and versions that say who or where."""
    chosen = causes(ranked, SYMPTOM_KEYS, most=ATTRIBUTES_MAX)
    found = []
    for one in chosen:
        share, good_total = one.bad / whole.bad, whole.total - whole.bad
        good_share = min(1.0, max(0.0, (one.total - one.bad) / good_total)) if good_total > 0 else 0.0
        kind = FindingKind.VERSION if is_version(one) else FindingKind.ATTRIBUTE
        sentence = sentence_of([one], one.bad, one.total, whole, "requests")
        found.append(Finding(kind, min(1.0, max(0.0, share - good_share)), sentence, "", one.key, one.value, share, good_share))
    return found


def _dependency(one: AddedTime) -> Finding:
    sentence = (
        f"`{one.name}` in {one.service} takes {_ms(one.bad_ms)} by itself in bad traces, {_ms(one.good_ms)} in good ones:"
        f" {share_words(one.share)} of what they take longer"
    )
    return Finding(
        FindingKind.DEPENDENCY, one.share, sentence, one.service, one.name, bad_ms=one.bad_ms, good_ms=one.good_ms, trace_id=one.trace_id
    )


def _pattern(service: str, template: str, example: str, share: float, usual: float) -> Finding:
    words = example if template.count(MASK) > len(template.split()) / 2 else template
    beside = f"{share_words(usual)} of good ones" if usual else "no good one"
    sentence = f"{share_words(share)} of bad traces and {beside} log in {service}: {words}"
    return Finding(FindingKind.PATTERN, share - usual, sentence, service, "", template, share, usual)


def _deployment(one: Deployment, onset: int, *, certain: bool) -> Finding:
    before_s = (onset - one.at) / NANOSECONDS
    nearness = max(0.0, 1 - max(0.0, before_s) / DEPLOYED_BEFORE_S)
    what = f"{one.service} {one.version}".strip() + (f" in place of {one.previous_version}" if one.previous_version else "")
    when = f"{max(0, round(before_s / 60))} minutes before" if before_s >= MINUTE_S else "in the minute when"
    sentence = f"{what} was deployed {when} {'it began' if certain else 'the range begins'}"
    return Finding(FindingKind.DEPLOYMENT, nearness if certain else nearness / 2, sentence, one.service, "version", one.version, at=one.at)


def _sentence(service: str, whole: Whole, usual: float | None, findings: Sequence[Finding]) -> str:
    if whole.total <= 0:
        return f"{service} had no requests in this range"
    if whole.bad <= 0:
        return f"none of the {whole.total:,.0f} requests of {service} was bad"
    before = f", {share_words(usual)} before" if usual is not None else ""
    head = f"{whole.bad:,.0f} of {whole.total:,.0f} requests of {service} were bad ({share_words(whole.bad / whole.total)}{before})"
    return f"{head}. {findings[0].sentence[:1].upper()}{findings[0].sentence[1:]}." if findings else f"{head}; nothing sets them apart."


def _ms(value: float) -> str:
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
