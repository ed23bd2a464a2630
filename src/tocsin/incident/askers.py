"""What answers the questions of evidence, as what JSON can say: traces, logs, PromQL, objectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import TypeAdapter

from tocsin.errors import InvalidInput
from tocsin.incident.evidence import Asker, Question
from tocsin.model.answers import LogPage, Trace, TraceNode
from tocsin.model.explanation import Explanation
from tocsin.model.incident import EvidenceKind
from tocsin.model.instant import Instant, TimeRange, parse_instant
from tocsin.model.telemetry import Span
from tocsin.query.desk import Desk
from tocsin.query.promql.answer import QueryAnswer
from tocsin.slo.answers import Budget, Ledger
from tocsin.slo.burn_down import BurnDownPoint
from tocsin.slo.desk import SloDesk

LOG_RECORDS_MAX = 2000
STEPS = 240  # points of a PromQL answer
NS_PER_MS = 1_000_000
BURN_DOWN_POINTS = 200


class Explaining(Protocol):
    """What tells bad requests from good ones; `query.explain.explain.Explainer` is one."""

    def explain(self, service: str, start: Instant, end: Instant, *, bad: str = "") -> Explanation:
        """Of one service's requests in [start, end)."""
        ...


def askers_of(desk: Desk, slos: SloDesk | None = None, *, explainer: Explaining | None = None) -> dict[EvidenceKind, Asker]:
    """
    What answers each kind of question.

    Args:
        desk: Telemetry.
        slos: Objectives; without it questions about them are refused.
        explainer: What tells bad requests from good ones; without it questions of that kind are refused.
    """
    found: dict[EvidenceKind, Asker] = {
        EvidenceKind.TRACE: lambda question, _: trace_document(desk.trace(question["trace_id"])),
        EvidenceKind.LOGS: lambda question, now: _logs(desk, question, now),
        EvidenceKind.QUERY: lambda question, now: _query(desk, question, now),
    }
    if slos is not None:
        found[EvidenceKind.SLO] = lambda question, now: _slo(slos, question, now)
    if explainer is not None:
        found[EvidenceKind.EXPLAIN] = lambda question, now: _explain(explainer, question, now)
    return found


def trace_document(trace: Trace) -> dict[str, Any]:
    """
    A trace with its spans in a row, parents before children, each with its depth.

    Not as a tree: an agent that calls itself makes one deeper than JSON can be read.
    """
    spans = TypeAdapter(Span)
    rows = []
    open_nodes = list(reversed(trace.roots))
    while open_nodes:
        node = open_nodes.pop()
        rows.append({**spans.dump_python(node.span, mode="json"), **_place(node)})
        open_nodes.extend(reversed(node.children))
    head = {name: getattr(trace, name) for name in ("trace_id", "duration_ns", "errors", "services", "critical_path")}
    sentence = trace.bottleneck.sentence if trace.bottleneck else ""
    return {**head, "span_count": trace.spans, "bottleneck": sentence, "spans": rows}


def _place(node: TraceNode) -> dict[str, Any]:
    return {"depth": node.depth, "self_time_ns": node.self_time_ns, "critical_ns": node.critical_ns, "orphan": node.orphan}


def _logs(desk: Desk, question: Question, now: Instant) -> Any:
    within = _range(question, now)
    page = desk.logs(question.get("query", ""), start=within.start, end=within.end, limit=LOG_RECORDS_MAX, order="oldest")
    more = f"there are more than these {LOG_RECORDS_MAX} records" if page.next_cursor else ""
    return {"records": TypeAdapter(LogPage).dump_python(page, mode="json")["records"], "more": more}


def _query(desk: Desk, question: Question, now: Instant) -> Any:
    within = _range(question, now)
    start_ms, end_ms = within.start // NS_PER_MS, within.end // NS_PER_MS
    step_ms = max(1000, (end_ms - start_ms) // STEPS // 1000 * 1000)
    answer = desk.metrics.range(question["query"], start_ms=start_ms, end_ms=end_ms, step_ms=step_ms)
    return {"step_ms": step_ms, **query_document(answer)}


def query_document(answer: QueryAnswer) -> dict[str, Any]:
    """The series of a range query: labels, and points as [milliseconds since 1970, number]; null where a number is none."""
    series = [
        {
            "labels": dict(one.labels),
            "points": [[int(at), float(value)] for at, value in zip(one.timestamps_ms, one.values, strict=True)],
            "histograms": len(one.histograms),
        }
        for one in answer.series
    ]
    return {"series": series, "warnings": [*answer.annotations.warnings, *answer.annotations.infos]}


def _slo(slos: SloDesk, question: Question, now: Instant) -> Any:
    at = parse_instant(question["at"], now=now) if "at" in question else now
    key = question["key"]
    parts: Mapping[str, tuple[Any, Any]] = {
        "budget": (Budget, slos.budget(key, at=at)),
        "burn_down": (list[BurnDownPoint], slos.burn_down(key, points=BURN_DOWN_POINTS, at=at)),
        "ledger": (Ledger, slos.ledger(key, at=at)),
    }
    return {name: TypeAdapter(kind).dump_python(value, mode="json") for name, (kind, value) in parts.items()}


def _explain(explainer: Explaining, question: Question, now: Instant) -> Any:
    within = _range(question, now)
    found = explainer.explain(question["service"], within.start, within.end, bad=question.get("bad", ""))
    return TypeAdapter(Explanation).dump_python(found, mode="json")


def _range(question: Question, now: Instant) -> TimeRange:
    within = TimeRange(parse_instant(question["start"], now=now), parse_instant(question["end"], now=now))
    if within.duration_ns == 0:
        raise InvalidInput("the range is empty: its start is its end")
    return within
