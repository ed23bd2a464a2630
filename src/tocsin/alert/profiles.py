"""
Burn-rate alerts that objectives bring by themselves.

    profile    page                      ticket                    review      dashboard
    workbook   14.4 (1h, 5m) 6 (6h, 30m)  3 (1d, 2h) 1 (3d, 6h)
    ladder     14.4 (1h, 5m)              6 (6h, 30m)               3 (1d, 2h)  1 (3d, 6h)
    calm       14.4 (1h, 5m)              6 (6h, 30m)               1 (3d, 6h)
    none

These are the factors for 30 days, or a month. What is meant is a share of the budget: 2 % of it in an hour, 5 % in six, 10 % in a day, 10 %
in three. For a window of other length a factor is share * window / long: 13.44, 5.6, 2.8 for 28 days. It is never below 1, because a budget
that burns slower lasts; and pairs that are longer than the window, or that not even a total failure reaches (14.4 needs a target of at
least 93.06 %), are left out with a remark.

What an objective's files say wins over the profile: its own alerts, an OpenSLO alert policy (long window its lookback, short one a
twelfth of it), Sloth's alerts (the workbook's windows with their labels and annotations). All pairs of one severity are one rule, so that
an objective has one alert for each severity. A burn rate never takes a `for`.

What they do not see: a burn below the slowest factor, a failure that is the only one on little traffic (`bad_events_min`), and an objective
that no event reaches any more: an OpenSLO policy with alertWhenNoData gives a rule for that.

Source: Site Reliability Workbook, chapter 5; OpenSLO v1, AlertPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tocsin.alert.definition import AlertRule, BurnAbove, BurnPair, Comparison, Condition, EventsCompare, Promql, RuleGroup
from tocsin.errors import InvalidInput
from tocsin.model.alert import SEVERITY
from tocsin.model.spelling import did_you_mean
from tocsin.query.promql.parser import parse
from tocsin.slo.definition import (
    AlertPolicyReference,
    EventFreshness,
    EventRate,
    EventRatio,
    Objective,
    RollingWindow,
    SeriesRatio,
    SeriesThreshold,
    SeriesValue,
    StreamRatio,
    Window,
)
from tocsin.slo.files.quantities import SHORTHAND_S, in_percent
from tocsin.slo.words import duration_words, percent_words

FILE = "objectives"
ALERT = "SloBurn"
NO_DATA_ALERT = "SloNoData"
NO_DATA_S = 3600
SHORT_SHARE = 12  # a short window is a twelfth of the long one
HOUR_S = 3600
DAY_S = 86_400
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Step:
    """`severity` is told when `share` of a whole budget is spent within `long_s` seconds, and as fast still over `short_s`."""

    severity: str
    share: float
    long_s: int
    short_s: int

    def factor(self, window_s: float) -> float:
        """The burn rate that spends it: its share of the budget, in its share of the window; at least 1."""
        return max(1.0, round(self.share * window_s / self.long_s, 6))


@dataclass(frozen=True, slots=True)
class Profile:
    """
    Burn-rate alerts of objectives that say nothing themselves.

    Args:
        name: Names it in the configuration.
        text: What it is for, in one sentence.
        steps: From the fastest to the slowest.
    """

    name: str
    text: str
    steps: tuple[Step, ...]


def _steps(*severities: str) -> tuple[Step, ...]:
    windows = ((0.02, HOUR_S), (0.05, 6 * HOUR_S), (0.1, DAY_S), (0.1, 3 * DAY_S))
    return tuple(
        Step(severity, share, long_s, long_s // SHORT_SHARE)
        for severity, (share, long_s) in zip(severities, windows, strict=True)
        if severity
    )


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "workbook",
            "As the Site Reliability Workbook advises: two speeds page, two are tickets.",
            _steps("page", "page", "ticket", "ticket"),
        ),
        Profile(
            "ladder", "Only the fastest burn pages; each slower one is a step less urgent.", _steps("page", "ticket", "review", "dashboard")
        ),
        Profile(
            "calm",
            "For teams with few hands: one page, one ticket, one thing to look at in the week.",
            _steps("page", "ticket", "", "review"),
        ),
        Profile("none", "Objectives bring no alerts unless their files say so.", ()),
    )
}


@dataclass(slots=True)
class _Told:
    """What is told at one severity of one objective."""

    name: str = ALERT
    pairs: list[BurnPair] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    no_data: bool = False


def profile_named(name: str) -> Profile:
    """
    The profile of that name.

    Raises:
        InvalidInput: There is none.
    """
    if name not in PROFILES:
        raise InvalidInput(f"no burn-rate profile is called {name!r}{did_you_mean(name, PROFILES)}; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def burn_groups(
    objectives: Iterable[Objective], profile: Profile, *, bad_min: float, interval_s: float
) -> tuple[tuple[RuleGroup, ...], tuple[str, ...]]:
    """
    The rules of objectives, a group for each service, and what is probably not meant.

    Args:
        objectives: All that are in force.
        profile: For those that say nothing themselves.
        bad_min: Bad events that a long window must hold.
        interval_s: Between evaluations, seconds.
    """
    by_service: dict[str, list[AlertRule]] = {}
    remarks: list[str] = []
    for objective in objectives:
        told, found = _told(objective, profile)
        remarks += [f"{objective.place}: {remark}" if objective.place else remark for remark in found]
        for severity, one in told.items():
            by_service.setdefault(objective.service, []).extend(_rules(objective, severity, one, bad_min, remarks))
    groups = tuple(RuleGroup(service, FILE, tuple(rules), interval_s) for service, rules in by_service.items() if rules)
    return groups, tuple(remarks)


def _told(objective: Objective, profile: Profile) -> tuple[dict[str, _Told], list[str]]:
    """By severity, what is told of an objective, and remarks."""
    told: dict[str, _Told] = {}
    remarks: list[str] = []
    for condition in objective.conditions:
        told.setdefault(condition.severity, _Told()).pairs.append(BurnPair(condition.factor, condition.long_s, condition.short_s))
    for policy in objective.alert_policies:
        _add_policy(policy, objective, told, remarks)
    if not objective.conditions and not objective.alert_policies:
        for severity, pairs in _scaled(profile.steps, objective, remarks).items():
            told[severity] = _Told(pairs=pairs)
        if profile.steps:
            _remark_gaps(objective, told, remarks)
    for one in told.values():
        one.pairs = [pair for pair in dict.fromkeys(one.pairs) if _possible(objective, pair, remarks)]
    return told, remarks


def _scaled(steps: Iterable[Step], objective: Objective, remarks: list[str]) -> dict[str, list[BurnPair]]:
    """A profile's pairs by severity, for an objective's window."""
    window_s = _window_s(objective.window)
    found: dict[str, list[BurnPair]] = {}
    for step in steps:
        if step.long_s >= window_s:
            remarks.append(
                f"the window of {objective.key!r}, {duration_words(window_s)}, is no longer than the {duration_words(step.long_s)} of a "
                "burn-rate alert, which is left out"
            )
            continue
        pair = BurnPair(step.factor(window_s), step.long_s, step.short_s)
        if not any(known.factor <= pair.factor and known.long_s <= pair.long_s for known in found.get(step.severity, ())):
            found.setdefault(step.severity, []).append(pair)
    return found


def _window_s(window: Window) -> float:
    """How long a window is taken to be, seconds; a month is 30 days, so that its factors are the ones that everybody knows."""
    return float(window.duration_s if isinstance(window, RollingWindow) else window.count * SHORTHAND_S[window.unit])


def _add_policy(policy: AlertPolicyReference, objective: Objective, told: dict[str, _Told], remarks: list[str]) -> None:
    """An OpenSLO alert policy, or one of Sloth's alerts, which have no factor of their own."""
    one = told.setdefault(policy.severity or "ticket", _Told())
    one.no_data = one.no_data or policy.when_no_data
    one.labels |= policy.labels
    one.annotations |= policy.annotations
    if policy.targets:
        one.labels["notification_target"] = ",".join(policy.targets)
    if not policy.factor:
        one.name = policy.name or ALERT
        steps = [step for step in PROFILES["workbook"].steps if step.severity == policy.severity]
        one.pairs += _scaled(steps, objective, remarks).get(policy.severity, [])
    elif policy.when_breaching and policy.lookback_s:
        long_s = max(MINUTE_S, policy.lookback_s // MINUTE_S * MINUTE_S)
        one.pairs.append(BurnPair(policy.factor, long_s, max(MINUTE_S, long_s // SHORT_SHARE // MINUTE_S * MINUTE_S)))
        if policy.alert_after_s:
            remarks.append(
                f"the alert policy {policy.name!r} of {objective.key!r} says alertAfter: {duration_words(policy.alert_after_s)}, which is "
                "not followed: while a burn rate waits, a total failure spends the budget; a short window of a twelfth stands for it"
            )


def _possible(objective: Objective, pair: BurnPair, remarks: list[str]) -> bool:
    if pair.factor * objective.allowed_ratio < 1:
        return True
    remarks.append(
        f"{objective.key!r} can never burn faster than 1 / (1 - {objective.target}) = {1 / objective.allowed_ratio:.4g}, so the alert "
        f"above {pair.factor:.4g} over {duration_words(pair.long_s)} is left out; choose factors of its own for so low a target"
    )
    return False


def _remark_gaps(objective: Objective, told: Mapping[str, _Told], remarks: list[str]) -> None:
    """Say what a profile leaves unseen of an objective."""
    pairs = [pair for one in told.values() for pair in one.pairs if pair.factor * objective.allowed_ratio < 1]
    slowest = min((pair.factor for pair in pairs), default=0.0)
    if not pairs:
        remarks.append(f"no burn-rate alert of the profile fits {objective.key!r}: nobody is told while its budget burns")
    elif slowest > 1:
        lasts = duration_words(_window_s(objective.window) / slowest)
        remarks.append(
            f"a steady burn of {objective.key!r} of up to {slowest:.4g}x is told to nobody, although it spends the budget in {lasts}"
        )


def _rules(objective: Objective, severity: str, told: _Told, bad_min: float, remarks: list[str]) -> list[AlertRule]:
    rules = []
    if told.pairs:
        first, *more = sorted(told.pairs, key=lambda pair: -pair.factor)
        condition = BurnAbove(objective.key, first.factor, first.long_s, first.short_s, bad_min, tuple(more))
        rules.append(_rule(objective, severity, told, told.name, condition, _burn_texts(objective, condition)))
    if told.no_data:
        silence = _silence(objective)
        if silence is None:
            remarks.append(
                f"whether {objective.key!r} still observes anything can't be asked: each of its minutes counts, with events or without"
            )
        else:
            rules.append(_rule(objective, severity, told, NO_DATA_ALERT, silence, _silence_texts(objective)))
    return rules


def _rule(objective: Objective, severity: str, told: _Told, name: str, condition: Condition, texts: Mapping[str, str]) -> AlertRule:
    own = {name: value for name, value in objective.labels.items() if value and "{{" not in value}
    told_by = {"owner": objective.owner} if objective.owner else {}
    about = {"objective": objective.key, "slo": objective.slo, "service": objective.service}
    runbook = {"runbook_url": objective.runbook} if objective.runbook else {}
    return AlertRule(
        name,
        condition,
        labels={**own, **told_by, **told.labels, **about, SEVERITY: told.labels.get(SEVERITY, severity)},
        annotations={**texts, **runbook, **told.annotations},
        symptom=True,
        owner=objective.owner or told.labels.get("owner", told.labels.get("team", "")),
        runbook=objective.runbook or told.annotations.get("runbook_url", told.annotations.get("runbook", "")),
        service=objective.service,
        place=objective.place,
    )


def _burn_texts(objective: Objective, condition: BurnAbove) -> dict[str, str]:
    """Summary and description: how fast, what is promised, and from when on it is told."""
    window_s = _window_s(objective.window)
    above = [
        f"{pair.factor:.4g}x over {duration_words(pair.long_s)} and {duration_words(pair.short_s)} "
        f"({percent_words(pair.factor * pair.long_s / window_s)} of the budget in {duration_words(pair.long_s)})"
        for pair in condition.pairs
    ]
    full = duration_words(window_s * objective.allowed_ratio)
    promise = f"{in_percent(objective.target)} over {duration_words(window_s)}"
    title = (objective.title or objective.description or objective.key).strip().removesuffix(".").replace("{{", "{ {")
    return {
        "summary": f'{objective.service}: the error budget of {objective.key} burns {{{{ printf "%.1f" $value }}}} times as fast as it may',
        "description": f"{title}: {promise} is promised, so the budget is {full} of total failure. Told above {', or '.join(above)}.",
    }


def _silence_texts(objective: Objective) -> dict[str, str]:
    lasted = duration_words(NO_DATA_S)
    return {
        "summary": f"{objective.service}: nothing was observed of {objective.key} for {lasted}",
        "description": "Without events nobody knows whether the objective holds: is there no traffic, or does its telemetry not arrive?",
    }


def _silence(objective: Objective) -> Condition | None:
    """That nothing is observed of an objective; None where absence counts as bad, or can't be asked."""
    match objective.indicator:
        case EventRatio(total=events) | StreamRatio(total=events):
            return EventsCompare(events.signal.value, events.query, NO_DATA_S, Comparison.BELOW, 1.0, events.predicate)
        case SeriesRatio(total=query) | SeriesValue(query=query) | SeriesThreshold(query=query):
            return _absent(query)
        case EventRate() | EventFreshness():
            return None


def _absent(query: str) -> Condition | None:
    text = f"absent_over_time(({query})[{NO_DATA_S}s:1m])"
    try:
        return Promql(text, parse(text))
    except InvalidInput:
        return None
