"""
Authentication failures and unusual access per client: what each client does in a range, held against the same hours of the past days.

A count is unusual when one so high is improbable: a client that was seen before is held against its own days, a new one against what
clients in general did in a day. Counts scatter more than chance alone has them (people come and go), so they are judged by a negative
binomial whose scatter is taken from the clients' own past. The probability is multiplied by how many clients and measures are judged
(Bonferroni), so that the rates of false alarms hold for a report as a whole, not for each client.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tocsin.errors import InvalidInput
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.model.signals import Flag
from tocsin.model.usage import ClientMeasure, ClientSignals, SecuritySignals
from tocsin.query.fields import parse_log_query
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.query.signals.words import show_count
from tocsin.query.usage.options import SecurityOptions
from tocsin.query.usage.tail_probability import tail_probability
from tocsin.store.read_security import DAY_NS, SameHours, client_events, client_requests
from tocsin.store.sql import ParameterNames

MEASURES = ("requests", "failures", "failed_events", "routes")
FAILURES = frozenset({"failures", "failed_events"})
TITLES = {"requests": "requests", "failures": "refused requests", "failed_events": "failed logins in logs", "routes": "different routes"}
CLIENTS_LISTED_MAX = 1000
SCATTER_MIN = 0.05  # of a day's mean, squared: no client does exactly the same every day
HOUR_S = 3600
RANK = {Flag.BREACH: 0, Flag.WARN: 1, Flag.OK: 2, Flag.NO_DATA: 3}


@dataclass(slots=True)
class _Client:
    """What one client did: by measure, the count of each day back (0: today)."""

    key: str
    name: str
    counts: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def today(self, measure: str) -> int:
        return self.counts[measure].get(0, 0)

    def past(self, measure: str, days: Sequence[int]) -> list[int]:
        return [self.counts[measure].get(day, 0) for day in days]


@dataclass(frozen=True, slots=True)
class _Usual:
    """
    What is usual of one measure.

    Args:
        scatter: Variance of a client's days beyond that of chance, as a share of the mean squared.
        mean, variance: Of a client's day, of all clients that were there; None where there were none.
    """

    scatter: float
    mean: float | None
    variance: float


class SecurityQuestions:
    """Safe to use from several threads."""

    def __init__(self, reading: Reading, options: SecurityOptions | None = None) -> None:
        self._reading = reading
        self._options = options or SecurityOptions()
        self._predicate = parse_log_query(self._options.failed_events) if self._options.failed_events.strip() else None

    def signals(self, start: Instant, end: Instant, *, limit: int = 50) -> SecuritySignals:
        """
        Clients in a range of at most a day: those that are flagged, then those with the most failures and requests.

        Args:
            start: First instant.
            end: First instant after it.
            limit: Most clients listed, 1 to 1,000.

        Raises:
            InvalidInput: The range is longer than a day.
            Timeout: It took too long.
        """
        checked_limit(limit, most=CLIENTS_LISTED_MAX)
        if not 0 < TimeRange(start, end).duration_ns <= DAY_NS:
            raise InvalidInput(
                "what is unusual is told by the same hours of past days: ask for a range of at most a day, and not an empty one"
            )
        clients, seen = self._clients(SameHours(start, end, self._options.days))
        everybody = clients.pop(("", ""), _Client("", ""))
        days = [day for day in range(1, self._options.days + 1) if everybody.counts["requests"].get(day)]
        judge = _Judge(self._options, days, list(clients.values()), seen, (end - start) / NANOSECONDS / HOUR_S)
        judged = [judge.client(client) for client in clients.values() if any(client.today(measure) for measure in MEASURES)]
        judged.sort(key=lambda one: (RANK[one.flag], *(-_count(one, measure) for measure in ("failures", "failed_events", "requests"))))
        return self._answer(start, end, judged, judge, everybody, limit)

    def _clients(self, hours: SameHours) -> tuple[dict[tuple[str, str], _Client], int]:
        """Clients by key and name, and how many there are today, the largest number of the two statements."""
        keys = self._options.client_keys
        requests = client_requests(hours, keys, ParameterNames())
        if self._predicate is None:
            rows, events = self._reading.rows(requests), list[list[Any]]()
        else:
            rows, events = self._reading.rows_of_both(requests, client_events(hours, keys, self._predicate, ParameterNames()))
        clients: dict[tuple[str, str], _Client] = {}
        for found, names in ((rows, ("requests", "failures", "routes")), (events, ("", "failed_events", ""))):
            for key, name, days, *counts, _ in found:
                client = clients.setdefault((key, name), _Client(key, name))
                for measure, values in zip(names, counts, strict=True):
                    if measure:
                        client.counts[measure].update(zip(days, values, strict=True))
        return clients, max((int(row[-1]) for row in (*rows[:1], *events[:1])), default=0)

    def _answer(self, start: int, end: int, judged: list[ClientSignals], judge: _Judge, everybody: _Client, limit: int) -> SecuritySignals:
        failures = everybody.today("failures") + everybody.today("failed_events")
        flag = judged[0].flag if judged else Flag.OK if everybody.today("requests") else Flag.NO_DATA
        flagged = [one for one in judged if one.flag in {Flag.WARN, Flag.BREACH}]
        if not everybody.today("requests") and not judged:
            sentence = "no requests in this range"
        elif not flagged:
            sentence = f"{show_count(judge.seen, 'client')}, {show_count(failures, 'authentication failure')}; nothing unusual"
        else:
            stand = "stands" if len(flagged) == 1 else "stand"
            who = f"{len(flagged)} of {show_count(judge.seen, 'client')} {stand} out"
            sentence = f"{who}, first {flagged[0].client}: {flagged[0].reason}"
        return SecuritySignals(
            start=start,
            end=end,
            flag=flag,
            clients=judge.seen,
            failures=failures,
            days=len(judge.days),
            days_asked=self._options.days,
            warn_rate=self._options.warn_rate,
            breach_rate=self._options.breach_rate,
            signals=judged[:limit],
            sentence=sentence,
        )


class _Judge:
    """Holds clients against what is usual."""

    def __init__(self, options: SecurityOptions, days: Sequence[int], clients: Sequence[_Client], seen: int, hours: float) -> None:
        self._options = options
        self.days = days
        self.seen = max(seen, 0)
        self._hours = hours
        self._tests = max(1, self.seen) * len(MEASURES)
        self._usual: Mapping[tuple[str, str], _Usual] = {
            (key, measure): _usual([client.past(measure, days) for client in clients if client.key == key])
            for key in {client.key for client in clients}
            for measure in MEASURES
        }

    def client(self, client: _Client) -> ClientSignals:
        """One client, judged."""
        known = any(sum(client.past(measure, self.days)) for measure in MEASURES)
        measures = [self._measure(client, measure, known) for measure in MEASURES]
        shown = [one for one in measures if one.count or (one.expected or 0) >= 1]
        worst = min(measures, key=lambda one: RANK[one.flag])
        reason = worst.reason if worst.flag is not Flag.OK else "as usual" if self.days else "nothing is known of past days"
        return ClientSignals(client.key, client.name, known, worst.flag, reason, shown)

    def _measure(self, client: _Client, measure: str, known: bool) -> ClientMeasure:
        count, options = client.today(measure), self._options
        usual = self._usual[client.key, measure]
        expected, variance = self._expectation(client.past(measure, self.days), usual, known)
        flag, reason, probability = Flag.OK, "", None if expected is None else 1.0
        if expected is not None and self._is_much(measure, count, expected):
            probability = min(1.0, tail_probability(count, mean=expected, variance=variance) * self._tests)
            flag = Flag.BREACH if probability <= options.breach_rate else Flag.WARN if probability <= options.warn_rate else Flag.OK
            whose = "expected of it at this hour" if known else "usual for a client at this hour; it was not seen before"
            reason = f"{count:,} {TITLES[measure]} against {expected:,.1f} {whose} (by chance in {probability:.2g} of such reports)"
        if measure in FAILURES:
            flag, reason = self._limited(measure, count, flag, reason)
        return ClientMeasure(measure, count, expected, probability, flag, reason if flag is not Flag.OK else "")

    def _is_much(self, measure: str, count: int, expected: float) -> bool:
        least = min(self._options.count_min, self._options.failures_warn) if measure in FAILURES else self._options.count_min
        return count >= least and count >= self._options.times_min * expected

    def _limited(self, measure: str, count: int, flag: Flag, reason: str) -> tuple[Flag, str]:
        """Failures have limits of their own, whatever is usual."""
        hours = max(self._hours, 1.0)
        for limit, name in ((self._options.failures_breach, Flag.BREACH), (self._options.failures_warn, Flag.WARN)):
            if count >= limit * hours and RANK[name] < RANK[flag]:
                return name, f"{count:,} {TITLES[measure]}, {limit:,} an hour are allowed"
        return flag, reason

    def _expectation(self, past: Sequence[int], usual: _Usual, known: bool) -> tuple[float | None, float]:
        """Mean and variance of what is expected; a mean of None where nothing is known."""
        if known and past:
            mean = max(sum(past), 0.5) / len(past)
            # The mean of a few days is itself uncertain, by as much as one of those days scatters.
            variance = (mean + _scatter(past, usual.scatter) * mean * mean) * (1 + 1 / len(past))
        elif usual.mean:
            mean, variance = usual.mean, max(usual.variance, usual.mean + usual.scatter * usual.mean**2)
        else:
            return None, 0.0
        return mean, variance


def _usual(pasts: Sequence[Sequence[int]]) -> _Usual:
    """What the past says of one measure of all clients of a kind; `pasts` has the days of each."""
    excess = squares = 0.0
    for past in pasts:
        mean = sum(past) / len(past) if past else 0.0
        if len(past) > 1 and mean >= 1:
            excess += sum((count - mean) ** 2 for count in past) / (len(past) - 1) - mean
            squares += mean * mean
    present = [count for past in pasts for count in past if count]
    scatter = max(SCATTER_MIN, excess / squares if squares else 1.0)
    if not present:
        return _Usual(scatter, None, 0.0)
    mean = sum(present) / len(present)
    return _Usual(scatter, mean, sum((count - mean) ** 2 for count in present) / max(1, len(present) - 1))


def _scatter(past: Sequence[int], pooled: float) -> float:
    """A client's own scatter where that is larger than that of all together."""
    mean = sum(past) / len(past)
    if len(past) < 2 or mean <= 0:
        return pooled
    variance = sum((count - mean) ** 2 for count in past) / (len(past) - 1)
    return max(pooled, (variance - mean) / (mean * mean))


def _count(signals: ClientSignals, measure: str) -> int:
    return sum(one.count for one in signals.measures if one.name == measure)
