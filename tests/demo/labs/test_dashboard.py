"""Lab 2, run as a student would run it."""

from __future__ import annotations

import pytest

from tocsin.demo.labs import dashboard


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the lab shows below its heading."""
    shown: list[str] = []
    dashboard.main(shown.append)
    assert shown[0].startswith("==== ASSISTANT")
    return shown[1:]


def test_exactly_four_rows_breach_with_their_figures(lines: list[str]) -> None:
    """The four rows, to the character; percentiles and shares are exact, not estimates from bins."""
    assert [line for line in lines if "BREACH" in line] == [
        "  latency p95   5000ms    BREACH",
        "  error rate    10.0%     BREACH",
        "  saturation    100%      BREACH",
        "  SLO burn      10.0x     BREACH",
    ]


def test_traffic_stands_beside_them_and_is_well(lines: list[str]) -> None:
    """Forty requests in a minute are no breach of anything."""
    assert [line for line in lines if "BREACH" not in line] == ["  traffic       0.67/s"]


def test_the_window_is_what_it_says() -> None:
    """One request in ten fails and takes five seconds."""
    assert dashboard.REQUESTS % 10 == 0
    assert max(dashboard.FAST_MS) < 1000 < dashboard.SLOW_MS
