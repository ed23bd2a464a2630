"""Guards: read, frozen out of series, run, and what they say when a rule got worse."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.replay.prometheus_groups import groups_of

from tocsin.alert.definition import RuleSet
from tocsin.clock import RealClock
from tocsin.errors import InvalidInput, LimitExceeded, NotFound, ParseError
from tocsin.model.incident import GuardKind
from tocsin.model.instant import NANOSECONDS, TimeRange, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.model.series import STALE_NAN
from tocsin.model.telemetry import LogRecord, Span
from tocsin.query.promql.answer import SeriesAnswer
from tocsin.query.promql.options import PromqlOptions
from tocsin.replay.guards.definition import FILE, GuardOutcome
from tocsin.replay.guards.freeze import FreezeRequest, freeze, write_guard
from tocsin.replay.guards.reading import find_guards, read_guard
from tocsin.replay.guards.run import GuardRunner, needs_store, open_series_stage
from tocsin.replay.guards.series_lines import read_series_line, series_lines
from tocsin.replay.guards.slice_files import held_series
from tocsin.replay.held_series import HeldSeries
from tocsin.replay.options import ReplayOptions
from tocsin.slo.files.notes import DefinitionMistakes

MINUTE = 60 * NANOSECONDS
START = parse_instant("2026-11-16T10:00:00Z")
RULES = """
groups:
  - name: shop
    rules:
      - {record: 'shop:errors:ratio', expr: 'sum by (service) (rate(errors_total[5m])) / sum by (service) (rate(requests_total[5m]))'}
      - {alert: ShopFails, expr: 'shop:errors:ratio > 0.1', for: 2m, labels: {severity: page}}
      - {alert: Other, expr: 'other > 1'}
"""


@dataclass
class Slice:
    """A source of slices in memory."""

    series: HeldSeries

    def spans(self, within: TimeRange, services: Sequence[str]) -> Iterator[Span]:
        """None."""
        yield from ()

    def logs(self, within: TimeRange, services: Sequence[str]) -> Iterator[LogRecord]:
        """None."""
        yield from ()


def shop() -> Slice:
    """A day of a shop of which every fourth request fails from `START` on for half an hour."""
    held = HeldSeries()
    minutes = np.arange(-600, 600, dtype=np.int64)
    times = START // 1_000_000 + minutes * 60_000
    failing = (minutes >= 0) & (minutes < 30)
    for name, values in (("requests_total", np.full(len(minutes), 60.0)), ("errors_total", np.where(failing, 15.0, 0.0))):
        held.add(Labels({"__name__": name, "service": "shop"}), times, np.cumsum(values))
    held.add(Labels({"__name__": "unrelated", "service": "shop"}), times, np.ones(len(minutes)))
    return Slice(held)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rules of a team's repository."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def frozen(tmp_path: Path, rules: Path, **more: object) -> Path:
    """A guard, frozen into a folder."""
    fields: dict[str, object] = {"name": "shop-fails", "rule": "ShopFails", "start": START, "within_s": 300.0, **more}
    guard = freeze(FreezeRequest(**fields), RuleSet(tuple(groups_of(rules))), shop())  # type: ignore[arg-type]
    return write_guard(guard, tmp_path / "guards")


def run(folder: Path) -> GuardOutcome:
    """The outcome of a guard over series in memory."""
    runner = GuardRunner(lambda guard: open_series_stage(guard, PromqlOptions(), ReplayOptions()), RealClock(), PromqlOptions())
    guard = read_guard(folder)
    assert not needs_store(guard)
    return runner.run(guard)


def test_a_frozen_guard_fires_when_the_rule_did(tmp_path: Path, rules: Path) -> None:
    """Three minutes in, the five-minute ratio exceeds a tenth for two: the guard says the minute, from its own copy of the rules."""
    folder = frozen(tmp_path, rules, incident="INC-7", description="the shop fails")
    rules.unlink()
    outcome = run(folder)
    assert outcome.passed, outcome
    assert outcome.sentence == "ShopFails fires 4m after 2026-11-16T10:00:00Z; allowed are 5m"
    assert (outcome.fired_at, outcome.incident) == (START + 4 * MINUTE, "INC-7")


def test_a_slice_holds_what_the_rule_reads_and_no_more(tmp_path: Path, rules: Path) -> None:
    """Series of other rules stay where they are, and so do samples before the windows."""
    held = held_series(read_guard(frozen(tmp_path, rules)).telemetry, bytes_max=1 << 20)
    found = {labels.metric: times for labels, times, _ in held.series()}
    assert set(found) == {"requests_total", "errors_total"}
    assert found["errors_total"][-1] == (START + 20 * MINUTE) // 1_000_000
    assert found["errors_total"][0] >= (START - 60 * MINUTE) // 1_000_000


def test_the_same_slice_is_the_same_bytes(tmp_path: Path, rules: Path) -> None:
    """A guard that is frozen again changes no file in a repository."""
    first, second = frozen(tmp_path, rules, name="a"), frozen(tmp_path, rules, name="b")
    assert [path.read_bytes() for path in sorted(first.rglob("*.gz"))] == [path.read_bytes() for path in sorted(second.rglob("*.gz"))]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("> 0.3", "ShopFails does not fire; it must within 5m of 2026-11-16T10:00:00Z"),
        ("> 0.1, for: 9m", "ShopFails fires 11m after 2026-11-16T10:00:00Z, 6m too late: it must within 5m"),
    ],
)
def test_a_rule_that_got_worse_fails_its_guard(tmp_path: Path, rules: Path, changed: str, said: str) -> None:
    """A threshold too high, a wait too long: the guard that names the team's own file fails and says how."""
    folder = frozen(tmp_path, rules, rule_files=("../../rules.yaml",))
    assert run(folder).passed
    threshold, _, wait = changed.partition(", ")
    rules.write_text(RULES.replace("> 0.1", threshold).replace("for: 2m", wait or "for: 2m"))
    outcome = run(folder)
    assert not outcome.passed
    assert outcome.sentence == said


def test_a_quiet_stretch(tmp_path: Path, rules: Path) -> None:
    """The negative twin: the rule must not fire in it, and one that does is told with its minute."""
    quiet = {"within_s": 0.0, "start": START - 200 * MINUTE, "end": START - 10 * MINUTE}
    folder = frozen(tmp_path, rules, rule_files=("../../rules.yaml",), **quiet)
    assert read_guard(folder).kind is GuardKind.MUST_NOT_FIRE
    assert run(folder).passed
    rules.write_text(RULES.replace("> 0.1", ">= 0").replace("for: 2m", "for: 30s"))
    outcome = run(folder)
    assert not outcome.passed
    assert "fires once in a quiet stretch, 2026-11-16T06:40:00Z to 2026-11-16T09:50:00Z" in outcome.sentence


def test_a_rule_that_fails_guards_nothing(tmp_path: Path, rules: Path) -> None:
    """A rule that can't be evaluated is quiet; its guard does not pass for that."""
    quiet = {"within_s": 0.0, "start": START - 200 * MINUTE, "end": START - 10 * MINUTE}
    folder = frozen(tmp_path, rules, rule_files=("../../rules.yaml",), **quiet)
    rules.write_text(RULES.replace("shop:errors:ratio > 0.1", 'requests_total + on () {__name__=~".+_total"}'))
    outcome = run(folder)
    assert not outcome.passed
    assert "could not be evaluated" in outcome.sentence


def test_a_rule_that_is_gone_is_an_error(tmp_path: Path, rules: Path) -> None:
    """A rule that was renamed guards nothing, and the near name is said."""
    folder = frozen(tmp_path, rules, rule_files=("../../rules.yaml",))
    rules.write_text(RULES.replace("ShopFails", "ShopFail"))
    outcome = run(folder)
    assert not outcome.passed
    assert outcome.error == "no rule is called 'ShopFails'; did you mean 'ShopFail'?"


def test_a_query_that_must_stay_true(tmp_path: Path, rules: Path) -> None:
    """A PromQL expression over the slice, at its end."""
    folder = frozen(tmp_path, rules)
    text = "kind: query\nquery: {promql: 'sum(errors_total) > %s'}\nend: 2026-11-16T10:04:00Z\n"
    (folder / FILE).write_text(text % 60)
    assert run(folder).passed
    (folder / FILE).write_text(text % 600)
    assert run(folder).sentence == "sum(errors_total) > 600 does not hold"


def test_a_live_query_is_asked_of_a_server_alone(tmp_path: Path) -> None:
    """Without a server it is left out and says so."""
    folder = tmp_path / "live"
    folder.mkdir()
    (folder / FILE).write_text("kind: query\nlive: true\nquery: {promql: 'up == 1'}\n")
    outcome = run(folder)
    assert (outcome.passed, outcome.remarks) == (True, ("skipped",))


def test_a_unit_test(tmp_path: Path, rules: Path) -> None:
    """A file of rule tests as a guard; a difference stands in the sentence."""
    folder = tmp_path / "unit"
    folder.mkdir()
    (folder / FILE).write_text("kind: unit_test\ntests: [tests.yaml]\n")
    tests = "rule_files: [../rules.yaml]\ntests: [{name: t, input_series: [{series: other, values: '0 %s'}], alert_rule_test: "
    tests += "[{eval_time: 1m, alertname: Other, exp_alerts: [{}]}]}]"
    (folder / "tests.yaml").write_text(tests % 2)
    assert run(folder).passed
    (folder / "tests.yaml").write_text(tests % 1)
    assert "Other at 1m\nfiring: expected 1, found 0" in run(folder).sentence
    assert rules.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: must_fire", "a guard needs 'rule'; for the kind must_fire"),
        ("kind: must_fires", "did you mean 'must_fire'"),
        ("rule: A", "a guard needs 'kind'"),
        ("kind: must_not_fire\nrule: A\nstart: 2026-11-16\nend: 2026-11-15", "needs some time between"),
        ("kind: query\nquery: {spans: 'a'}", "needs exactly one of above"),
        ("kind: query\nquery: {promql: 'sum('}", "parse error"),
        ("kind: unit_test\ntests: [none.yaml]", "no file is called 'none.yaml'"),
        ("kind: must_fire\nrule: A\nstart: soon\nwithin: 5m", "'soon' is not an instant"),
        ("kind: must_fire\nrule: A\nstart: 2026-11-16\nwithin: long", "not a length of time"),
    ],
)
def test_mistakes_in_a_guard(tmp_path: Path, text: str, said: str) -> None:
    """Each is said with its place."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(DefinitionMistakes) as caught:
        read_guard(tmp_path)
    assert said in str(caught.value)


def test_guards_are_found_below_a_folder(tmp_path: Path, rules: Path) -> None:
    """By name, wherever they lie; a folder that does not exist is said."""
    folder = frozen(tmp_path, rules)
    shutil.copytree(folder, tmp_path / "guards" / "deep" / "another")
    assert [path.name for path in find_guards([tmp_path / "guards", folder])] == ["another", "shop-fails"]
    with pytest.raises(NotFound, match="tocsin guards new"):
        find_guards([tmp_path / "none"])


def test_what_can_not_be_frozen(tmp_path: Path, rules: Path) -> None:
    """An unknown rule, an empty stretch, a slice too large, a folder that is there."""
    with pytest.raises(NotFound, match="did you mean 'ShopFails'"):
        frozen(tmp_path, rules, rule="ShopFail")
    with pytest.raises(InvalidInput, match="needs some time"):
        frozen(tmp_path, rules, within_s=0.0, end=START)
    with pytest.raises(LimitExceeded, match=r"replay\.slice_mb_max"):
        frozen(tmp_path, rules, size_bytes_max=100)
    frozen(tmp_path, rules)
    with pytest.raises(InvalidInput, match="is there already"):
        frozen(tmp_path, rules)


def test_less_context_than_the_rule_looks_back_is_remarked(rules: Path) -> None:
    """A slice that is shorter than the rule's windows says so."""
    request = FreezeRequest("a", "ShopFails", START, within_s=300, context_s=60)
    guard = freeze(request, RuleSet(tuple(groups_of(rules))), shop())
    assert guard.remarks
    assert "the slice 60 s" in guard.remarks[0]


def test_a_damaged_slice_is_an_error(tmp_path: Path, rules: Path) -> None:
    """A file that was cut, lines that are no series, and too much of them."""
    folder = frozen(tmp_path, rules)
    path = folder / "telemetry" / "series.jsonl.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert "can't be read to its end" in run(folder).error
    path.write_bytes(gzip.compress(b'{"labels": {}}\n'))
    assert "series.jsonl.gz:1: not a series" in run(folder).error
    path.write_bytes(whole)
    with pytest.raises(LimitExceeded, match="slice_mb_max"):
        held_series([path], bytes_max=100)


def test_series_lines_are_exact() -> None:
    """Numbers to the bit, with all that JSON has not, and native histograms."""
    held = HeldSeries()
    values = np.array([0.1, -0.0, np.inf, -np.inf, np.nan, STALE_NAN, 1e308, 5e-324])
    times = np.arange(len(values), dtype=np.int64)
    labels = Labels({"__name__": "a", "b": "ü"})
    held.add(labels, times, values)
    point = NativeHistogram(1, 3.0, 4.5, 0.001, 1.0, Buckets(-2, np.array([1.0, 0.0, 1.0])))
    held.add_answer(labels, SeriesAnswer(labels, times[:0], values[:0], np.array([100], dtype=np.int64), [point]))
    numbers, histograms = (read_series_line(line) for line in series_lines(held.select([], 0, 1000, samples_max=100)))
    assert numbers.labels == labels
    assert numbers.timestamps_ms.tolist() == times.tolist()
    assert numbers.values.view(np.uint64).tolist()[:4] == values.view(np.uint64).tolist()[:4]
    assert numbers.values.view(np.uint64)[5] == values.view(np.uint64)[5]
    assert numbers.values.tolist()[6:] == values.tolist()[6:]
    (back,) = histograms.histograms
    assert (back.schema, back.count, back.positive.offset, back.positive.counts.tolist()) == (1, 3.0, -2, [1.0, 0.0, 1.0])


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(
        lambda text: b'{"labels":{"__name__":"a"},"times_ms":[1,2],"values":[' + text.encode("utf-8", "replace") + b"]}"
    )
)
def test_any_line_is_a_series_or_refused(line: bytes) -> None:
    """Whatever stands in a file of a guard, it is read or refused by name."""
    try:
        answer = read_series_line(line)
    except ParseError:
        return
    assert len(answer.timestamps_ms) == len(answer.values)


WHOLE = """
kind: must_fire
description: the shop fails
incident: INC-7
rule: ShopFails
labels: {service: shop}
start: 2026-11-16T10:00:00Z
within: 5m
query: {logs: 'severity:error', below: 3}
"""


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40), cut=st.integers(0, len(WHOLE)))
def test_any_guard_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, cut: int) -> None:
    """Whatever stands in a guard's file, it is a guard or every mistake is said."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / FILE).write_text(WHOLE[:cut] + text + WHOLE[cut:], encoding="utf-8", errors="replace")
    with suppress(DefinitionMistakes):
        read_guard(folder)
