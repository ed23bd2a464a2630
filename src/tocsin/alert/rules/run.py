"""
A group of rules from one evaluation to the next.

    run = GroupRun(group, evaluators, texts=Texts(render), recent=recent, clock=clock)
    outcome = run.step(at)       alerts to hand on, samples to store, what must survive a restart

Rules are evaluated in order, and what one writes is seen by those behind it in the same step (through `recent`, which lies over the source
of the evaluators). A rule that fails leaves its alerts and series as they were. Nothing here reads or writes but the evaluators, so a
replay steps through the past with the same code.

Source: Prometheus documentation, 'Recording rules' and 'Alerting rules'; prometheus/compliance, alert generator specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from tocsin.alert.definition import AlertRule, Promql, RecordingRule, Rule, RuleGroup
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.identity import Identity, identities
from tocsin.alert.rules.machine import Texts, advance, before_instant, check_limit, cleared, findings, is_due, resolved
from tocsin.alert.rules.outcome import Changes, GroupOutcome, GroupStatus, Health, RuleStatus
from tocsin.alert.rules.restoring import Tolerance, restored
from tocsin.alert.rules.samples import NANOSECONDS_PER_MS, alert_samples, recorded_samples, stale_samples
from tocsin.clock import Clock
from tocsin.errors import LimitExceeded, TocsinError
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.rule_alert import AlertPhase, KeptGroup, KeptRuleAlert, RuleAlert
from tocsin.query.promql.parser import parse
from tocsin.query.series.recent import RecentSeries, SeriesSample

RESEND_S = 60.0
NOTHING = "vector(0) > 0"


@dataclass(slots=True)
class _RuleRun:
    """One rule, its alerts, and the series that it made last, with whether they are histograms."""

    rule: Rule
    identity: Identity
    url: str
    alerts: dict[Labels, RuleAlert] = field(default_factory=dict)
    series: dict[Labels, bool] = field(default_factory=dict)
    health: Health = Health.UNKNOWN
    error: str = ""
    evaluated_at: Instant | None = None
    duration_s: float = 0.0

    def status(self) -> RuleStatus:
        """As others may look at it."""
        active = tuple(alert for alert in self.alerts.values() if alert.phase is not AlertPhase.INACTIVE)
        active = tuple(sorted(active, key=lambda alert: alert.active_at)) if len(active) > 1 else active
        return RuleStatus(self.rule, self.health, self.error, self.evaluated_at, self.duration_s, active)


class GroupRun:
    """
    One group. One thread at a time.

    Args:
        group: The group.
        evaluators: Answer its conditions.
        texts: Fill its texts in.
        recent: Gets every sample as soon as it is made; None where no rule looks at another's series.
        clock: For durations alone.
        resend_s: After how many seconds an alert is handed on again.
    """

    def __init__(
        self,
        group: RuleGroup,
        evaluators: Evaluators,
        *,
        texts: Texts,
        clock: Clock,
        recent: RecentSeries | None = None,
        resend_s: float = RESEND_S,
    ) -> None:
        self.group = group
        self._evaluators = evaluators
        self._texts = texts
        self._recent = recent
        self._clock = clock
        self._resend_ns = round(resend_s * NANOSECONDS)
        self._rules = [
            _RuleRun(rule, identity, _url(rule, texts.external_url)) for rule, identity in zip(group.rules, identities(group), strict=True)
        ]
        self._leaving: list[_RuleRun] = []  # rules that are no more; their alerts are told to have ended
        self._written: dict[tuple[str, Labels], tuple[object, ...]] = {}
        self._last_at: Instant | None = None
        self._duration_s = 0.0

    def step(self, at: Instant) -> GroupOutcome:
        """Evaluate every rule once, as of `at` (less the group's offset)."""
        begun_s = self._clock.monotonic_s()
        if self._last_at is not None and at < self._last_at:
            for run in self._rules:
                run.alerts = {labels: before_instant(alert, at) for labels, alert in run.alerts.items()}
        self._last_at = at
        data_at = at - round(self.group.offset_s * NANOSECONDS)
        samples, alerts = self._leave(at, data_at // NANOSECONDS_PER_MS)
        self._publish(samples)
        with self._evaluators.prepared([run.rule.condition for run in self._rules], data_at):
            for run in self._rules:
                made = self._evaluate(run, at, data_at)
                self._publish(made)
                samples += made
                alerts += self._due(run, at)
        pending = tuple(
            self._alert(run, alert, at) for run in self._rules for alert in run.alerts.values() if alert.phase is AlertPhase.PENDING
        )
        self._duration_s = self._clock.monotonic_s() - begun_s
        statuses = tuple(run.status() for run in self._rules)
        return GroupOutcome(at, tuple(alerts), pending, samples, statuses, self._changes(), self._duration_s)

    def restore(self, kept: KeptGroup, at: Instant, tolerance: Tolerance) -> tuple[Alert, ...]:
        """
        Go on where a former process was.

        Args:
            kept: What is kept of this group.
            at: Now.
            tolerance: For pending alerts.

        Returns:
            Alerts to hand on at once: those that fire, and those that ended a moment ago.
        """
        by_content = {run.identity.content: run for run in self._rules}
        same = by_content.keys() & {one.content for one in kept.alerts}
        by_family = {run.identity.family: run for run in self._rules if run.identity.content not in same}
        departed: dict[str, _RuleRun] = {}
        for one in kept.alerts:
            self._written[one.content, one.alert.labels] = one.alert.lasting
            run = by_content.get(one.content) or by_family.get(one.family)
            run = run or departed.setdefault(one.content, _departed(one))
            assert isinstance(run.rule, AlertRule)
            alert = restored(run.rule, before_instant(one.alert, at), down_at=min(kept.evaluated_at, at), at=at, tolerance=tolerance)
            if alert is not None:
                run.alerts[alert.labels] = alert
        self._leaving += departed.values()
        return tuple(alert for run in self._rules for alert in self._due(run, at))

    def take_over(self, before: GroupRun) -> None:
        """Go on with the alerts and series of an earlier edition of the same group; what missing rules left is ended at the next step."""
        self._written = before._written
        self._last_at = before._last_at
        self._duration_s = before._duration_s
        left = list(before._rules)
        new = list(self._rules)
        for name in ("content", "family"):
            known = {getattr(run.identity, name): run for run in left}
            for run in list(new):
                old = known.pop(getattr(run.identity, name), None)
                if old is not None:
                    run.alerts, run.series, run.health, run.error = old.alerts, old.series, old.health, old.error
                    run.evaluated_at, run.duration_s = old.evaluated_at, old.duration_s
                    new.remove(run)
                    left.remove(old)
        self._leaving = [*before._leaving, *left]

    def not_taken(self, alerts: Iterable[Alert]) -> None:
        """These alerts could not be handed on: they are due again at the next step."""
        labels = {alert.labels for alert in alerts}
        for run in (*self._rules, *self._leaving):
            for key in labels & run.alerts.keys():
                run.alerts[key] = replace(run.alerts[key], sent_at=None)

    def written(self, changes: Changes) -> None:
        """What an outcome wants to be kept is kept."""
        for key in changes.gone:
            self._written.pop(key, None)
        for one in changes.kept:
            self._written[one.content, one.alert.labels] = one.alert.lasting

    def status(self) -> GroupStatus:
        """How the group stands."""
        return GroupStatus(self.group, self._last_at, self._duration_s, tuple(run.status() for run in self._rules))

    @property
    def waiting(self) -> bool:
        """Whether an alert is pending."""
        return any(alert.phase is AlertPhase.PENDING for run in self._rules for alert in run.alerts.values())

    @property
    def left(self) -> bool:
        """Whether rules that are no more have alerts that somebody was not told the end of yet."""
        return bool(self._leaving)

    def _evaluate(self, run: _RuleRun, at: Instant, data_at: Instant) -> list[SeriesSample]:
        """One rule; what it writes. A failure leaves everything as it was."""
        begun_s = self._clock.monotonic_s()
        at_ms = data_at // NANOSECONDS_PER_MS
        try:
            if isinstance(run.rule, RecordingRule):
                samples = recorded_samples(run.rule, self._evaluators.answer(run.rule.condition, data_at), at_ms, limit=self.group.limit)
            else:
                samples = self._advance(run, run.rule, at, data_at)
        except TocsinError as error:
            run.health, run.error = Health.ERROR, str(error)
            return []
        else:
            run.health, run.error = Health.OK, ""
        finally:
            run.evaluated_at, run.duration_s = at, self._clock.monotonic_s() - begun_s
        series = {sample.labels: isinstance(sample.value, NativeHistogram) for sample in samples}
        samples += stale_samples(run.series, series, at_ms)
        run.series = series
        return samples

    def _advance(self, run: _RuleRun, rule: AlertRule, at: Instant, data_at: Instant) -> list[SeriesSample]:
        found = findings(rule, self._evaluators.at(rule.condition, data_at), self._texts, data_at)
        after = advance(rule, run.alerts, found, at)
        try:
            check_limit(after, self.group.limit)
        except LimitExceeded:
            run.alerts = cleared(run.alerts, at)
            raise
        run.alerts = after
        return list(alert_samples(after, data_at // NANOSECONDS_PER_MS))

    def _due(self, run: _RuleRun, at: Instant) -> list[Alert]:
        """A rule's alerts that are handed on now; of one that could not be evaluated only those that this ended."""
        failed = run.health is Health.ERROR
        due = [
            alert
            for alert in run.alerts.values()
            if is_due(alert, at, self._resend_ns) and not (failed and alert.phase is AlertPhase.FIRING and alert.sent_at is not None)
        ]
        for alert in due:
            run.alerts[alert.labels] = replace(alert, sent_at=at)
        return [self._alert(run, alert, at) for alert in due]

    def _leave(self, at: Instant, at_ms: int) -> tuple[list[SeriesSample], list[Alert]]:
        """End what rules that are no more have left; those whose end was handed on last time are forgotten."""
        samples: list[SeriesSample] = []
        alerts: list[Alert] = []
        staying = []
        for run in self._leaving:
            samples += stale_samples(run.series, {}, at_ms)
            run.series = {}
            ended = [resolved(one, at) if one.phase is AlertPhase.FIRING else one for one in run.alerts.values()]
            told = [one for one in ended if one.phase is AlertPhase.INACTIVE and (one.sent_at is None or one.resolved_at == at)]
            run.alerts = {one.labels: one for one in told}
            if run.alerts:
                alerts += [self._alert(run, one, at) for one in run.alerts.values()]
                run.alerts = {labels: replace(one, sent_at=at) for labels, one in run.alerts.items()}
                staying.append(run)
        self._leaving = staying
        return samples, alerts

    def _publish(self, samples: Sequence[SeriesSample]) -> None:
        if self._recent is not None:
            self._recent.add(samples)

    def _alert(self, run: _RuleRun, alert: RuleAlert, at: Instant) -> Alert:
        return Alert(
            labels=alert.labels,
            annotations=alert.annotations,
            starts_at=alert.active_at if alert.fired_at is None else alert.fired_at,
            ends_at=alert.resolved_at,
            updated_at=at,
            generator_url=run.url,
            value=alert.value,
            source="rule",
            rule=f"{self.group.name}/{run.rule.name}",
        )

    def _changes(self) -> Changes:
        now = {
            (run.identity.content, labels): (run, alert) for run in (*self._rules, *self._leaving) for labels, alert in run.alerts.items()
        }
        kept = tuple(
            KeptRuleAlert(self.group.key, run.rule.name, run.identity.family, run.identity.content, alert)
            for key, (run, alert) in now.items()
            if self._written.get(key) != alert.lasting
        )
        return Changes(kept, tuple(key for key in self._written if key not in now))


def _url(rule: Rule, external_url: str) -> str:
    """Where one sees what made an alert, as Prometheus writes it."""
    if not isinstance(rule.condition, Promql):
        return external_url
    return f"{external_url.rstrip('/')}/graph?g0.expr={quote(rule.condition.text, safe='')}&g0.tab=1"


def _departed(kept: KeptRuleAlert) -> _RuleRun:
    """A rule that was in the files when the process was last up; nobody asks its condition any more."""
    rule = AlertRule(kept.rule, Promql(NOTHING, parse(NOTHING)))
    return _RuleRun(rule, Identity(kept.family, kept.content), "")
