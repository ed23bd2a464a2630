"""Files of rule tests from their paths to their outcomes: what `tocsin rules test` and guards of the kind `unit_test` call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tocsin.alert.files.conditions import Known
from tocsin.alert.files.reading import read_rule_files
from tocsin.replay.junit import JunitCase, JunitSuite
from tocsin.replay.rule_tests.definition import FileOutcome
from tocsin.replay.rule_tests.reading import read_rule_tests
from tocsin.replay.rule_tests.run import Bench, run_tests
from tocsin.slo.files.notes import DefinitionMistakes

INTERVAL_S = 60.0


def run_test_files(paths: Sequence[Path], known: Known, bench: Bench) -> list[FileOutcome]:
    """
    Run files of tests; one that can't be read is an outcome with its mistakes.

    Args:
        paths: The files.
        known: Objectives and what is switched on, for reading the rules.
        bench: What tests run on.
    """
    return [run_test_file(path, known, bench) for path in paths]


def run_test_file(path: Path, known: Known, bench: Bench) -> FileOutcome:
    """The outcome of one file."""
    begun_s = bench.clock.monotonic_s()
    try:
        file = read_rule_tests(path)
    except DefinitionMistakes as error:
        return FileOutcome(str(path), mistakes=tuple(str(one) for one in error.mistakes))
    rules = read_rule_files(file.rule_files, known, interval_s=INTERVAL_S)
    mistakes = tuple(str(mistake) for one in rules for mistake in one.mistakes)
    cases = () if mistakes else run_tests(file, [group for one in rules for group in one.groups], bench)
    return FileOutcome(str(path), cases, mistakes, file.remarks, bench.clock.monotonic_s() - begun_s)


def junit_suites(outcomes: Sequence[FileOutcome]) -> list[JunitSuite]:
    """Outcomes as suites of a JUnit report, one per file."""
    suites = []
    for outcome in outcomes:
        share_s = outcome.duration_s / max(1, len(outcome.cases))
        cases = [JunitCase(f"{case.test}: {case.name}", share_s, case.difference) for case in outcome.cases]
        cases += [JunitCase("the file", error=mistake) for mistake in outcome.mistakes]
        suites.append(JunitSuite(outcome.path, cases))
    return suites
