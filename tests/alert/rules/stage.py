"""A stage for stories about rules: series in memory, a clock that is set by hand, and what is handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import AlertRule, Promql, RecordingRule, Rule, RuleGroup
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.outcome import GroupOutcome
from tocsin.alert.rules.rendering import TextData
from tocsin.alert.rules.run import GroupRun
from tocsin.errors import InvalidInput
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.query.promql.parser import parse
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.recent import RecentSeries

START_S = 1_795_000_020  # 2026-11-18, not on a full minute of a group's schedule by accident
URL = "http://tocsin.example"


@dataclass
class HandClock:
    """A clock that stands where it is put."""

    now_s: float = START_S

    def now_ns(self) -> int:
        """Where it was put, nanoseconds since 1970."""
        return round(self.now_s * NANOSECONDS)

    def monotonic_s(self) -> float:
        """The same: nothing takes any time here."""
        return self.now_s


def instant(after_s: float) -> int:
    """An instant so many seconds after the beginning of the story."""
    return round((START_S + after_s) * NANOSECONDS)


def after_s(instant_ns: int | None) -> float | None:
    """Seconds since the beginning of the story."""
    return None if instant_ns is None else instant_ns / NANOSECONDS - START_S


def fill_in(name: str, text: str, data: TextData, at: int) -> str:
    """Templates as simple as can be: `{{ $value }}` and `{{ $labels.x }}`; anything else fails."""
    del at
    text = text.replace("{{ $value }}", f"{data.value:g}")
    for key, value in data.labels.items():
        text = text.replace(f"{{{{ $labels.{key} }}}}", value)
    if "{{" in text:
        raise InvalidInput(f"template {name}: what is this?")
    return text


def promql(text: str) -> Promql:
    """A condition."""
    return Promql(text, parse(text))


def alert(
    name: str, expression: str, *, for_s: float = 0, keep_s: float = 0, labels: dict[str, str] | None = None, **annotations: str
) -> AlertRule:
    """An alerting rule."""
    return AlertRule(name, promql(expression), for_s, keep_s, labels or {}, annotations)


def record(name: str, expression: str, **labels: str) -> RecordingRule:
    """A recording rule."""
    return RecordingRule(name, promql(expression), labels)


def group(*rules: Rule, interval_s: float = 30, name: str = "shop", limit: int = 0, offset_s: float = 0) -> RuleGroup:
    """A group in the file `rules.yml`."""
    return RuleGroup(name, "rules.yml", tuple(rules), interval_s, offset_s, limit)


@dataclass
class Stage:
    """A group over series in memory."""

    rules: RuleGroup
    resend_s: float = 60
    series: MemorySeries = field(default_factory=MemorySeries)
    recent: RecentSeries = field(default_factory=RecentSeries)
    clock: HandClock = field(default_factory=HandClock)
    handed: list[tuple[float, Alert]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the group on the stage."""
        self.evaluator = PromqlEvaluator(self.series, self.clock, recent=self.recent)
        self.run = self.make(self.rules)

    def make(self, rules: RuleGroup) -> GroupRun:
        """A run of a group over the same series."""
        texts = Texts(fill_in, {"cluster": "blue"}, URL)
        evaluators = Evaluators({Promql: self.evaluator})
        return GroupRun(rules, evaluators, texts=texts, clock=self.clock, recent=self.recent, resend_s=self.resend_s)

    def put(self, series: str, values: Sequence[float], *, every_s: float, from_s: float = 0) -> None:
        """Samples of a series, `every_s` seconds apart."""
        self.series.add(series_labels(series), {ms(from_s + number * every_s): value for number, value in enumerate(values)})

    def step(self, at_s: float) -> GroupOutcome:
        """Evaluate at an instant; what is handed on is noted."""
        outcome = self.run.step(instant(at_s))
        self.run.written(outcome.changes)
        self.handed += [(at_s, one) for one in outcome.alerts]
        return outcome

    def steps(self, until_s: float, *, from_s: float = 0) -> list[GroupOutcome]:
        """Evaluate at every interval up to `until_s`, included."""
        outcomes = []
        at_s = from_s
        while at_s <= until_s:
            outcomes.append(self.step(at_s))
            at_s += self.rules.interval_s
        return outcomes

    def told(self, name: str) -> list[tuple[float, str]]:
        """When an alert was handed on, and as what."""
        return [(at_s, "resolved" if one.ends_at is not None else "firing") for at_s, one in self.handed if one.name == name]


def ms(after: float) -> int:
    """An instant of the story in milliseconds since 1970."""
    return round((START_S + after) * 1000)


def series_labels(text: str) -> Labels:
    """`up{job="api"}` as labels."""
    name, _, rest = text.partition("{")
    pairs = [pair.partition("=") for pair in rest.rstrip("}").split(",") if pair]
    return Labels({METRIC_NAME: name, **{key.strip(): value.strip().strip("\"'") for key, _, value in pairs}})


def states(outcome: GroupOutcome, name: str = "") -> dict[Labels, str]:
    """The alerts of an outcome that are pending or firing, with their states."""
    return {one.labels: one.phase.value for status in outcome.rules for one in status.alerts if not name or status.rule.name == name}


def written(outcome: GroupOutcome, name: str) -> dict[Labels, float]:
    """What was stored under a metric's name, by the other labels."""
    return {
        sample.labels.drop([METRIC_NAME]): sample.value
        for sample in outcome.samples
        if sample.labels.metric == name and isinstance(sample.value, float)
    }
