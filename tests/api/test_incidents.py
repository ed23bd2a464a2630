"""Incidents over HTTP: their whole way, what is refused, and the page for those affected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.incident_server import incident_application
from tests.api.local_client import LocalClient
from tests.incident.house import TRACE_ID, House, alert

from tocsin.incident.options import IncidentOptions, PublicService, StatusPageOptions

OPTIONS = IncidentOptions(
    status_page=StatusPageOptions(title="Shop status", services=(PublicService(name="Payments", services=("checkout",)),))
)
RUNBOOK = "# Checkout is broken for {{ $labels.service }}\n\n- [ ] Roll back\n- [ ] Tell customers\n"
ANA = {"author": "ana"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Incidents with a public service and a runbook."""
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "checkout.md").write_text(RUNBOOK, encoding="utf-8")
    one = House(tmp_path, OPTIONS.model_copy(update={"runbooks": str(tmp_path / "runbooks")}))
    yield one
    one.close()


@pytest.fixture
def client(house: House) -> LocalClient:
    """Asks the application."""
    return LocalClient(incident_application(house))


def post(client: LocalClient, where: str, **document: Any) -> Any:
    """The answer to an order of ana's."""
    answer = client.post(f"/api{where}", json={**ANA, **document})
    assert answer.is_success, answer.text
    return answer.json()


def get(client: LocalClient, path: str, **parameters: str) -> Any:
    """The answer to a question."""
    answer = client.get(f"/api{path}", params=parameters)
    assert answer.is_success, answer.text
    return answer.json()


def test_an_incident_from_its_page_to_its_end(house: House, client: LocalClient) -> None:
    """Every order over HTTP, and what each question answers afterwards."""
    house.page(alert())
    house.keeper.round()
    house.traces[TRACE_ID] = {"spans": [{"name": "POST /checkout"}]}
    post(client, "/incidents/INC-1/acknowledge")
    post(client, "/incidents/inc-1/role", role="lead", name="ana")
    post(client, "/incidents/1/severity", severity="P2", reason="only cards fail")
    post(client, "/incidents/INC-1/notes", text="error rate falls")
    post(client, "/incidents/INC-1/notes", text="kubectl rollout undo", command=True, at="now-1m")
    pinned = post(client, "/incidents/INC-1/evidence", kind="trace", question={"trace_id": TRACE_ID})
    shown = get(client, f"/incidents/INC-1/evidence/{pinned['number']}")
    assert json.loads(shown["answer"]) == house.traces[TRACE_ID]
    assert len(get(client, "/incidents/INC-1/evidence")) == 2
    assert post(client, "/incidents/INC-1/runbook/1")["steps"][0]["done"]["by"] == "ana"
    assert "☑ 1: Roll back (done by ana)" in get(client, "/incidents/INC-1/runbook")["html"]
    post(client, "/incidents/INC-1/step", step="diagnose")
    post(client, "/incidents/INC-1/resolve", reason="rolled back")
    draft = get(client, "/incidents/INC-1/postmortem")
    assert (draft["version"], draft["text"].splitlines()[0]) == (0, "# Incident Postmortem: CheckoutBurns of checkout (INC-1)")
    written = post(client, "/incidents/INC-1/postmortem", text=draft["text"] + "\nmore", based_on=0)
    assert (written["version"], len(get(client, "/incidents/INC-1/postmortem/versions"))) == (1, 1)
    assert client.get("/api/incidents/INC-1/postmortem/markdown").headers["Content-Type"].startswith("text/markdown")
    action = post(client, "/incidents/INC-1/actions", text="alert on slow cards", owner="bob", due="2026-03-03")
    assert get(client, "/incident-actions")[0]["overdue"]
    assert not post(client, f"/incident-actions/{action['item']['number']}/done")["overdue"]
    assert get(client, "/incident-actions") == []
    post(client, "/incidents/INC-1/guards", kind="must_fire", name="g1", path="guards/g1.yaml")
    assert get(client, "/incident-guards")[0]["signature"] == "alertname=CheckoutBurns service=checkout"
    closed = post(client, "/incidents/INC-1/close")
    assert closed["summary"]["state"] == "closed"
    assert get(client, "/incidents", state="closed")[0]["id"] == "INC-1"
    assert get(client, "/incidents", state="open") == []
    assert get(client, "/incidents/INC-1/impact")[0]["objective"] == "checkout-availability"
    texts = [entry["text"] for entry in get(client, "/incidents/INC-1/timeline")["entries"]]
    assert "did step 1 of checkout.md: Roll back" in texts
    house.clock.advance(minutes=1)
    assert get(client, "/incident-weeks", start="now-1d")[-1]["incidents"] == 1
    assert get(client, "/incident-figures", start="now-1d")[0]["acknowledge"]["count"] == 1


def test_an_incident_opened_by_hand(client: LocalClient) -> None:
    """It says when it began; a second one of the service is a conflict."""
    view = post(client, "/incidents", title="customers can't pay", service="checkout", started="now-10m", severity="P1")
    assert view["summary"]["started_at"] == "2026-03-04T01:50:00.000000000Z"
    again = client.post("/api/incidents", json={**ANA, "title": "again", "service": "checkout"})
    assert (again.json()["error"]["code"], again.is_client_error) == ("conflict", True)


@pytest.mark.parametrize(
    ("path", "document", "says"),
    [
        ("/incidents", {"title": " "}, "title"),
        ("/incidents", {"title": "x", "started": "now-1x"}, "length of time"),
        ("/incidents/7/acknowledge", {}, "there is no incident INC-7"),
        ("/incidents/seven/acknowledge", {}, "an incident is named INC-7 or 7"),
        ("/incidents/1/step", {"step": "verify"}, "leaves out mitigate, diagnose"),
        ("/incidents/1/step", {"step": "sleep"}, "step"),
        ("/incidents/1/evidence", {"kind": "logs", "question": {"start": "now-1m", "en": "now"}}, "end is missing; en is no part of it"),
        (
            "/incidents/1/evidence",
            {"kind": "explain", "question": {"service": "a", "start": "0", "end": "1"}},
            "nothing here answers questions of the kind explain",
        ),
        ("/incidents/1/updates", {"text": "  ", "status": "identified"}, "blank"),
        ("/incidents/1/runbook/1", {}, "name no runbook"),
        ("/incidents/1/actions", {"text": "x", "owner": "ana", "due": "soon"}, "2026-12-01"),
        ("/incidents/1/close", {}, "once it is resolved"),
        ("/incident-actions/9/done", {}, "there is no action item 9"),
    ],
)
def test_what_is_refused_says_why(client: LocalClient, path: str, document: dict[str, Any], says: str) -> None:
    """A question that is wrong gets a sentence with what to do, never a failure of the server."""
    post(client, "/incidents", title="customers can't pay")
    answer = client.post(f"/api{path}", json={**ANA, **document})
    assert answer.is_client_error, answer.text
    assert says in answer.json()["error"]["message"]


def test_the_page_for_those_affected(house: House, client: LocalClient) -> None:
    """Public words and nothing else; without an update an incident is not there."""
    house.page(alert(annotations={"summary": "db-7 of 10.0.0.7 is <b>down</b>"}))
    house.keeper.round()
    before = client.get("/status.json").json()
    assert (before["state"], before["incidents"]) == ("operational", [])
    house.clock.advance(minutes=1)
    words = "Some <script>alert(1)</script> payments fail."
    post(client, "/incidents/INC-1/updates", text=words, status="investigating", title="Payments & cards")
    document, page = client.get("/status.json"), client.get("/status")
    assert document.json()["services"] == [{"name": "Payments", "state": "outage", "objectives": []}]
    assert document.json()["incidents"][0]["updates"][0]["text"] == words
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Some &lt;script&gt;alert(1)&lt;/script&gt; payments fail." in page.text
    assert "Payments &amp; cards" in page.text
    for secret in ("db-7", "10.0.0.7", "CheckoutBurns", TRACE_ID, "ana", "checkout"):
        assert secret not in page.text + document.text
