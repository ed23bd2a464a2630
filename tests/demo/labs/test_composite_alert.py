"""The challenge of lab 2, run as a student would run it."""

from __future__ import annotations

import pytest

from tocsin.demo.labs import composite_alert


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the lab shows below its heading."""
    shown: list[str] = []
    composite_alert.main(shown.append)
    return shown[1:]


def test_two_signals_or_a_fast_burn_page_and_one_does_not(lines: list[str]) -> None:
    """Of five windows four page on any signal, two on two signals or a fast burn."""
    assert [line for line in lines if not line.startswith("      ")] == [
        "  all is well                                   Any Signal: -     Two Signals: -",
        "  a batch job makes some requests slow          Any Signal: PAGE  Two Signals: -",
        "  the machine is busy, users notice nothing     Any Signal: PAGE  Two Signals: -",
        "  slow, failing and full at once                Any Signal: PAGE  Two Signals: PAGE",
        "  a dependency is gone: a third fails at once   Any Signal: PAGE  Two Signals: PAGE",
        "  pages: 4 on any signal, 2 on two or a fast burn",
    ]


def test_it_says_why(lines: list[str]) -> None:
    """Three of three signals at once; then a burn that needs no company."""
    several, burn = (line.strip() for line in lines if line.startswith("      "))
    assert several.startswith("3 of 3 hold, 2 are needed: latency (latency p95 5,000 ms over 5 min")
    assert burn.startswith("a fast burn alone is enough: assistant-availability burns 3")
