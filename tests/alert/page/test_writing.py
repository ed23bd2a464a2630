"""The words of a page."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alert.page.builders import BEGAN, MINUTE, NOW, alert, budget, deployed, told

from tocsin.alert.page.facts import BurnFacts, ErrorFacts, PageFacts
from tocsin.alert.page.source import burn_facts
from tocsin.alert.page.text import LINE_CHARS_MAX, TITLE_CHARS_MAX, PageText
from tocsin.alert.page.writing import PageAddresses, time_words, write_page
from tocsin.model.deployment import DeploymentStatus
from tocsin.model.instant import parse_instant
from tocsin.model.notification import NotificationReason

BURNS = (
    "checkout-availability burns 33.3x too fast: at this rate the 30-day budget is gone in 21 h 7 min; 31 % is left; "
    "214 of 9,870 events were bad in the last 1 h."
)
FILTER = '{alertname="CheckoutBurns", objective="checkout-availability", service="checkout", severity="page"}'
OPS = PageAddresses("https://ops.example/")
FULL = PageFacts(
    service="checkout",
    burn=burn_facts(budget()),
    deployments=(deployed(),),
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    trace_why="failed",
    error=ErrorFacts("POST /pay", "timeout after 2 s", 120, 900),
)


def write(facts: PageFacts = FULL, **settings: object) -> PageText:
    """The page of one alert."""
    return write_page(told(alert(runbook_url="https://runs/checkout"), **settings), facts, OPS, NOW)  # type: ignore[arg-type]


def test_a_page_says_everything_that_is_known() -> None:
    """What burns, how fast, what is left, since when, what changed, what fails, and where to look."""
    page = write()
    assert page.title == "P1: checkout-availability burns 33.3x too fast"
    assert page.lines == (
        BURNS,
        "Since 02:03 UTC (4 min).",
        "6 min before: checkout v2.3.1 was deployed by ana.",
        "Fails most often: POST /pay: timeout after 2 s (120 in 15 min).",
    )
    assert [(link.kind, link.url) for link in page.links] == [
        ("trace", "https://ops.example/api/traces/4bf92f3577b34da6a3ce929d0e0e4736"),
        ("logs", "https://ops.example/api/logs?query=trace_id%3A4bf92f3577b34da6a3ce929d0e0e4736"),
        ("runbook", "https://runs/checkout"),
        ("objective", "https://ops.example/api/slos/checkout-availability"),
        (
            "silence",
            f"https://ops.example/alertmanager/#/silences/new?filter={quote(FILTER, safe='')}",
        ),
    ]
    assert (page.severity, page.firing) == ("P1", True)


def test_a_page_without_facts_makes_none_up() -> None:
    """Only what the alert itself says, and what could not be found, with its reason."""
    page = write_page(
        told(alert(summary="it burns")), PageFacts("checkout", missing=("the budget: no answer within 2 s",)), PageAddresses(), NOW
    )
    assert page.title == "P1: CheckoutBurns of checkout"
    assert page.lines == ("it burns", "Since 02:03 UTC (4 min).", "Not known: the budget: no answer within 2 s.")
    assert page.links == ()


@pytest.mark.parametrize(
    ("burn", "said"),
    [
        (budget(rate=0.4, gone_in_s=None), "burns at 0.4x: at this rate the 30-day budget lasts; 31 % is left; 214"),
        (budget(remaining=-0.2, gone_in_s=0), "burns 33.3x too fast: the 30-day budget is spent; 120 % of it is used; 214"),
        (budget(rate=None, gone_in_s=None), "31 % is left."),
        (budget(rate=None, remaining=None, gone_in_s=None), "Since 02:03"),
    ],
)
def test_budgets_in_words(burn: object, said: str) -> None:
    """A slow burn, a spent budget, no events in the last hour, no events at all."""
    page = write(replace(FULL, burn=burn_facts(burn)))  # type: ignore[arg-type]
    assert said in page.lines[0]


def test_what_ended_says_how_long_it_lasted() -> None:
    """No budget, no silence; from when to when."""
    page = write_page(told(alert(ended_at=BEGAN + 28 * MINUTE - 27 * MINUTE)), FULL, OPS, NOW)
    assert page.title == "Resolved: CheckoutBurns of checkout"
    assert page.lines[0] == "Lasted from 02:03 UTC to 02:04 UTC (1 min)."
    assert "silence" not in [link.kind for link in page.links]
    assert not page.firing


def test_several_alerts_have_a_line_each() -> None:
    """What sets each apart, its own text, and how many more there are; texts that all share stand once."""
    alerts = [alert({"instance": f"db{index}"}, summary=f"db{index} is slow", description="shared") for index in range(12)]
    page = write_page(told(*alerts, truncated=3, quiet={"silenced": 2, "inhibited": 1}), PageFacts("checkout"), PageAddresses(), NOW)
    assert page.title == "P1: CheckoutBurns of checkout (15 alerts)"
    assert page.lines == (
        "shared",
        "Since 02:03 UTC (4 min).",
        "Further alerts of the group are not told: 1 inhibited, 2 silenced.",
    )
    assert page.alerts[0] == "instance=db0: db0 is slow (since 02:03 UTC)"
    assert len(page.alerts) == 11
    assert page.alerts[-1] == "and 5 more"


def test_the_note_stands_first() -> None:
    """Why somebody else is told; without a note the reason says it."""
    assert write(note="slack/0 could not be told: 503").lines[0] == "slack/0 could not be told: 503"
    assert write(reason=NotificationReason.ESCALATION).lines[0] == "Nobody acknowledged this in time."


def test_groups_by_other_labels_are_named() -> None:
    """A title says what the group is about."""
    page = write_page(told(alert({"zone": "north"}), group={"alertname": "CheckoutBurns", "zone": "north"}), PageFacts(), OPS, NOW)
    assert page.title == "P1: CheckoutBurns of checkout (north)"
    other = write_page(told(alert(), alert({"alertname": "Other"}), group={"service": "checkout"}), PageFacts(), OPS, NOW)
    assert other.title == "P1: CheckoutBurns and 1 more of checkout (2 alerts)"


def test_deployments_in_words() -> None:
    """Before or after it began, and how they ended; at most three."""
    some = (deployed(-2, status=DeploymentStatus.ROLLED_BACK), deployed(6), deployed(60, version="", status=DeploymentStatus.STARTED))
    lines = write(PageFacts(deployments=(*some, deployed(90)))).lines
    assert lines[1:] == (
        "2 min after it began: checkout v2.3.1 was rolled back by ana.",
        "6 min before: checkout v2.3.1 was deployed by ana.",
        "1 h before: checkout began to be deployed by ana.",
    )


def test_times_have_a_day_where_it_is_another() -> None:
    """Always UTC."""
    assert time_words(parse_instant("2026-11-19T23:59:59Z"), NOW) == "2026-11-19 23:59 UTC"
    assert time_words(BEGAN, NOW) == "02:03 UTC"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "runbooks/checkout.md", "http://", "https://a b", "//x", "data:text/html,x"])
def test_only_addresses_of_the_web_are_links(address: str) -> None:
    """Anything else that an annotation holds is shown as a name."""
    page = write_page(told(alert(runbook_url=address)), PageFacts(), PageAddresses(), NOW)
    assert [(link.label, link.url) for link in page.links] == [(f"Runbook: {address}", "")]


def test_unknown_and_empty() -> None:
    """An alert without a name, a severity or a beginning still gives a page."""
    bare = replace(alert({"alertname": "", "severity": "", "service": "", "objective": ""}), starts_at=0)
    page = write_page(told(bare, group={"a": "b"}), PageFacts(), PageAddresses(), NOW)
    assert page == PageText("Alert (b)")
    assert page.text == "Alert (b)"


@given(st.text(max_size=50), st.text(max_size=50), st.integers(0, 3000), st.floats(allow_nan=False, allow_infinity=False, min_value=0))
@settings(max_examples=100, deadline=None)
def test_any_texts_give_bounded_clean_pages(name: str, text: str, times: int, rate: float) -> None:
    """Whatever labels and annotations hold, a page has no control characters and a bounded size."""
    facts = replace(FULL, burn=BurnFacts(name, "30-day budget", rate, 3600, rate, rate, rate, rate), error=ErrorFacts(text, name, 1, 900))
    page = write_page(told(alert({"alertname": name, "x": text}, summary=text * times)), facts, OPS, NOW)
    assert len(page.title) <= TITLE_CHARS_MAX
    assert "\n" not in page.title
    assert all(len(line) <= LINE_CHARS_MAX for line in page.lines)
    assert not any(ord(one) < 32 and one not in "\n\t" for one in page.text)
    page.text.encode("utf-8")
