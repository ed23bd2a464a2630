"""
From figures to signals: what a value is held against, how it stands, and why in words.

A limit is what somebody decided; a baseline is what is usual. Whichever is further exceeded gives the flag and the reason. Without data
there is no verdict, except that traffic which is usual and absent is a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tocsin.model.signals import Baseline, Flag, Limits, Signal, Unit
from tocsin.query.signals.options import SignalsOptions, ThresholdOptions
from tocsin.query.signals.words import show, show_count, show_multiple, show_usual

NO_REQUESTS = "no requests were observed"
TRIMMED_FROM = 5  # days with data from which on the most extreme one on either side is left out of the band


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a value stands against something, and why."""

    flag: Flag
    reason: str


def baseline_of(values: Sequence[float], days_asked: int) -> Baseline | None:
    """What is usual, out of the values of past days that had any; None when none was looked at."""
    if days_asked == 0:
        return None
    ranked = sorted(values)
    if not ranked:
        return Baseline(None, None, None, 0, days_asked)
    inner = ranked[1:-1] if len(ranked) >= TRIMMED_FROM else ranked
    return Baseline(median(ranked), inner[0], inner[-1], len(ranked), days_asked)


def against_limits(subject: str, value: float, unit: Unit, limits: Limits, *, where: str = "") -> Verdict:
    """`p95 5,000 ms is above 1,000 ms`."""
    for flag, limit in ((Flag.BREACH, limits.breach), (Flag.WARN, limits.warn)):
        if limit is not None and value > limit:
            shown, bound = show(value, unit), show(limit, unit)
            return Verdict(flag, f"{subject} {shown} is {'just ' if shown == bound else ''}above {bound}{where}")
    lowest = limits.warn if limits.warn is not None else limits.breach
    if lowest is None:
        return Verdict(Flag.OK, f"{subject} {show(value, unit)}, no limit is set{where}")
    return Verdict(Flag.OK, f"{subject} {show(value, unit)} is not above {show(lowest, unit)}{where}")


def against_baseline(subject: str, value: float, unit: Unit, baseline: Baseline, limits: Limits) -> Verdict:
    """`p95 480 ms is twice the baseline of 240 ms at this hour`; only what leaves the band is flagged."""
    if not baseline.median or baseline.high is None or value <= baseline.high:
        return Verdict(Flag.OK, "")
    multiple = value / baseline.median
    flag = _flag(multiple, limits)
    usual = f"{show_multiple(multiple)} the baseline of {show(baseline.median, unit)} at this hour"
    return Verdict(flag, f"{subject} {show(value, unit)} is {usual}")


@dataclass(frozen=True, slots=True)
class Judge:
    """
    Judges the signals of one service, of one endpoint, or of the whole.

    Args:
        options: Who is judged at all.
        thresholds: What they are held against.
        requests: Observed in the window.
        usual_requests: What the window usually has, by the median of past days; None when nobody knows.
    """

    options: SignalsOptions
    thresholds: ThresholdOptions
    requests: int
    usual_requests: float | None

    def latency(self, name: str, value: float | None, limits: Limits, baseline: Baseline | None) -> Signal:
        """A percentile in milliseconds; `name` is `p95`."""
        unit, title = Unit.MILLISECONDS, f"latency {name}"
        if value is None:
            return signal(f"latency_{name}", title, None, unit, limits, baseline, Verdict(Flag.NO_DATA, NO_REQUESTS))
        verdict = against_limits(name, value, unit, limits)
        if baseline is not None and self._can_compare(baseline):
            verdict = worse(verdict, against_baseline(name, value, unit, baseline, self.thresholds.latency_baseline.limits()))
        if verdict.flag is Flag.OK:
            verdict = Verdict(Flag.OK, verdict.reason + show_usual(baseline, unit))
        return signal(f"latency_{name}", title, value, unit, limits, baseline, self._enough(verdict))

    def errors(self, ratio: float | None, baseline: Baseline | None, what: str) -> Signal:
        """The share of requests that went wrong; `what` says how, for the reason."""
        unit, limits = Unit.RATIO, self.thresholds.error_ratio.limits()
        if ratio is None:
            return signal("error_rate", "error rate", None, unit, limits, baseline, Verdict(Flag.NO_DATA, NO_REQUESTS))
        verdict = against_limits("error rate", ratio, unit, limits)
        verdict = Verdict(verdict.flag, f"{verdict.reason}{f' ({what})' if what and ratio else ''}")
        return signal("error_rate", "error rate", ratio, unit, limits, baseline, self._enough(verdict))

    def traffic(self, per_s: float | None, baseline: Baseline | None) -> Signal:
        """Requests per second; None when none was observed, which says something only where some are usual."""
        unit, limits = Unit.PER_SECOND, self.thresholds.traffic_per_s.limits()
        comparable = baseline is not None and self._can_compare(baseline)
        if per_s is None:
            verdict = Verdict(Flag.NO_DATA, NO_REQUESTS + show_usual(baseline, unit))
            if comparable and (flag := _flag(1.0, self.thresholds.traffic_drop.limits())) is not Flag.OK:
                verdict = Verdict(flag, verdict.reason)
            return signal("traffic", "traffic", None, unit, limits, baseline, verdict)
        verdict = against_limits("traffic", per_s, unit, limits) if limits != Limits() else Verdict(Flag.OK, f"traffic {show(per_s, unit)}")
        if comparable:
            assert baseline is not None
            verdict = worse(verdict, self._drop(per_s, baseline))
            verdict = worse(verdict, against_baseline("traffic", per_s, unit, baseline, self.thresholds.traffic_rise.limits()))
        if verdict.flag is Flag.OK:
            verdict = Verdict(Flag.OK, verdict.reason + show_usual(baseline, unit))
        return signal("traffic", "traffic", per_s, unit, limits, baseline, verdict)

    def _drop(self, per_s: float, baseline: Baseline) -> Verdict:
        if not baseline.median or baseline.low is None or per_s >= baseline.low:
            return Verdict(Flag.OK, "")
        missing = 1 - per_s / baseline.median
        usual = show(baseline.median, Unit.PER_SECOND)
        reason = f"traffic {show(per_s, Unit.PER_SECOND)} is {missing * 100:.0f} % below the {usual} that is usual at this hour"
        return Verdict(_flag(missing, self.thresholds.traffic_drop.limits()), reason)

    def _can_compare(self, baseline: Baseline) -> bool:
        few = self.usual_requests is None or self.usual_requests < self.options.baseline_requests_min
        return baseline.days >= self.options.baseline_days_min and not few

    def _enough(self, verdict: Verdict) -> Verdict:
        if self.requests >= self.options.requests_min:
            return verdict
        return Verdict(
            Flag.NO_DATA, f"only {show_count(self.requests, 'request')}, fewer than the {self.options.requests_min} that a verdict needs"
        )


def level(name: str, title: str, value: float | None, unit: Unit, limits: Limits, *, where: str = "", absent: str = "") -> Signal:
    """A signal that has limits alone, such as saturation; `where` ends its reason, `absent` is the reason when it has no value."""
    verdict = Verdict(Flag.NO_DATA, absent) if value is None else against_limits(title, value, unit, limits, where=where)
    return signal(name, title, value, unit, limits, None, verdict)


def signal(name: str, title: str, value: float | None, unit: Unit, limits: Limits, baseline: Baseline | None, verdict: Verdict) -> Signal:
    """A signal with its value in words."""
    return Signal(name, title, value, unit, show(value, unit), limits, baseline, verdict.flag, verdict.reason)


def worse(first: Verdict, second: Verdict) -> Verdict:
    """The one with the worse flag; the first of equals."""
    order = (Flag.NO_DATA, Flag.OK, Flag.WARN, Flag.BREACH)
    return second if order.index(second.flag) > order.index(first.flag) else first


def _flag(value: float, limits: Limits) -> Flag:
    """A multiple or a share reaches a limit: twice is warned of by a limit of 2."""
    if limits.breach is not None and value >= limits.breach:
        return Flag.BREACH
    return Flag.WARN if limits.warn is not None and value >= limits.warn else Flag.OK
