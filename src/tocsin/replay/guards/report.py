"""What became of guards: as outcomes, as JSON, as JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.model.instant import format_instant
from tocsin.replay.guards.definition import GuardOutcome
from tocsin.replay.guards.reading import read_guard
from tocsin.replay.guards.run import GuardRunner
from tocsin.replay.junit import JunitCase, JunitSuite, write_junit
from tocsin.slo.files.notes import DefinitionMistakes

SUITE = "guards"


def run_folder(runner: GuardRunner, folder: Path) -> GuardOutcome:
    """The outcome of the guard in a folder; what is wrong with its file is its outcome's error."""
    try:
        guard = read_guard(folder)
    except DefinitionMistakes as error:
        return GuardOutcome(folder.name, str(folder), None, "", passed=False, sentence=f"it could not be read: {error}", error=str(error))
    return runner.run(guard)


def write_report(path: Path, outcomes: Sequence[GuardOutcome]) -> None:
    """
    Outcomes as a JUnit report.

    Raises:
        InvalidInput: The file can't be written.
    """
    cases = [
        JunitCase(
            name=outcome.name,
            duration_s=outcome.duration_s,
            failure="" if outcome.passed or outcome.error else outcome.sentence,
            error=outcome.error,
        )
        for outcome in outcomes
    ]
    write_junit(path, [JunitSuite(SUITE, cases)])


def described(outcome: GuardOutcome) -> dict[str, Any]:
    """An outcome as JSON has it."""
    return {
        "name": outcome.name,
        "folder": outcome.folder,
        "kind": outcome.kind.value if outcome.kind is not None else None,
        "incident": outcome.incident,
        "passed": outcome.passed,
        "sentence": outcome.sentence,
        "fired_at": format_instant(outcome.fired_at) if outcome.fired_at is not None else None,
        "error": outcome.error,
        "duration_s": outcome.duration_s,
        "remarks": list(outcome.remarks),
    }
