"""Where facts of a page come from, and that nothing is waited for for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.alert.page.builders import BEGAN, NOW, alert, budget, deployed, told

from tocsin.alert.page.source import PageFactsSource, PageSources, PageStatistics
from tocsin.alert.page.writing import PageAddresses
from tocsin.errors import NotFound, StoreError
from tocsin.model.answers import TopError, TracePage, TraceSummary
from tocsin.model.deployment import Deployment
from tocsin.model.instant import NANOSECONDS
from tocsin.slo.answers import Budget


class StillClock:
    """It is 02:07."""

    def now_ns(self) -> int:
        """The instant of the tests."""
        return NOW

    def monotonic_s(self) -> float:
        """Nothing passes."""
        return 0.0


@dataclass
class Slos:
    """Knows one objective; may be held up."""

    held: threading.Event | None = None
    asked: list[str] = field(default_factory=list)

    def budget(self, key: str, *, at: int | None = None) -> Budget:
        """Its budget."""
        assert at is None
        self.asked.append(key)
        if self.held is not None:
            self.held.wait(30)
        if key != "checkout-availability":
            raise NotFound(f"no objective is called {key!r}")
        return budget()


class Deployments:
    """Knows one deployment."""

    def between(self, start: int, end: int, *, service: str | None = None) -> Sequence[Deployment]:
        """Those of checkout within two hours before."""
        assert (BEGAN - start, service) == (7200 * NANOSECONDS, "checkout")
        assert end > NOW
        return [deployed(90, version="v2.3.0"), deployed(6)]


@dataclass
class Desk:
    """Knows errors and traces."""

    failures: Sequence[TopError] = ()
    broken: bool = False

    def errors(self, *, service: str | None = None, start: Any = None, end: Any = None, limit: int = 20) -> list[TopError]:
        """What failed in the last quarter of an hour."""
        assert (service, end - start, end) == ("checkout", 900 * NANOSECONDS, NOW)
        if self.broken:
            raise StoreError("the engine does not answer")
        return list(self.failures)[:limit]

    def traces(self, query: str = "", *, service: str | None = None, **_: Any) -> TracePage:
        """The slowest one."""
        return TracePage([TraceSummary("beef", service or "", query, NOW, 1, 1, 0, [])])


def failure(trace_id: str | None, message: str = "timeout") -> TopError:
    """A kind of failure."""
    return TopError("checkout", "POST /pay", "Timeout", message, 12, BEGAN, NOW, trace_id, "spans")


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What holds up a source until the test ends."""
    event = threading.Event()
    yield event
    event.set()


def test_all_sources_are_asked() -> None:
    """The budget of the objective, deployments before, the commonest error, and a trace that shows it."""
    sources = PageSources(Slos(), Deployments(), Desk([failure(None, "first"), failure("cafe")]))
    with closing(PageFactsSource(sources, clock=StillClock(), addresses=lambda: PageAddresses("https://ops"))) as source:
        facts = source.facts(told(alert()))
        page = source.page(told(alert()))
    assert facts.burn is not None
    assert (facts.burn.rate, facts.burn.budget, facts.burn.total) == (33.3, "30-day budget", 9870.0)
    assert [one.version for one in facts.deployments] == ["v2.3.1", "v2.3.0"]
    assert facts.error is not None
    assert (facts.error.message, facts.error.count) == ("first", 12)
    assert (facts.trace_id, facts.trace_why) == ("cafe", "failed")
    assert facts.missing == ()
    assert page.title == "P1: checkout-availability burns 33.3x too fast"
    assert page.links[0].url == "https://ops/api/traces/cafe"


def test_where_nothing_failed_the_slowest_trace_is_shown() -> None:
    """A latency alert has no failed trace."""
    with closing(PageFactsSource(PageSources(telemetry=Desk()), clock=StillClock())) as source:
        facts = source.facts(told(alert()))
    assert (facts.trace_id, facts.trace_why, facts.error) == ("beef", "slow", None)


def test_what_takes_too_long_is_left_out_and_said(held: threading.Event) -> None:
    """The rest is there, in time."""
    sources = PageSources(Slos(held), Deployments(), Desk([failure("cafe")]))
    with closing(PageFactsSource(sources, clock=StillClock(), limit_s=0.05)) as source:
        facts = source.facts(told(alert()))
    assert facts.missing == ("the budget: no answer within 0.05 s",)
    assert facts.burn is None
    assert facts.trace_id == "cafe"
    assert len(facts.deployments) == 2


def test_what_fails_is_left_out_and_said() -> None:
    """An engine in trouble, an objective that is gone: the page goes out."""
    sources = PageSources(Slos(), Deployments(), Desk(broken=True))
    with closing(PageFactsSource(sources, clock=StillClock())) as source:
        facts = source.facts(told(alert({"objective": "gone", "slo": "also-gone"})))
        page = source.page(told(alert({"objective": "gone"})))
    assert facts.missing == ("the budget: no objective is called 'gone'", "a trace: the engine does not answer")
    assert page.title == "P1: CheckoutBurns of checkout"


def test_what_is_not_about_a_service_asks_nothing() -> None:
    """Nor does what ended, nor a bare page."""
    slos = Slos()
    with closing(PageFactsSource(PageSources(slos, Deployments(), Desk(broken=True)), clock=StillClock())) as source:
        nameless = alert({"service": "", "objective": ""})
        assert source.facts(told(nameless)).missing == ()
        assert source.facts(told(alert(ended_at=NOW - 1))).missing == ()
        assert source.bare(told(alert())).title == "P1: CheckoutBurns of checkout"
    assert slos.asked == []


def test_the_label_slo_names_an_objective_too() -> None:
    """Where `objective` names none that is known."""
    slos = Slos()
    with closing(PageFactsSource(PageSources(slos), clock=StillClock())) as source:
        assert source.facts(told(alert({"objective": "old", "slo": "checkout-availability"}))).burn is not None
    assert slos.asked == ["old", "checkout-availability"]


def test_a_page_goes_out_whatever_is_wrong() -> None:
    """A source that breaks in a way nobody thought of, and after it was closed."""

    class Broken:
        def budget(self, key: str, *, at: int | None = None) -> Budget:
            raise ZeroDivisionError(key, at)

    source = PageFactsSource(PageSources(Broken()), clock=StillClock())
    page = source.page(told(alert()))
    assert page.lines[-1] == "Not known: the budget: ZeroDivisionError."
    assert source.statistics() == PageStatistics(pages=1, failed=1)
    source.close()
    assert source.page(told(alert())).title == "P1: CheckoutBurns of checkout"

    def no_addresses() -> PageAddresses:
        raise RuntimeError

    with closing(PageFactsSource(PageSources(), clock=StillClock(), addresses=no_addresses)) as other:
        assert other.page(told(alert())).title == "firing: CheckoutBurns"
