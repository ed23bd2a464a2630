"""The suite of PromQL cases: every script in `cases`, run against the engine with everything experimental switched on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.clock import ReplayClock
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries
from tocsin.testing.promqltest.runner import PromqlEngine, run_script

_SCRIPTS = sorted((Path(__file__).parent / "cases").glob("*.test"))
_OPTIONS = PromqlOptions(
    experimental_functions=True, duration_expressions=True, extended_ranges=True, fill_modifiers=True, delayed_name_removal=True
)


def _engine(series: MemorySeries) -> PromqlEngine:
    return Promql(series, _OPTIONS, clock=ReplayClock(0, speed=0))


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda script: script.stem)
def test_script_passes(script: Path) -> None:
    """Every answer, warning and failure is the one that the script expects."""
    results = run_script(script.read_text(encoding="utf-8"), _engine)
    assert results
    failed = [f"{script.name}:{result.line}: {result.query}: {result.difference}" for result in results if not result.passed]
    assert not failed, "\n".join(failed)


def test_suite_is_broad() -> None:
    """There is a script per area, and hundreds of cases together."""
    cases = sum(script.read_text(encoding="utf-8").count("\neval ") for script in _SCRIPTS)
    assert len(_SCRIPTS) >= 25
    assert cases >= 800
