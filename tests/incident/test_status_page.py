"""The page for those affected: how services stand, what is told, that nothing else gets there, that files are replaced whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.fake_slos import budget
from tests.incident.house import MINUTE, START, House, alert

from tocsin.errors import NotFound, StoreError
from tocsin.incident.options import PublicService, StatusPageOptions
from tocsin.incident.status_page import ServiceState, StatusPage, document_of
from tocsin.model.incident import Incident, IncidentSource, IncidentState, PublicUpdate, UpdateStatus
from tocsin.model.severity import Severity

DAY = 24 * 60 * MINUTE
SERVICES = (
    PublicService(name="Payments", services=("checkout", "cards"), objectives={"checkout-availability": "Payments succeed"}),
    PublicService(name="Search", services=("search",)),
)
OPTIONS = StatusPageOptions(title="Shop", services=SERVICES)
TOLD = (PublicUpdate(START, UpdateStatus.INVESTIGATING, "Some payments fail.", "ana"),)


def incident(number: int = 1, **given_: Any) -> Incident:
    """A P1 of checkout, told of as `Payments fail`."""
    start = Incident(number, "internal", "checkout", Severity.P1, "", IncidentSource.PAGE, START, public_title="Payments fail")
    return replace(start, **given_)


class Budgets:
    """One objective, which burns as fast as it is told; any other is not there."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def budget(self, key: str) -> Any:
        """It."""
        if key != "checkout-availability":
            raise NotFound("no such objective")
        found = budget(key)
        return replace(found, burn_rates=[replace(found.burn_rates[0], window_s=window_s, rate=self._rate) for window_s in (300, 3600)])


@pytest.mark.parametrize(
    ("severity", "rate", "payments"),
    [
        (Severity.P1, 0.0, ServiceState.OUTAGE),
        (Severity.P2, 0.0, ServiceState.DEGRADED),
        (None, 20.0, ServiceState.DEGRADED),
        (None, 14.3, ServiceState.OPERATIONAL),
    ],
)
def test_how_a_service_stands(severity: Severity | None, rate: float, payments: ServiceState) -> None:
    """By the incidents that those affected were told of, and by a budget that burns fast."""
    known = [incident(severity=severity)] if severity else []
    document = document_of(OPTIONS, known, {1: TOLD}, {"checkout-availability": Budgets(rate).budget("checkout-availability")}, START)
    assert [service.state for service in document.services] == [payments, ServiceState.OPERATIONAL]
    assert document.state is payments
    assert document.services[0].objectives[0].name == "Payments succeed"


def test_what_nobody_was_told_of_is_not_there() -> None:
    """An incident without an update is none, for those who look; one of no public service is told without one."""
    untold, other = incident(1), incident(2, service="internal-queue", severity=Severity.P2)
    document = document_of(OPTIONS, [untold, other], {2: TOLD}, {}, START)
    assert [(one.id, one.services) for one in document.incidents] == [("INC-2", ())]
    assert [service.state for service in document.services] == [ServiceState.OPERATIONAL] * 2
    assert document.state is ServiceState.DEGRADED


def test_the_past_is_shown_for_ninety_days() -> None:
    """Resolved ones with their length, the newest first, those before that no more."""
    over = {"state": IncidentState.RESOLVED, "resolved_at": START + 60 * MINUTE, "watch_since": START + 30 * MINUTE}
    known = [incident(1, **over), incident(2, opened_at=START + DAY, **over)]
    updates = {1: TOLD, 2: TOLD}
    assert [one.id for one in document_of(OPTIONS, known, updates, {}, START + 90 * DAY).past] == ["INC-2", "INC-1"]
    document = document_of(OPTIONS, known, updates, {}, START + 91 * DAY)
    assert (document.past, document.state) == ((), ServiceState.OPERATIONAL)


def test_files_are_written_when_something_changed(house: House, tmp_path: Path) -> None:
    """Not with every look, and once a minute; a directory that can't be written is said."""
    options = OPTIONS.model_copy(update={"directory": str(tmp_path / "www")})
    page = StatusPage(house.state.incidents, options, Budgets(1.0))
    assert page.write(START)
    assert not page.write(START + MINUTE // 2)
    assert page.write(START + MINUTE)
    house.page(alert())
    house.keeper.round()
    house.desk.update("INC-1", "Some payments fail.", status=UpdateStatus.INVESTIGATING, by="ana")
    assert page.write(START + MINUTE + 1)
    assert sorted(path.name for path in (tmp_path / "www").iterdir()) == ["index.html", "status.json"]
    assert json.loads((tmp_path / "www" / "status.json").read_text())["incidents"][0]["title"] == "Incident"
    assert "Payments succeed: 99." in (tmp_path / "www" / "index.html").read_text()
    (tmp_path / "file").write_text("")
    blocked = OPTIONS.model_copy(update={"directory": str(tmp_path / "file")})
    with pytest.raises(StoreError, match="status page can't be written"):
        StatusPage(house.state.incidents, blocked).write(START)


@settings(max_examples=40)
@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_told_is_text(title: str, words: str) -> None:
    """Titles and updates bring no markup of their own."""
    told = {1: (replace(TOLD[0], text=words),)}
    document = document_of(OPTIONS, [incident(public_title=title)], told, {}, START)
    page = StatusPage(None, OPTIONS)  # type: ignore[arg-type]  # only its template is asked
    plain = document_of(OPTIONS, [incident(public_title="t")], {1: TOLD}, {}, START)
    assert page.html(document).count("<") == page.html(plain).count("<")
