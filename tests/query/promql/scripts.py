"""Small promqltest scripts inside of tests: load series, ask, compare."""

from __future__ import annotations

from textwrap import dedent

from tocsin.clock import RealClock
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries
from tocsin.testing.promqltest.grammar import Load, read_script
from tocsin.testing.promqltest.runner import run_script

EVERYTHING = PromqlOptions(
    experimental_functions=True, duration_expressions=True, extended_ranges=True, fill_modifiers=True, type_and_unit_labels=False
)


def holds(script: str, **switches: object) -> None:
    """
    Fail unless every case of a script passes.

    Args:
        script: In the promqltest language.
        switches: Options to change.
    """
    options = EVERYTHING.model_copy(update=switches)
    results = run_script(dedent(script), lambda series: Promql(series, options, clock=RealClock()))
    assert results, "the script has no case"
    failed = [f"line {result.line}: {result.query}: {result.difference}" for result in results if not result.passed]
    assert not failed, "\n".join(failed)


def loaded(script: str) -> MemorySeries:
    """Series as `load` commands of a script give them."""
    series = MemorySeries()
    for command in read_script(dedent(script)):
        assert isinstance(command, Load), "only load commands are expected here"
        for written in command.series:
            samples = {index * command.step_ms: point for index, point in enumerate(written.points) if point is not None}
            series.add(written.labels, samples)
    return series


def engine_over(script: str, **switches: object) -> Promql:
    """An engine over such series."""
    return Promql(loaded(script), EVERYTHING.model_copy(update=switches), clock=RealClock())


def ask(script: str, query: str, *, at_s: float, **switches: object) -> QueryAnswer:
    """The answer of an instant query over such series."""
    engine = engine_over(script, **switches)
    try:
        return engine.instant(query, time_ms=round(at_s * 1000))
    finally:
        engine.close()
