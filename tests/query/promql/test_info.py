"""`info`: labels of info metrics joined to the series of the same instance and job."""

from __future__ import annotations

import pytest
from tests.query.promql.scripts import ask, holds

from tocsin.errors import InvalidInput

HOSTS = """
    load 1m
      hits{instance="h1", job="web", code="200"} 1 2 3
      hits{instance="h2", job="web", code="200"} 4 5 6
      target_info{instance="h1", job="web", region="north", tier="gold"} 1 1 1
      build_info{instance="h1", job="web", version="1.2"} 1 1 1
"""


def test_all_labels_of_the_target() -> None:
    """Without a selector every label of `target_info` is added; a series without one stays as it is."""
    holds(
        HOSTS
        + """
    eval instant at 0m info(hits)
      hits{instance="h1", job="web", code="200", region="north", tier="gold"} 1
      hits{instance="h2", job="web", code="200"} 4

    eval instant at 0m info(rate(hits[2m]))
    """
    )


def test_wanted_labels() -> None:
    """A selector names the labels that are added; what must not be empty leaves series without it out."""
    holds(
        HOSTS
        + """
    eval instant at 0m info(hits, {tier=~".+"})
      hits{instance="h1", job="web", code="200", tier="gold"} 1

    eval instant at 0m info(hits, {tier=~".*"})
      hits{instance="h1", job="web", code="200", tier="gold"} 1
      hits{instance="h2", job="web", code="200"} 4

    eval instant at 0m info(hits, {tier="silver"})
    """
    )


def test_other_metrics() -> None:
    """The selector's name chooses the info metrics; refusals alone choose among all that end in `_info`."""
    holds(
        HOSTS
        + """
    eval instant at 0m info(hits{instance="h1"}, {__name__="build_info"})
      hits{instance="h1", job="web", code="200", version="1.2"} 1

    eval instant at 0m info(hits{instance="h1"}, {__name__=~".+_info"})
      hits{instance="h1", job="web", code="200", region="north", tier="gold", version="1.2"} 1

    eval instant at 0m info(hits{instance="h1"}, {__name__!="target_info"})
      hits{instance="h1", job="web", code="200", version="1.2"} 1

    eval instant at 0m info(build_info, {__name__="build_info"})
      build_info{instance="h1", job="web", version="1.2"} 1
    """
    )


def test_labels_change_with_time() -> None:
    """Where an info series follows another, the newer one counts from its first sample on."""
    holds("""
        load 1m
          hits{instance="h1", job="web"} 1 2 3
          target_info{instance="h1", job="web", region="north"} 1 1 _
          target_info{instance="h1", job="web", region="south"} _ _ 1

        eval range from 0m to 2m step 1m info(hits)
          hits{instance="h1", job="web", region="north"} 1 2 _
          hits{instance="h1", job="web", region="south"} _ _ 3
    """)


def test_own_labels_win() -> None:
    """A label that the series has already is not replaced."""
    holds("""
        load 1m
          hits{instance="h1", job="web", region="mine"} 1
          target_info{instance="h1", job="web", region="north", tier="gold"} 1

        eval instant at 0m info(hits)
          hits{instance="h1", job="web", region="mine", tier="gold"} 1
    """)


def test_contradictions_are_refused() -> None:
    """Two sources of the same instant, labels that differ between metrics, and histograms are errors."""
    hits = 'load 1m\n  hits{instance="h", job="w"} 1\n'
    twice = hits + '  target_info{instance="h", job="w", a="1"} 1\n  target_info{instance="h", job="w", a="2"} 1\n'
    with pytest.raises(InvalidInput, match="found duplicate series for info metric"):
        ask(twice, "info(hits)", at_s=0)
    differing = (
        'load 1m\n  hits{instance="h", job="w"} 1\n  a_info{instance="h", job="w", a="1"} 1\n  b_info{instance="h", job="w", a="2"} 1\n'
    )
    with pytest.raises(InvalidInput, match="conflicting label"):
        ask(differing, 'info(hits, {__name__=~"._info"})', at_s=0)
    histogram = hits + '  target_info{instance="h", job="w", a="1"} {{count:1}}\n'
    with pytest.raises(InvalidInput, match="this should be an info metric, with float samples"):
        ask(histogram, "info(hits)", at_s=0)
