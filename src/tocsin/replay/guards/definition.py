"""
Guards as records: what an incident taught, as files that live beside the code of the team whose incident it was.

    guards/checkout-down/
      guard.yaml                    kind: must_fire, rule: CheckoutBurnsFast, within: 5m, ...
      telemetry/spans.jsonl.gz      what there was: spans and logs as OTLP JSON lines, series as lines of our own
      telemetry/series.jsonl.gz
      rules/shop.yaml               a copy of the rules, unless guard.yaml names those of the repository

A guard is run on nothing but its files, on a clock of its own: it says the same on every machine and on every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.alert.definition import Comparison
from tocsin.model.incident import GuardKind
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels

FILE = "guard.yaml"
TELEMETRY = "telemetry"
RULES = "rules"
OBJECTIVES = "objectives"
SERIES_FILE = "series.jsonl.gz"
SPANS_FILE = "spans.jsonl.gz"
LOGS_FILE = "logs.jsonl.gz"


@dataclass(frozen=True, slots=True)
class GuardQuery:
    """
    What must stay true: a PromQL expression that gives something at an instant, or a count of records compared with a number.

    Args:
        promql: The expression; it holds when its vector has an element, or its number is not nought. Empty for a count.
        signal: `spans` or `logs`, for a count.
        query: Which records, Lucene syntax.
        comparison, threshold: How their number compares.
    """

    promql: str = ""
    signal: str = ""
    query: str = ""
    comparison: Comparison = Comparison.ABOVE
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class GuardFile:
    """
    One guard.

    Args:
        name: The directory's.
        folder: Where it lies.
        kind: What it holds.
        description: For people.
        incident: Where it came from; may be empty.
        signature: The failure that it knows; may be empty.
        rule: Name of the alert that must, or must not, fire.
        labels: That the alert must have beside others.
        rules: Files with the rules.
        objectives: Files with the objectives that rules or counts need.
        telemetry: Files with telemetry.
        evaluate_from: From when on rules are evaluated: before `start`, so that `for` can run.
        start: When the incident began; of a quiet stretch, its beginning.
        end: Until when; of an incident, `start` and `within`.
        within_s: How soon after `start` it must fire, seconds.
        step_s: Least seconds between two evaluations.
        query: For the kind `query`.
        live: The query is asked of the running server rather than of the slice.
        tests: Files of rule tests, for the kind `unit_test`.
    """

    name: str
    folder: Path
    kind: GuardKind
    description: str = ""
    incident: str = ""
    signature: str = ""
    rule: str = ""
    labels: Labels = field(default_factory=Labels)
    rules: tuple[Path, ...] = ()
    objectives: tuple[Path, ...] = ()
    telemetry: tuple[Path, ...] = ()
    evaluate_from: Instant = 0
    start: Instant = 0
    end: Instant = 0
    within_s: float = 0.0
    step_s: float = 15.0
    query: GuardQuery | None = None
    live: bool = False
    tests: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardOutcome:
    """
    How a guard went.

    Args:
        name: Which.
        folder: Where it lies.
        kind: What it holds; None when its file could not be read.
        incident: Where it came from; may be empty.
        passed: Whether it holds.
        sentence: Why, or why not.
        fired_at: When the rule fired, for the kinds that look for that; None: it did not.
        error: Why it could not be run; empty when it could.
        duration_s: Seconds it took.
        remarks: What is worth knowing.
    """

    name: str
    folder: str
    kind: GuardKind | None
    incident: str
    passed: bool
    sentence: str
    fired_at: Instant | None = None
    error: str = ""
    duration_s: float = 0.0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrozenGuard:
    """
    A guard that was made of what is stored, not written to a folder yet.

    Args:
        name: Of its directory.
        files: Their contents, by path inside of the directory.
        kind: What it holds.
        signature: The failure that it knows.
        records: Spans, log records and samples in it, by signal.
        size_bytes: Of the telemetry, before it was compressed.
        remarks: What the slice lacks.
    """

    name: str
    files: Mapping[str, bytes]
    kind: GuardKind
    signature: str
    records: Mapping[str, int]
    size_bytes: int
    remarks: tuple[str, ...] = ()
