"""The runner of test scripts: what passes, what fails and what it says."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tocsin.errors import InvalidInput
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram, ResetHint
from tocsin.model.series import STALE_NAN
from tocsin.query.promql.answer import Annotations, QueryAnswer, SeriesAnswer
from tocsin.query.promql.syntax import ValueType
from tocsin.query.series.memory import MemorySeries
from tocsin.testing.promqltest.__main__ import main
from tocsin.testing.promqltest.comparison import almost_equal, histograms_equal
from tocsin.testing.promqltest.runner import CaseResult, run_script


def answered(labels: dict[str, str], *points: tuple[int, float]) -> SeriesAnswer:
    """A series of an answer."""
    return SeriesAnswer(Labels(labels), np.array([at for at, _ in points], dtype=np.int64), np.array([value for _, value in points]))


class FakeEngine:
    """Answers what it is told to; a range query answers the instant's answer at its middle unless told otherwise."""

    def __init__(self, answer: QueryAnswer | Exception, ranged: QueryAnswer | Exception | None = None) -> None:
        self._answer = answer
        self._ranged = ranged
        self.asked: list[tuple[str, int, int, int]] = []

    def __call__(self, series: MemorySeries) -> FakeEngine:
        """The engine on these series: always the same."""
        return self

    def instant(self, text: str, *, time_ms: int) -> QueryAnswer:
        """The answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def range(self, text: str, *, start_ms: int, end_ms: int, step_ms: int) -> QueryAnswer:
        """The answer of the range query."""
        self.asked.append((text, start_ms, end_ms, step_ms))
        ranged = self._ranged or self._answer
        if isinstance(ranged, Exception):
            raise ranged
        if ranged.type is ValueType.SCALAR:
            return QueryAnswer(ValueType.MATRIX, [answered({}, ((start_ms + end_ms) // 2, ranged.scalar))])
        return QueryAnswer(ValueType.MATRIX, ranged.series, annotations=ranged.annotations)


def vector(*series: SeriesAnswer, warnings: tuple[str, ...] = (), infos: tuple[str, ...] = ()) -> QueryAnswer:
    """A vector."""
    return QueryAnswer(ValueType.VECTOR, series, annotations=Annotations(warnings, infos))


def difference(script: str, answer: QueryAnswer | Exception, ranged: QueryAnswer | Exception | None = None) -> str:
    """What differs in the only case of a script."""
    (result,) = run_script(script, FakeEngine(answer, ranged))
    return result.difference


A, B = answered({"a": "1"}, (0, 5.0)), answered({"a": "2"}, (0, math.nan))


@pytest.mark.parametrize(
    ("expected", "answer", "said"),
    [
        ('{a="1"} 5\n {a="2"} NaN', vector(B, A), ""),
        ('{a="1"} 5.000001\n {a="2"} NaN', vector(A, B), ""),
        ('{a="1"} 5.1\n {a="2"} NaN', vector(A, B), "expected 5.1, got 5.0"),
        ('{a="2"} 0', vector(B), "expected 0.0, got nan"),
        ('{a="1"} 5', vector(A, B), 'unexpected {a="2"}'),
        ('{a="1"} 5\n {a="2"} 1', vector(A), 'missing {a="2"}'),
        ("", vector(), ""),
        ("", vector(A), "unexpected"),
        ('{a="1"} 5', vector(A, A), "twice"),
        ('expect ordered\n {a="1"} 5\n {a="2"} NaN', vector(A, B), ""),
        ('expect ordered\n {a="2"} NaN\n {a="1"} 5', vector(A, B), "expected the order"),
        ('{a="1"} {{count:5}}', vector(A), "got 5.0"),
        ("5", vector(A), "got a vector"),
        ("7", QueryAnswer(ValueType.SCALAR, scalar=7), ""),
        ("7", QueryAnswer(ValueType.SCALAR, scalar=8), "got the scalar 8"),
        ("{} 7", QueryAnswer(ValueType.SCALAR, scalar=7), "expected a vector"),
        ('expect string "x"', QueryAnswer(ValueType.STRING, text="x"), ""),
        ('expect string "x"', QueryAnswer(ValueType.STRING, text="y"), "got the string 'y'"),
        ('{a="1"} 5', QueryAnswer(ValueType.MATRIX, [A]), "range vector"),
        ('expect range vector from 0 to 0 step 1m\n {a="1"} 5', QueryAnswer(ValueType.MATRIX, [A]), ""),
        ('expect range vector from 0 to 0 step 1m\n {a="1"} 5', vector(A), "expected a range vector"),
    ],
)
def test_instant_answers_are_compared(expected: str, answer: QueryAnswer, said: str) -> None:
    """Series, values and order must be what is expected, and the difference says which is not."""
    found = difference(f"eval instant at 0 x\n {expected}", answer)
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(
    ("expected", "points", "said"),
    [
        ("1 _ 3", [(0, 1.0), (120_000, 3.0)], ""),
        ("1x2", [(0, 1.0), (60_000, 1.0), (120_000, 1.0)], ""),
        ("1 2", [(0, 1.0)], "at 60s: expected 2.0, got no value"),
        ("1", [(0, 1.0), (60_000, 2.0)], "at 60s: expected no value, got 2.0"),
        ("1 _ 3", [(0, 1.0), (120_000, 4.0)], "at 120s: expected 3.0, got 4.0"),
        ("1 2 3 4", [(0, 1.0), (60_000, 2.0), (120_000, 3.0)], "after the end of the range"),
    ],
)
def test_ranges_are_compared_step_by_step(expected: str, points: list[tuple[int, float]], said: str) -> None:
    """Every step of a range has the expected value or none."""
    answer = QueryAnswer(ValueType.MATRIX, [answered({}, *points)])
    found = difference(f"eval range from 0 to 2m step 1m x\n {{}} {expected}", answer)
    assert said in found
    assert bool(said) == bool(found)


def test_instant_queries_are_asked_as_ranges_too() -> None:
    """The step in the middle of a range around the instant must answer as the instant does."""
    wrong = QueryAnswer(ValueType.MATRIX, [answered({"a": "1"}, (0, 6.0))])
    assert difference('eval instant at 0 x\n {a="1"} 5', vector(A), wrong) == 'as a range query: {a="1"}: expected 5.0, got 6.0'
    assert difference('eval instant at 0 x\n {a="1"} 5', vector(A), InvalidInput("broken")) == "as a range query: broken"
    engine = FakeEngine(QueryAnswer(ValueType.SCALAR, scalar=7))
    (result,) = run_script("eval instant at 5m 7\n 7", engine)
    assert result.passed
    assert engine.asked == [("7", 240_000, 360_000, 60_000)]


@pytest.mark.parametrize("query", ["x @ start()", "x[5m:] @ end()", "x offset step()", "x[range()]", "end()", "abs(x[1h:min(1m, step())])"])
def test_queries_that_ask_for_their_range_are_asked_once(query: str) -> None:
    """What depends on the ends or the step of a range cannot answer alike in one."""
    engine = FakeEngine(vector())
    run_script(f"eval instant at 0 {query}", engine)
    assert engine.asked == []


@pytest.mark.parametrize(
    ("expected", "warnings", "infos", "passes"),
    [
        ("", ("odd",), ("thing",), True),
        ("expect warn", ("odd",), (), True),
        ("expect warn", (), ("odd",), False),
        ("expect no_warn", ("odd",), (), False),
        ("expect no_info", ("odd",), (), True),
        ("expect no_info", (), ("odd",), False),
        ("expect warn msg: odd", ("odd (1:5)",), (), True),
        ("expect warn msg: odd (1:5)", ("odd (1:5)",), (), True),
        ("expect warn msg: odd (1:6)", ("odd (1:5)",), (), False),
        ("expect warn msg: odd", ("even",), (), False),
        ("expect warn regex: o.d$", ("very odd (1:5)",), (), True),
        ("expect info regex: ^d", (), ("odd",), False),
        ("expect warn msg: odd", ("odd", "even"), (), False),
        ("expect warn msg: odd\n expect warn msg: even", ("odd", "even"), (), True),
    ],
)
def test_messages_are_compared(expected: str, warnings: tuple[str, ...], infos: tuple[str, ...], passes: bool) -> None:
    """Every expected message must come, and where some are expected no other may."""
    found = difference(f"eval instant at 0 x\n {expected}", vector(warnings=warnings, infos=infos))
    assert (not found) == passes


@pytest.mark.parametrize(
    ("head", "expected", "passes"),
    [
        ("eval", "expect fail", True),
        ("eval_fail", "", True),
        ("eval", "", False),
        ("eval", "expect fail msg: not so", True),
        ("eval", 'expect fail msg: "1:2: parse error: not so"', True),
        ("eval", "expect fail msg: so", False),
        ("eval", "expect fail regex: ^not|why$", True),
        ("eval_fail", "expected_fail_message not so", True),
        ("eval_fail", "expected_fail_regexp never", False),
    ],
)
def test_failures_are_compared(head: str, expected: str, passes: bool) -> None:
    """A query that must fail must say why; where it stands in the text may be left out."""
    found = difference(f"{head} instant at 0 x\n {expected}", InvalidInput("1:2: parse error: not so"))
    assert (not found) == passes


def test_an_answer_is_no_failure_and_a_bug_neither() -> None:
    """A query that should fail and answers has failed its case; so has one that breaks the engine."""
    assert difference("eval_fail instant at 0 x", vector()) == "expected the query to fail, it answered"
    assert difference("eval_fail instant at 0 x", ZeroDivisionError("oh")) == "the engine broke: ZeroDivisionError: oh"


def test_the_rest_goes_on_after_what_cannot_be_read() -> None:
    """Each case counts; what cannot be read counts as failed unless only some cases are asked for."""
    script = "load x\n\neval instantly\n\neval instant at 0 x\n"
    results = run_script(script, FakeEngine(vector()))
    assert [(result.line, result.passed) for result in results] == [(1, False), (3, False), (5, True)]
    assert run_script(script, FakeEngine(vector()), only="x") == [CaseResult(5, "x", "")]


def test_loads_add_and_clear_forgets() -> None:
    """Samples of several loads add up, start timestamps are no samples, and custom buckets come with the classic ones."""
    seen: list[MemorySeries] = []

    def engine_on(series: MemorySeries) -> FakeEngine:
        seen.append(series)
        return FakeEngine(vector())

    script = ("load 1m\n gone 1", "clear", "load 1m\n a@st -1m\n a 1", 'load_with_nhcb 30s\n b_bucket{le="+Inf"} _ 2\n b_count _ 2')
    run_script("\n".join(script), engine_on)
    batches = list(seen[0].select([], 0, 60_000, samples_max=100))
    assert [labels.metric for batch in batches for labels in batch.labels] == ["a", "b_bucket", "b_count", "b"]
    assert batches[0].timestamps_ms.tolist() == [0, 30_000, 30_000]
    assert batches[0].histograms[3].timestamps_ms.tolist() == [30_000]


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1.0, 1.0000001, True), (1.0, 1.00001, False), (0.0, 1e-12, False), (0.0, -0.0, True),
        (math.inf, math.inf, True), (math.inf, 1e308, False),
        (math.inf, -math.inf, False), (math.nan, math.nan, True), (math.nan, 1.0, False),
        (STALE_NAN, math.nan, False), (STALE_NAN, STALE_NAN, True),
        (1e308, 1.0000001e308, True),
    ],
)  # fmt: skip
def test_almost_equal(a: float, b: float, equal: bool) -> None:
    """Numbers may differ by a millionth; NaN equals NaN, the stale marker itself alone."""
    assert almost_equal(a, b) is equal
    assert almost_equal(b, a) is equal


def changed(**values: object) -> Callable[[], NativeHistogram]:
    """A histogram that differs in something."""
    fields: dict[str, object] = {"schema": 1, "count": 3.0, "sum": 4.0, "zero_count": 1.0, "positive": Buckets(2, np.array([1.0, 1.0]))}
    return lambda: NativeHistogram(**{**fields, **values})  # type: ignore[arg-type]


def test_histograms_are_compared_by_what_they_hold() -> None:
    """Empty buckets at the edges are of no matter, everything else is; hints matter where they are written."""
    original = changed()()
    padded = changed(positive=Buckets(1, np.array([0.0, 1.0, 1.0, 0.0])), reset=ResetHint.GAUGE)()
    assert histograms_equal(original, padded, with_hint=False)
    assert not histograms_equal(original, padded, with_hint=True)
    for values in ({"schema": 2}, {"count": 4.0}, {"sum": 5.0}, {"zero_count": 2.0}, {"zero_threshold": 0.1}, {"custom_values": (1.0,)}):
        assert not histograms_equal(original, changed(**values)(), with_hint=False)
    assert not histograms_equal(original, changed(positive=Buckets(3, np.array([1.0, 1.0])))(), with_hint=False)
    assert not histograms_equal(original, changed(negative=Buckets(0, np.array([1.0])))(), with_hint=False)


def test_the_command_prints_counts_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file and all together have their counts and shares; what failed is named by line; the exit code says it, too."""
    good, bad = tmp_path / "good.test", tmp_path / "bad.test"
    good.write_text("load 1m\n x 1 2 3\n\neval instant at 1m x + 1\n {} 3\n")
    bad.write_text("eval instant at 0 1 + 1\n 2\n\neval instant at 0 1 + 2\n 4\n")
    assert main([str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: 1 of 1 passed (100.0 %)\ntotal: 1 of 1 passed (100.0 %)\n"
    assert main([str(good), str(bad)]) == 1
    out = capsys.readouterr().out
    assert f"{bad}:4: 1 + 2: expected 4.0, got the scalar 3.0\n{bad}: 1 of 2 passed (50.0 %)\n" in out
    assert out.endswith("total: 2 of 3 passed (66.7 %)\n")
    assert main(["--quiet", "--filter", "+ 2", "--no-delayed-name-removal", str(bad)]) == 1
    assert capsys.readouterr().out == f"{bad}: 0 of 1 passed (0.0 %)\ntotal: 0 of 1 passed (0.0 %)\n"


def test_files_that_can_not_be_read_are_said_and_the_others_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence per file, and an exit code that no passed case hides."""
    good, binary, absent = tmp_path / "good.test", tmp_path / "binary.test", tmp_path / "absent.test"
    good.write_text("eval instant at 0 1 + 1\n 2\n")
    binary.write_bytes(b"\xff\xfe")
    assert main([str(binary), str(tmp_path), str(absent), str(good)]) == 2
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"{binary}: cannot be read: byte 0 is not UTF-8",
        f"{tmp_path}: cannot be read: it is a directory; name its files",
        f"{absent}: cannot be read: No such file or directory",
    ]
    assert printed.out.endswith("total: 1 of 1 passed (100.0 %)\n")
