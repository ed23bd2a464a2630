"""Causes against symptoms, run as a student would run it."""

from __future__ import annotations

from tocsin.demo.labs import alerting


def test_symptoms_wake_less_and_find_more() -> None:
    """Fewer pages, none for nothing, no incident missed; that is what the seeds say, and here it is counted."""
    shown: list[str] = []
    alerting.main(shown.append)
    figures = {line[: alerting.NAME_WIDTH + 2].strip(): line[alerting.NAME_WIDTH + 2 :].split() for line in shown[2:]}
    cause, symptom = (int(value) for value in figures["pages"])
    assert symptom < cause / 3
    assert figures["woken for nothing"][1] == "0"
    assert figures["incidents missed"][1] == "0"
    assert int(figures["incidents missed"][0]) > 0
