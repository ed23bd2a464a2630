"""`tocsin calc`: every calculator in the terminal, without a server."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Tocsin

from tocsin.cli.calc import show_figure
from tocsin.slo.calculators.catalog import CALCULATORS

EXAMPLES = {"target": "99.9%", "availabilities": "99.95%,99.99%", "availability": "99.9%", "count": "3", "days": "2"}


def test_all_calculators_are_listed(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone or as `list`: names, questions and, where there is room, what they ask for."""
    wide = tocsin("calc").out
    assert wide == tocsin("calc", "list").out
    for calculator in CALCULATORS:
        assert calculator.name in wide
        assert calculator.summary in wide
    assert "--target [--window-days]" in wide
    monkeypatch.setenv("COLUMNS", "80")
    narrow = tocsin("calc").out
    assert "--target [" not in narrow
    assert all(len(line) <= 80 for line in narrow.splitlines())


def test_the_list_is_json_too(tocsin: Tocsin) -> None:
    """With each parameter's bounds and default."""
    listed = {one["name"]: one for one in json.loads(tocsin("calc", "--json").out)}
    assert listed["downtime"]["parameters"][0]["name"] == "target"


@pytest.mark.parametrize("calculator", CALCULATORS, ids=lambda one: one.name)
def test_every_calculator_runs_with_what_it_needs(tocsin: Tocsin, calculator: object) -> None:
    """Each answers from its required options alone, in words and as JSON, and explains itself."""
    name, parameters = calculator.name, calculator.parameters  # type: ignore[attr-defined]  # a Calculator
    given: list[str] = []
    for parameter in parameters:
        if parameter.default is None:
            given += [f"--{parameter.name.replace('_', '-')}", EXAMPLES.get(parameter.name, "2")]
    outcome = tocsin("calc", name, *given)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.strip()
    assert isinstance(json.loads(tocsin("calc", name, *given, "--json").out), dict)
    assert all(f"--{parameter.name.replace('_', '-')}" in tocsin("calc", name, "--help").out for parameter in parameters[:1])


def test_downtime_is_what_tables_say(tocsin: Tocsin) -> None:
    """Three nines: 43.2 minutes of 30 days, 8.76 hours of a year."""
    out = tocsin("calc", "downtime", "--target", "99.9%").out
    assert "per month          2592 s (43.2 min)\n" in out
    assert "per year           31536 s (8.76 h)\n" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("downtime", "--target", "99.9"), "write 99.9% or 0.999"),
        (("downtime", "--target", "x\x1b[2J"), "must be a number"),
        (("downtime",), "--target"),
        (("downtme",), "downtme"),
        (("serial", "--availabilities", ""), "must be a number"),
    ],
)
def test_what_is_wrong_is_said(tocsin: Tocsin, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 2 and a sentence that says what to write."""
    outcome = tocsin("calc", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("per_month_s", 2592.0, "2592 s (43.2 min)"),
        ("detection_s", 52.0, "52 s"),
        ("bad_ratio", 0.001, "0.1 %"),
        ("availability", 0.99940005, "99.940005 %"),
        ("target", 0.9999999999999999, "99.99999999999999 %"),
        ("target", 0.99999999994, "99.999999994 %"),
        ("combined", 0.1 + 0.2, "30 %"),
        ("chance", 1.0, "100 %"),
        ("error_ratio", 0.0, "0 %"),
        ("burn_ratio", 1.5, "150 %"),
        ("remaining_minutes", 8.2, "8.2 minutes"),
        ("terabytes_per_day", 3.456, "3.456 TB"),
        ("traces_kept_per_s", 10_000.0, "10,000"),
        ("exhausted_in_days", None, "-"),
        ("proceed", True, "yes"),
        ("reachable", False, "no"),
        ("count", 5, "5"),
        ("words", "a\x1bb", "a␛b"),
    ],
)
def test_figures_carry_their_units(name: str, value: object, shown: str) -> None:
    """Read off the field's name; nothing known is a dash."""
    assert show_figure(name, value) == shown
