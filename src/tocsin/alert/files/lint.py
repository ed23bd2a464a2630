"""
What `tocsin rules lint` finds: rules that would wake somebody for nothing, tell nobody, or never fire.

    error    page_on_cause      rules.yaml:12: HighCpu pages, but rests on a cause: node_cpu_seconds_total says how a machine is doing; ...

A page must rest on what users notice, name an owner and a runbook. Findings never keep rules from being evaluated: what is wrong with a
file is a mistake, this is about what it says.

Source: Site Reliability Engineering, chapter 6, 'Symptoms Versus Causes'; Site Reliability Workbook, chapter 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tocsin.alert.definition import (
    AlertRule,
    AtLeast,
    BurnAbove,
    Comparison,
    Condition,
    EventsCompare,
    NewPattern,
    Promql,
    RecordingRule,
    Rule,
    RuleGroup,
    SignalBreach,
)
from tocsin.alert.files.conditions import impossible_burn
from tocsin.alert.files.symptoms import Basis, Metrics, metrics_known, verdict_on
from tocsin.model.alert import SEVERITY
from tocsin.model.labels import Labels
from tocsin.model.severity import LEVELS, SeverityLevel, level_of
from tocsin.model.spelling import did_you_mean
from tocsin.query.promql.checks import walk
from tocsin.query.promql.syntax import DurationLiteral, MatrixSelector
from tocsin.slo.definition import Objective
from tocsin.slo.words import duration_words

MS_PER_S = 1000


class Level(Enum):
    """How bad a finding is: an error fails `tocsin rules lint`."""

    ERROR = "error"
    WARNING = "warning"


class Code(Enum):
    """What was found; the value is its stable name."""

    NO_SEVERITY = "no_severity"
    UNKNOWN_SEVERITY = "unknown_severity"
    PAGE_ON_CAUSE = "page_on_cause"
    PAGE_UNPROVEN = "page_unproven"
    SYMPTOM_DOUBTED = "symptom_doubted"
    PAGE_WITHOUT_RUNBOOK = "page_without_runbook"
    PAGE_WITHOUT_OWNER = "page_without_owner"
    PAGE_WITHOUT_SUMMARY = "page_without_summary"
    FOR_ON_BURN_RATE = "for_on_burn_rate"
    NEVER_FIRES = "never_fires"
    ALWAYS_FIRES = "always_fires"
    WINDOW_BELOW_INTERVAL = "window_below_interval"
    FOR_BELOW_INTERVAL = "for_below_interval"
    REPEATED = "repeated"
    UNFIT_WINDOWS = "unfit_windows"  # what objectives' profiles remark


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is probably wrong.

    Args:
        code: What, by a stable name.
        level: How bad.
        rule: Name of the rule; empty when it is about more than one.
        group: Name of its group.
        place: File and line.
        message: A sentence that says what to do.
    """

    code: Code
    level: Level
    rule: str
    group: str
    place: str
    message: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message} [{self.code.value}]"


Found = Iterator[tuple[Code, Level, str]]


def lint(groups: Sequence[RuleGroup], objectives: Mapping[str, Objective]) -> tuple[Finding, ...]:
    """All findings about rules, in the order of the groups; errors before warnings of a rule."""
    metrics = metrics_known(objectives.values(), recordings(groups))
    found = []
    for group in groups:
        for rule in group.rules:
            said = sorted(_about(rule, group, objectives, metrics), key=lambda one: one[1] is Level.WARNING)
            found += [Finding(code, level, rule.name, group.name, rule.place, f"{_named(rule)} {text}") for code, level, text in said]
    return (*found, *_repeated(groups))


def _named(rule: Rule) -> str:
    """`SloBurn of 'checkout'`: rules of objectives all have one name."""
    return f"{rule.name} of {rule.condition.objective!r}" if isinstance(rule.condition, BurnAbove) else rule.name


def recordings(groups: Iterable[RuleGroup]) -> list[RecordingRule]:
    """All recording rules."""
    return [rule for group in groups for rule in group.rules if isinstance(rule, RecordingRule)]


def _about(rule: Rule, group: RuleGroup, objectives: Mapping[str, Objective], metrics: Metrics) -> Found:
    if isinstance(rule, AlertRule):
        word = rule.labels.get(SEVERITY, "")
        level = level_of(word)
        yield from _severity(word, level)
        if level is not None and level.pages:
            yield from _page(rule, level, metrics)
        yield from _never(rule.condition, objectives)
        if rule.for_s > 0 and isinstance(rule.condition, BurnAbove):
            yield (
                Code.FOR_ON_BURN_RATE,
                Level.ERROR,
                "has a burn rate with 'for': while it waits, a total failure spends the budget; leave 'for' out, the short window ends it",
            )
        if 0 < rule.for_s < group.interval_s:
            waits, every = duration_words(rule.for_s), duration_words(group.interval_s)
            yield Code.FOR_BELOW_INTERVAL, Level.WARNING, f"waits {waits}, but is evaluated every {every}, so it waits that long"
    shortest = min(_windows_s(rule.condition), default=None)
    if shortest is not None and shortest < group.interval_s:
        looks, every = duration_words(shortest), duration_words(group.interval_s)
        message = (
            f"looks back {looks}, but is evaluated every {every}: what happens between is never seen; widen it, or evaluate more often"
        )
        yield Code.WINDOW_BELOW_INTERVAL, Level.WARNING, message


def _severity(word: str, level: SeverityLevel | None) -> Found:
    known = ", ".join(one.words[0] for one in LEVELS)
    if not word:
        yield Code.NO_SEVERITY, Level.ERROR, f"has no label 'severity', so nobody can say whom to tell; write one of {known}"
    elif level is None and "{{" not in word:
        near = did_you_mean(word, [each for one in LEVELS for each in one.words])
        yield Code.UNKNOWN_SEVERITY, Level.ERROR, f"has the severity {word!r}, which means nothing here{near or f'; write one of {known}'}"


def _page(rule: AlertRule, level: SeverityLevel, metrics: Metrics) -> Found:
    verdict = verdict_on(rule.condition, metrics)
    if rule.symptom is False:
        yield Code.PAGE_ON_CAUSE, Level.ERROR, "pages, but says itself that it is no symptom; make it a ticket"
    elif verdict.basis is Basis.CAUSE and rule.symptom:
        message = f"says that it is a symptom, yet {verdict.reason}; is it really what users notice?"
        yield Code.SYMPTOM_DOUBTED, Level.WARNING, message
    elif verdict.basis is Basis.CAUSE:
        message = f"pages, but rests on a cause: {verdict.reason}; make it a ticket, and page on the objective or signal that users notice"
        yield Code.PAGE_ON_CAUSE, Level.ERROR, message
    elif verdict.basis is Basis.UNKNOWN and not rule.symptom:
        message = (
            f"pages, but {verdict.reason}; page on an objective or a golden signal, make it a ticket, or, if users do notice, say so with "
            "symptom: true (in Prometheus' files as an annotation)"
        )
        yield Code.PAGE_UNPROVEN, Level.ERROR, message
    where = "in the objective, or a Supplement to it" if isinstance(rule.condition, BurnAbove) else "in the rule"
    if not rule.runbook:
        message = f"pages without a runbook: whoever is woken must find what to do; name one {where} (runbook, or annotation runbook_url)"
        yield Code.PAGE_WITHOUT_RUNBOOK, Level.ERROR, message
    if not rule.owner:
        yield Code.PAGE_WITHOUT_OWNER, Level.ERROR, f"pages without an owner: name a team {where} (owner, or label owner or team)"
    if not rule.annotations.get("summary"):
        text = f"pages ({level.text}) without a summary: the first line that a person at night reads; write annotation summary"
        yield Code.PAGE_WITHOUT_SUMMARY, Level.WARNING, text


def _never(condition: Condition, objectives: Mapping[str, Objective]) -> Found:
    """Thresholds that can't be reached, or that hold always."""
    match condition:
        case BurnAbove(objective=key) if key in objectives:
            for pair in condition.pairs:
                if pair.factor * objectives[key].allowed_ratio >= 1:
                    yield Code.NEVER_FIRES, Level.ERROR, f"can never fire: {impossible_burn(objectives[key], pair.factor)}"
        case EventsCompare(of_query=of, comparison=comparison, threshold=threshold):
            yield from _outside(comparison, threshold, 1.0 if of else None)
        case SignalBreach(signal=signal, comparison=comparison, threshold=threshold) if threshold is not None:
            yield from _outside(comparison, threshold, 1.0 if signal == "errors" else None)
        case AtLeast(conditions=conditions):
            for _, inner in conditions:
                yield from _never(inner, objectives)


def _outside(comparison: Comparison, threshold: float, most: float | None) -> Found:
    """A figure lies between 0 and `most`."""
    never: Mapping[Comparison, Callable[[float], bool]] = {
        Comparison.ABOVE: lambda limit: most is not None and limit >= most,
        Comparison.AT_LEAST: lambda limit: most is not None and limit > most,
        Comparison.BELOW: lambda limit: limit <= 0,
        Comparison.AT_MOST: lambda limit: limit < 0,
    }
    always: Mapping[Comparison, Callable[[float], bool]] = {
        Comparison.ABOVE: lambda limit: limit < 0,
        Comparison.AT_LEAST: lambda limit: limit <= 0,
        Comparison.BELOW: lambda limit: most is not None and limit > most,
        Comparison.AT_MOST: lambda limit: most is not None and limit >= most,
    }
    shown = f"a figure {comparison.value} {threshold:g}"
    if never[comparison](threshold):
        bounds = "is never below 0" if most is None else f"lies between 0 and {most:g}"
        yield Code.NEVER_FIRES, Level.ERROR, f"can never fire: there is never {shown}, because it {bounds}"
    elif always[comparison](threshold):
        yield Code.ALWAYS_FIRES, Level.ERROR, f"always fires: there is always {shown}"


def _windows_s(condition: Condition) -> Iterator[float]:
    match condition:
        case BurnAbove():
            yield from (pair.short_s for pair in condition.pairs)
        case EventsCompare(window_s=window_s) | NewPattern(window_s=window_s) | SignalBreach(window_s=window_s):
            yield window_s
        case AtLeast(conditions=conditions):
            for _, inner in conditions:
                yield from _windows_s(inner)
        case Promql(expression=expression):
            for node in walk(expression):
                if isinstance(node, MatrixSelector) and isinstance(node.range, DurationLiteral):
                    yield node.range.ms / MS_PER_S


def _repeated(groups: Sequence[RuleGroup]) -> Iterator[Finding]:
    """Rules that make the same series or alert: what one says the other denies."""
    first: dict[tuple[type[Rule], str, Labels, str], tuple[RuleGroup, Rule]] = {}
    for group in groups:
        for rule in group.rules:
            objective = rule.condition.objective if isinstance(rule.condition, BurnAbove) else ""
            key = (type(rule), rule.name, Labels(rule.labels), objective)
            known = first.setdefault(key, (group, rule))
            if known[1] is not rule:
                made = "alert" if isinstance(rule, AlertRule) else "series"
                other = known[1].place or f"group {known[0].name!r}"
                message = f"{rule.name} makes the same {made} as the rule in {other}; give one of them another name or label"
                yield Finding(Code.REPEATED, Level.ERROR, rule.name, group.name, rule.place, message)
