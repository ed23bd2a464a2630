"""
A file of unit tests for rules, as records.

    RuleTestFile(rule_files=("shop.yaml",), tests=(RuleTest(series=(up 1 1 0x20), alerts=(AlertCase(at 10m, "Down", firing=(...))))))

Source: Prometheus documentation, 'Unit testing for rules'. Ours beyond it: `exp_pending`, the alerts that wait at that instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.model.labels import Labels
from tocsin.query.series.notation import Point, WrittenSeries

EVALUATION_INTERVAL_MS = 60_000


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """An alert that must be there: all its labels but `alertname`, and all its annotations."""

    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertCase:
    """
    Which alerts of a name there must be at an instant; no others of that name may be.

    Args:
        at_ms: Milliseconds from the beginning of the test.
        alert: The name.
        firing: Those that fire; none: it must not fire.
        pending: Those that wait for their `for`; None: nobody asks.
        place: File, line and column.
    """

    at_ms: int
    alert: str
    firing: tuple[ExpectedAlert, ...]
    pending: tuple[ExpectedAlert, ...] | None
    place: str


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """One element of a query's answer; its value is a number or a native histogram."""

    labels: Labels
    value: Point


@dataclass(frozen=True, slots=True)
class QueryCase:
    """What a PromQL query must answer at an instant, milliseconds from the beginning of the test."""

    at_ms: int
    query: str
    samples: tuple[ExpectedSample, ...]
    place: str


@dataclass(frozen=True, slots=True)
class RuleTest:
    """
    One test: series, and what the rules must make of them.

    Args:
        name: For people; may be empty.
        interval_ms: Between two values of a series, milliseconds.
        start_ms: When it begins, milliseconds since 1970.
        series: With their values.
        alerts: Expected alerts.
        queries: Expected answers.
        external_labels: For templates.
        external_url: For templates.
        place: File, line and column.
    """

    name: str
    interval_ms: int
    start_ms: int
    series: tuple[WrittenSeries, ...]
    alerts: tuple[AlertCase, ...]
    queries: tuple[QueryCase, ...]
    external_labels: Mapping[str, str]
    external_url: str
    place: str

    @property
    def length_ms(self) -> int:
        """Until its last question, milliseconds."""
        return max([*(case.at_ms for case in self.alerts), *(case.at_ms for case in self.queries)], default=0)


@dataclass(frozen=True, slots=True)
class RuleTestFile:
    """
    A file of tests.

    Args:
        path: Where it stands.
        rule_files: Files with the rules, as found from there.
        interval_ms: Between two evaluations of the rules, milliseconds.
        fuzzy: Whether numbers may differ in their last digits.
        group_order: Groups that are evaluated first, in this order; the others follow as they stand in their files.
        tests: In order.
        remarks: What is allowed and probably not meant: fields that nobody knows.
    """

    path: Path
    rule_files: tuple[Path, ...]
    interval_ms: int
    fuzzy: bool
    group_order: tuple[str, ...]
    tests: tuple[RuleTest, ...]
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """
    How one question of a test was answered.

    Args:
        test: Name of the test, or its place.
        name: What was asked: `Down at 10m`.
        place: File, line and column of the question.
        difference: What was not as expected; empty when it passed.
    """

    test: str
    name: str
    place: str
    difference: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing differed."""
        return not self.difference


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """
    How a file of tests went.

    Args:
        path: The file.
        cases: Every question.
        mistakes: Why it could not be run, when it could not.
        remarks: What is allowed and probably not meant.
        duration_s: Seconds it took.
    """

    path: str
    cases: tuple[CaseOutcome, ...] = ()
    mistakes: tuple[str, ...] = ()
    remarks: Sequence[str] = ()
    duration_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it could be run and nothing differed."""
        return not self.mistakes and all(case.passed for case in self.cases)
