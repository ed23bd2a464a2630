"""
Whether a rule rests on what users notice, or on a cause that they may never notice.

    burn rates; latency, errors and traffic; shares of server spans        symptoms
    saturation; cpu, memory, disk; `up`                                    causes
    log records, spans that nobody waits for, metrics that nobody knows    cannot be told from the rule: its author says `symptom: true`

PromQL is judged by the metrics that it names: those that objectives count, those that are made of spans here, and those that
instrumentation of servers commonly exports are symptoms. One symptom in an expression is enough. What a recording rule of the same files
writes is what that rule rests on.

Source: Site Reliability Engineering, chapter 6, 'Symptoms Versus Causes'; OpenTelemetry semantic conventions for HTTP and RPC metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tocsin.alert.definition import AtLeast, BurnAbove, Condition, EventsCompare, Promql, RecordingRule, SignalBreach
from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME
from tocsin.model.series import MatchOperator
from tocsin.query.promql.checks import walk
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import Expression, VectorSelector
from tocsin.slo.definition import Objective, SeriesRatio, SeriesThreshold, SeriesValue
from tocsin.store.plan import And, Equals, Field, Or, Predicate, Scope

KIND = Field("kind", Scope.INTRINSIC)
ENTRY_KINDS = (2, 5)  # server, consumer; OTLP's numbers
DEPTH_MAX = 20  # recording rules that rest on recording rules

# Requests as instrumentation and probes commonly export them; also with the endings of histograms and summaries.
REQUEST_METRIC = re.compile(
    r"(http|grpc|rpc|api|web|nginx|apache|envoy|istio|traefik|haproxy|ingress|gateway|caddy|starlette|fastapi|flask|django|aspnetcore)"
    r"\w*(request|response|handled|handling|server_duration|latenc|errors?_total)\w*"
    r"|(http|rpc)_server_(request_)?duration\w*|requests?_(total|duration\w*|latenc\w*|errors?\w*|failed\w*)|probe_(success|duration\w*|http\w*)"
    r"|traces_(spanmetrics|service_graph)_\w+"
)
# What machines and runtimes export; `up` says that a target can't be scraped.
CAUSE_METRIC = re.compile(
    r"up|(node|process|container|kube|kubelet|machine|cadvisor|go|jvm|python|nodejs|dotnet|windows|system|host|hw|namedprocess|scrape|"
    r"prometheus|alertmanager|apiserver|etcd|coredns|pg|postgres|mysql|redis|mongodb|rabbitmq|kafka|elasticsearch|memcached|"
    r"disk|cpu|memory|db_client|smartmon|ipmi|snmp|windows)_\w+|\w*(_cpu_|_memory_|_disk_|_heap_|_threads|_fds|_load1|queue_depth)\w*"
)


class Basis(Enum):
    """What a rule rests on."""

    SYMPTOM = "symptom"
    CAUSE = "cause"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule rests on, and why that can be said, as a part of a sentence."""

    basis: Basis
    reason: str


@dataclass(frozen=True, slots=True)
class Metrics:
    """
    What is known of metrics.

    Args:
        indicators: Those that objectives count, with the objective's key.
        recorded: What recording rules write, with their expression.
    """

    indicators: Mapping[str, str] = field(default_factory=dict)
    recorded: Mapping[str, Expression] = field(default_factory=dict)


def metrics_known(objectives: Iterable[Objective], recordings: Iterable[RecordingRule] = ()) -> Metrics:
    """What objectives count in PromQL, and what recording rules write."""
    indicators: dict[str, str] = {}
    for objective in objectives:
        for query in _queries(objective):
            for name in names_in(query):
                indicators.setdefault(name, objective.key)
    return Metrics(indicators, {rule.name: rule.condition.expression for rule in recordings})


def verdict_on(condition: Condition, metrics: Metrics) -> Verdict:
    """What a condition rests on."""
    match condition:
        case BurnAbove(objective=objective):
            return Verdict(Basis.SYMPTOM, f"it rests on the objective {objective!r}")
        case SignalBreach(signal="saturation"):
            return Verdict(Basis.CAUSE, "how full something is no user notices by itself")
        case SignalBreach(signal=signal):
            return Verdict(Basis.SYMPTOM, f"users notice {signal}")
        case EventsCompare(signal="spans", of_predicate=of, of_query=query) if of is not None and _entered(of):
            return Verdict(Basis.SYMPTOM, f"it is a share of the requests {query!r}")
        case Promql(expression=expression):
            return _on_expression(expression, metrics, 0)
        case AtLeast():
            return _on_composite(condition, metrics)
        case _:
            return Verdict(Basis.UNKNOWN, "whether users notice such events can't be told from the rule")


def names_in(query: str) -> list[str]:
    """Names of the metrics in a query, none for one that does not read."""
    try:
        return metric_names(parse(query))
    except InvalidInput:
        return []


def metric_names(expression: Expression) -> list[str]:
    """Names of the metrics in an expression, each once; a selector that does not name one exactly gives none."""
    found: dict[str, None] = {}
    for node in walk(expression):
        if isinstance(node, VectorSelector):
            equal = [one.value for one in node.matchers if one.name == METRIC_NAME and one.operator is MatchOperator.EQUAL]
            found |= dict.fromkeys(name for name in (node.name or "", *equal) if name)
    return list(found)


def _on_expression(expression: Expression, metrics: Metrics, depth: int) -> Verdict:
    names = metric_names(expression)
    verdicts = [_on_metric(name, metrics, depth) for name in names]
    for basis in (Basis.SYMPTOM, Basis.UNKNOWN, Basis.CAUSE):
        for verdict in verdicts:
            if verdict.basis is basis:
                return verdict
    return Verdict(Basis.UNKNOWN, "it names no metric")


def _on_metric(name: str, metrics: Metrics, depth: int) -> Verdict:
    if name in metrics.indicators:
        return Verdict(Basis.SYMPTOM, f"the objective {metrics.indicators[name]!r} counts {name}")
    if name in metrics.recorded and depth < DEPTH_MAX:
        inner = _on_expression(metrics.recorded[name], metrics, depth + 1)
        return Verdict(inner.basis, f"{name} is recorded from others: {inner.reason}")
    if CAUSE_METRIC.fullmatch(name):
        return Verdict(Basis.CAUSE, f"{name} says how a machine, a runtime or a target is doing, which users need not notice")
    if REQUEST_METRIC.fullmatch(name):
        return Verdict(Basis.SYMPTOM, f"{name} counts requests")
    return Verdict(Basis.UNKNOWN, f"no objective counts {name}, and nobody here knows what it is")


def _on_composite(condition: AtLeast, metrics: Metrics) -> Verdict:
    """Enough must hold that one of them is a symptom, whichever those are."""
    verdicts = [(name, verdict_on(inner, metrics)) for name, inner in condition.conditions]
    others = [name for name, verdict in verdicts if verdict.basis is not Basis.SYMPTOM]
    if len(others) < condition.count:
        return Verdict(Basis.SYMPTOM, f"of any {condition.count} conditions that hold one is what users notice")
    causes = [name for name, verdict in verdicts if verdict.basis is Basis.CAUSE]
    basis = Basis.CAUSE if len(causes) >= condition.count else Basis.UNKNOWN
    return Verdict(basis, f"{', '.join(others)} can be enough, and none of those is what users notice")


def _entered(predicate: Predicate) -> bool:
    """Whether every span that satisfies it was a request that somebody waits for."""
    match predicate:
        case Equals(asked, value):
            return asked == KIND and value in ENTRY_KINDS
        case And(parts):
            return any(_entered(part) for part in parts)
        case Or(parts):
            return bool(parts) and all(_entered(part) for part in parts)
        case _:
            return False


def _queries(objective: Objective) -> tuple[str, ...]:
    match objective.indicator:
        case SeriesRatio(total=total, good=good):
            return (total, good)
        case SeriesValue(query=query) | SeriesThreshold(query=query):
            return (query,)
        case _:
            return ()
