"""Whatever is sent to the routes of incidents, the answer is a question's or a sentence, never a failure of the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.incident_server import incident_application
from tests.api.local_client import LocalClient
from tests.incident.house import House, alert

FIELDS = {
    "author": st.sampled_from(["ana", "", "\x00", "\ud800"]),
    "title": st.text(max_size=20),
    "text": st.text(max_size=20),
    "reason": st.text(max_size=20),
    "name": st.text(max_size=20),
    "severity": st.sampled_from(["P1", "P4", "P9", None]),
    "service": st.sampled_from(["checkout", "", "x"]),
    "started": st.sampled_from(["now-1h", "yesterday", "99999999999999", None]),
    "at": st.sampled_from(["now-1h", "now", "2300-01-01", None]),
    "step": st.sampled_from(["mitigate", "diagnose", "verify", "postmortem", "x"]),
    "role": st.sampled_from(["lead", "scribe", "x"]),
    "status": st.sampled_from(["identified", "resolved", 3]),
    "kind": st.sampled_from(["trace", "logs", "slo", "must_fire", "x"]),
    "question": st.dictionaries(st.sampled_from(["trace_id", "query", "start", "end"]), st.text(max_size=10)),
    "path": st.text(max_size=20),
    "owner": st.text(max_size=10),
    "due": st.sampled_from(["2026-12-01", "soon", "9999-99-99", ""]),
    "based_on": st.sampled_from([0, 1, -1, 2**70, None]),
    "no_guard": st.text(max_size=10),
    "no_postmortem": st.text(max_size=10),
    "command": st.booleans(),
}
ORDERS = {
    "acknowledge": (),
    "step": ("step", "reason"),
    "resolve": ("reason",),
    "severity": ("severity", "reason"),
    "role": ("role", "name"),
    "notes": ("text", "command", "at"),
    "updates": ("text", "status", "title"),
    "evidence": ("kind", "question", "title"),
    "runbook/1": (),
    "postmortem": ("text", "based_on"),
    "actions": ("text", "owner", "due"),
    "guards": ("kind", "name", "path"),
    "close": ("no_guard", "no_postmortem"),
}
PATHS = {f"/api/incidents/{{}}/{order}": fields for order, fields in ORDERS.items()}
PATHS |= {"/api/incidents": ("title", "severity", "service", "started"), "/api/incident-actions/1/done": ()}
QUESTIONS = [
    "",
    "/timeline",
    "/evidence",
    "/evidence/1",
    "/runbook",
    "/postmortem",
    "/postmortem/draft",
    "/postmortem/markdown",
    "/actions",
    "/guards",
    "/impact",
]
IDS = st.sampled_from(["INC-1", "2", "inc-0", "x", "99999999999999999999", "%00", "..%2f"])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    """One server for all examples."""
    house = House(tmp_path_factory.mktemp("fuzz"))
    house.page(alert())
    house.keeper.round()
    yield LocalClient(incident_application(house))
    house.close()


@settings(max_examples=150)
@given(IDS, st.sampled_from(sorted(PATHS)), st.data())
def test_orders(client: LocalClient, identity: str, path: str, data: st.DataObject) -> None:
    """Any values of the fields that an order has."""
    body = {name: data.draw(FIELDS[name], name) for name in ("author", *PATHS[path])}
    try:
        answer = client.post(path.format(identity), json=body)
    except UnicodeEncodeError:  # half a character is no JSON that a client could send
        return
    assert not answer.is_server_error, answer.text


@settings(max_examples=60)
@given(IDS, st.sampled_from(QUESTIONS))
def test_questions(client: LocalClient, identity: str, question: str) -> None:
    """Any id to any question."""
    answer = client.get(f"/api/incidents/{identity}{question}")
    assert not answer.is_server_error, answer.text


@settings(max_examples=30)
@given(
    st.sampled_from(["/api/incidents", "/api/incident-weeks", "/api/incident-figures", "/status.json", "/status"]),
    st.dictionaries(
        st.sampled_from(["start", "end", "service", "state", "limit"]),
        st.sampled_from(["now", "0", "-1", "1677-09-22", "2262-04-11", "open"]),
    ),
)
def test_lists(client: LocalClient, path: str, parameters: dict[str, str]) -> None:
    """Any range, from the first instant that can be said to the last."""
    answer = client.get(path, params=parameters)
    assert not answer.is_server_error, answer.text
