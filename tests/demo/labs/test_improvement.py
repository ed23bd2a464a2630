"""Lab 5, run as a student would run it."""

from __future__ import annotations

import logging

import pytest

from tocsin.demo.labs import improvement


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the lab shows below its heading."""
    logger = logging.getLogger("tocsin.incident")
    level, shown = logger.level, list[str]()
    improvement.main(shown.append)
    logger.setLevel(level)
    return shown[1:]


def test_the_table_is_that_of_the_lab(lines: list[str]) -> None:
    """The first and the last week, to the character; in between what was guarded stays no news."""
    assert lines[-5:] == [
        "  week  incidents  new  repeats_prevented  total_guards",
        "    1        3       3          0               3",
        "    2        2       1          1               4",
        "    3        2       0          2               4",
        "    4        1       0          1               4",
    ]


def test_every_incident_says_whether_it_is_news(lines: list[str]) -> None:
    """Four failures were new once; each time after it their guard was known."""
    assert [line.rpartition(": ")[2].split(",")[0] for line in lines[:8]] == ["new"] * 3 + ["a repeat", "new"] + ["a repeat"] * 3
