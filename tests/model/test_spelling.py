"""What was probably meant."""

from __future__ import annotations

from tocsin.model.spelling import did_you_mean


def test_a_slip_finds_its_name() -> None:
    """One letter too few, letters of the other case; the name is shown as it is known."""
    assert did_you_mean("targt", ["target", "window"]) == "; did you mean 'target'?"
    assert did_you_mean("TIMEWINDOW", ["timeWindow"]) == "; did you mean 'timeWindow'?"


def test_what_is_far_from_everything_gets_no_advice() -> None:
    """Nothing near, nothing known, or the very name itself."""
    assert did_you_mean("banana", ["target", "window"]) == did_you_mean("target", []) == did_you_mean("target", ["target"]) == ""
