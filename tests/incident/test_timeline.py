"""Timelines: what other rooms know beside what was written down, in order, as far as it can be read."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from tests.incident.house import MINUTE, SECOND, START, Deploys, House, alert

from tocsin.errors import StoreError
from tocsin.incident.timeline import BEFORE_NS, ENTRIES_MAX, Timelines, time_of
from tocsin.incident.timeline_sources import AlertEntries, BudgetEntries, DeploymentEntries, PageEntries, sources_of
from tocsin.model.alert import AlertEvent, AlertEventKind
from tocsin.model.budget import PolicyTransition
from tocsin.model.incident import Entry, EntryKind, Incident, IncidentSource
from tocsin.model.labels import Labels
from tocsin.model.notification import Attempt, DeliveryState, Notification, NotificationReason
from tocsin.model.severity import Severity

INCIDENT = Incident(1, "t", "checkout", Severity.P1, "", IncidentSource.PAGE, START, alerted_at=START - MINUTE)


class Fixed:
    """Knows these entries, or fails."""

    def __init__(self, *entries: Entry, failure: Exception | None = None) -> None:
        self._entries = entries
        self._failure = failure

    def between(self, start: int, end: int, services: Sequence[str], group_keys: Sequence[str]) -> Sequence[Entry]:
        """All of them."""
        if self._failure is not None:
            raise self._failure
        return self._entries


def test_all_that_is_known_in_order(house: House) -> None:
    """Of one instant the cause stands before the alert, the alert before the page, what people did last."""
    kept = house.state.incidents
    house.desk.open("t", severity=Severity.P1, by="ana")
    sources = [
        (
            "x",
            Fixed(Entry(START, EntryKind.PAGE, "page"), Entry(START, EntryKind.ALERT, "alert"), Entry(START, EntryKind.DEPLOYMENT, "new")),
        )
    ]
    incident = replace(kept.get(1), service="checkout")
    texts = [entry.text for entry in Timelines(kept, sources).of(incident, START + 1).entries]
    assert texts == ["new", "alert", "opened by hand: t", "page"]


def test_what_can_not_be_read_is_said(house: House) -> None:
    """Half a timeline is better than none; too many entries are cut, and that is said, too, when it is frozen."""
    many = [Entry(START + index, EntryKind.ALERT, "a") for index in range(ENTRIES_MAX + 5)]
    timelines = Timelines(house.state.incidents, [("pages", Fixed(failure=StoreError("locked"))), ("alerts", Fixed(*many))])
    found = timelines.of(INCIDENT, START + MINUTE)
    assert (len(found.entries), found.problems, found.cut) == (ENTRIES_MAX, ("pages can't be read: locked",), 5)
    frozen = timelines.to_freeze(INCIDENT, START + MINUTE)
    assert [entry.text for entry in frozen[-2:]] == [
        "5 further entries of alerts, pages and deployments were left out",
        "pages can't be read: locked",
    ]


def test_the_time_of_an_incident() -> None:
    """From half an hour before its beginning until now, or a little after it was resolved."""
    assert time_of(INCIDENT, START + MINUTE) == (START - MINUTE - BEFORE_NS, START + MINUTE + 1)
    assert time_of(replace(INCIDENT, resolved_at=START + MINUTE), START + 90 * MINUTE)[1] == START + 6 * MINUTE + 1


def test_alerts_of_the_service(house: House) -> None:
    """Those of others are not its own; an end has no summary."""
    one = alert()
    house.page(one)
    house.page(alert("Other", "search"))
    house.page(replace(one, ends_at=START))
    found = AlertEntries(house.state.alerting).between(START, START + 1, ["checkout"], [])
    assert [entry.text for entry in found] == ["CheckoutBurns fires (P1): CheckoutBurns of checkout", "CheckoutBurns is resolved"]
    odd = AlertEvent(START, AlertEventKind.FIRED, "0", Labels({"service": "checkout"}))

    class History:
        def events(self, *_: object, **__: object) -> list[AlertEvent]:
            return [odd]

    assert AlertEntries(History()).between(START, START + 1, ["checkout"], [])[0].text == "an alert fires"


@dataclass(frozen=True)
class Told:
    """A notification in some state."""

    notification: Notification
    state: DeliveryState


class Outbox:
    """One notification of one group, with attempts."""

    def __init__(self, state: DeliveryState, *attempts: Attempt) -> None:
        group = Labels({"alertname": "A"})
        self._told = Told(Notification("k", "g", "team", "slack/0", NotificationReason.FIRST, START, group, (alert(),)), state)
        self._attempts = attempts

    def entries(self, *, group_key: str | None = None, start: int | None = None, end: int | None = None, limit: int = 100) -> list[Told]:
        """It, for its group."""
        return [self._told] if group_key == "g" else []

    def attempts(self, keys: Collection[str]) -> dict[str, Sequence[Attempt]]:
        """Its attempts."""
        return {"k": self._attempts} if self._attempts else {}


def test_pages_and_how_they_went() -> None:
    """When it arrived, or why it did not; a first attempt that went well is no news."""
    failed = Attempt("k", 1, START, 2.0, "failed", "503 busy")
    arrived = Attempt("k", 2, START + 10 * SECOND, 1.0, "delivered", "ok")
    (entry,) = PageEntries(Outbox(DeliveryState.DELIVERED, failed, arrived)).between(0, 1, [], ["g", "h"])
    assert entry.at == START + 11 * SECOND
    assert entry.text == "slack/0 of team: 1 firing (first_notification), delivered after 2 attempts, last failure: 503 busy"
    (entry,) = PageEntries(Outbox(DeliveryState.DELIVERED, replace(arrived, number=1))).between(0, 1, [], ["g"])
    assert entry.text == "slack/0 of team: 1 firing (first_notification), delivered"
    (entry,) = PageEntries(Outbox(DeliveryState.UNDELIVERABLE, failed)).between(0, 1, [], ["g"])
    assert (entry.at, entry.text.endswith("undeliverable after 1 attempt, last failure: 503 busy")) == (START, True)


def test_deployments_of_all_services() -> None:
    """Another service's may be the cause; it is said to be another's."""
    source = DeploymentEntries(Deploys())
    (own,) = source.between(START - 10 * MINUTE, START, ["checkout"], [])
    assert (own.text, own.who) == ("checkout 2.3.0 -> 2.3.1 deployed in production", "bob")
    assert source.between(START - 10 * MINUTE, START, ["search"], [])[0].text.endswith("in production, another service")


class Policies:
    """Two changes: one long ago, one without any figures."""

    def history(self, objective: str, limit: int = 1000) -> list[PolicyTransition]:
        """Of any objective."""
        return [
            PolicyTransition(objective, "four-step", "normal", "freeze", START, 0.125),
            PolicyTransition(objective, "four-step", "", "normal", START + 1, math.nan),
            PolicyTransition(objective, "four-step", "", "normal", 0, 1.0),
        ]


def test_changes_of_budget_policies() -> None:
    """Those within the time, of the service's objectives, with what was left."""
    found = BudgetEntries(Policies(), lambda service: [f"{service}/1"]).between(START, START + 2, ["checkout"], [])
    assert [entry.text for entry in found] == [
        "budget policy of checkout/1: normal to freeze, 12.5 % of the budget left",
        "budget policy of checkout/1: normal",
    ]
    assert found[0].link == "/api/slos/checkout/1"


def test_sources_that_stand() -> None:
    """Only those that are given; without objectives there are no policies."""
    assert [name for name, _ in sources_of(deployments=Deploys(), policies=Policies())] == ["deployments"]
    assert [name for name, _ in sources_of(policies=Policies(), objectives=lambda _: [])] == ["budgets"]
