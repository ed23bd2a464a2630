"""`tocsin query` and `tocsin check` with rule files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.api.fake_desk import FakeDesk
from tests.api.prometheus.memory_catalog import MemoryCatalog
from tests.cli.conftest import NOW, Tocsin

from tocsin.clock import RealClock
from tocsin.model.labels import Labels
from tocsin.query.metrics import Metrics

NOW_MS = NOW // 10**6


@pytest.fixture
def desk() -> FakeDesk:
    """A desk with two series of a gauge that rises."""
    catalog = MemoryCatalog()
    for place, offset in (("attic", 0.0), ("cellar", 100.0)):
        catalog.add(
            Labels({"__name__": "level", "place": place}), {NOW_MS - number * 15_000: offset + 240 - number for number in range(240)}
        )
    found = FakeDesk()
    found.metrics = Metrics(catalog, RealClock())
    return found


def test_an_instant_is_a_table(tocsin: Tocsin, url: str) -> None:
    """A line per series, with its labels as PromQL writes them."""
    outcome = tocsin("query", "level", "--url", url)
    assert outcome.code == 0, outcome.err
    assert 'level{place="attic"}' in outcome.out
    assert outcome.out.splitlines()[1].endswith("240")


def test_a_range_of_one_series_is_a_plot(tocsin: Tocsin, url: str) -> None:
    """An area with its lowest and highest number, and its span of time."""
    outcome = tocsin("query", 'level{place="attic"}', "--range", "30m", "--url", url)
    assert outcome.code == 0, outcome.err
    assert "█" in outcome.out
    assert "2026-03-02" not in outcome.out.splitlines()[0]
    assert "03-02 09:30:00 to 03-02 10:00:00 UTC" in outcome.out


def test_a_range_of_several_series_is_a_line_each(tocsin: Tocsin, url: str) -> None:
    """Lowest, highest and last number beside it."""
    outcome = tocsin("query", "level", "--range", "30m", "--step", "1m", "--url", url)
    lines = outcome.out.splitlines()
    assert len(lines) == 3
    assert "120" in lines[1]
    assert "340" in lines[2]


def test_json_is_the_answer_as_it_came(tocsin: Tocsin, url: str) -> None:
    """For programs."""
    outcome = tocsin("query", "level", "--json", "--url", url)
    assert json.loads(outcome.out)["data"]["resultType"] == "vector"


@pytest.mark.parametrize(("expression", "said"), [("1 + 1", "2"), ('"text"', "text"), ("absent_metric", "no series match")])
def test_other_answers_are_said_plainly(tocsin: Tocsin, url: str, expression: str, said: str) -> None:
    """Numbers and texts alone; nothing found is not zero."""
    assert said in tocsin("query", expression, "--url", url).out


def test_a_query_that_does_not_read_is_one_sentence(tocsin: Tocsin, url: str) -> None:
    """With the place of the mistake."""
    outcome = tocsin("query", "sum(", "--url", url)
    assert outcome.code != 0
    assert "parse error" in outcome.err


def test_a_step_needs_a_range(tocsin: Tocsin, url: str) -> None:
    """Alone it means nothing."""
    assert "--range" in tocsin("query", "level", "--step", "1m", "--url", url).err


def test_rule_files_are_checked(tocsin: Tocsin, tmp_path: Path) -> None:
    """Good ones are counted, bad ones listed with line and column, duplicates too."""
    good, bad, twice = (tmp_path / name for name in ("good.yml", "bad.yml", "twice.yml"))
    good.write_text("groups:\n- name: g\n  rules: [{record: a, expr: up}, {alert: b, expr: up == 0}]\n", encoding="utf-8")
    bad.write_text("groups:\n- name: g\n  rules: [{record: a, expr: 'sum('}]\n", encoding="utf-8")
    twice.write_text("groups:\n- name: g\n  rules: [{record: a, expr: up}, {record: a, expr: up}]\n", encoding="utf-8")
    assert "SUCCESS: 2 rules found" in tocsin("check", str(good)).out
    outcome = tocsin("check", str(bad), str(twice), str(tmp_path / "absent.yml"))
    assert outcome.code == 1
    assert f"{bad}: 3:" in outcome.out
    assert "1 duplicate rule found" in outcome.out
    assert "absent.yml" in outcome.out


def test_a_configuration_among_rule_files_is_told_its_option(tocsin: Tocsin, tmp_path: Path) -> None:
    """Whoever checks the configuration as if it were rules learns how it is checked."""
    path = tmp_path / "tocsin.yaml"
    path.write_text("scrape: {jobs: []}\n", encoding="utf-8")
    assert f"tocsin check --config {path}" in tocsin("check", str(path)).out
