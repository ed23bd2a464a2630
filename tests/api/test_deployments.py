"""Deployments over HTTP: marks, CDEvents, GitHub's webhooks, and the list of all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.asgi_client import AsgiClient
from tests.api.conftest import NOW
from tests.api.fake_desk import FakeDesk

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.model.deployment import Deployment, DeploymentSource, Kept
from tocsin.query.deployments import Deployments
from tocsin.wire.deployments import DeploymentDoor

CLOCK = ReplayClock(NOW, speed=0)
HOUR = 3600 * 10**9


class Shelf:
    """Keeps and finds deployments, as state and store would."""

    def __init__(self) -> None:
        self.kept: dict[str, Deployment] = {}

    def record(self, deployment: Deployment) -> Kept:
        """Keep it, whatever was known before."""
        new = deployment.id not in self.kept
        self.kept[deployment.id] = deployment
        return Kept(deployment, new)

    def marked(self, start: int, end: int, service: str | None) -> list[Deployment]:
        """Those that were told."""
        return [one for one in self.kept.values() if start <= one.at < end and service in {None, one.service}]

    def between(self, start: int, end: int, *, service: str | None = None) -> list[Deployment]:
        """Those that the telemetry shows: one, an hour ago."""
        found = Deployment("t", "mail", "7", NOW - HOUR, DeploymentSource.TELEMETRY, previous_version="6")
        return [found] if start <= found.at < end and service in {None, "mail"} else []


@pytest.fixture
def shelf() -> Shelf:
    """What is behind `client`."""
    return Shelf()


@pytest.fixture
def client(shelf: Shelf) -> AsgiClient:
    """Asks a server with deployments."""
    return client_of(shelf)


def client_of(shelf: Shelf) -> AsgiClient:
    """A server with these deployments."""
    parts = {"deployments": Deployments(shelf, shelf.marked), "deployment_door": DeploymentDoor(shelf.record, CLOCK)}
    return AsgiClient(create_application(Context(desk=FakeDesk(), clock=CLOCK, **parts)))  # type: ignore[arg-type]


def post(client: AsgiClient, path: str, document: Any, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """POST JSON; status and answer."""
    told = {"Content-Type": "application/json", **(headers or {})}
    response = client.post(f"/api/deployments{path}", content=orjson.dumps(document), headers=told)
    return response.status_code, response.json()


def test_a_mark_is_recorded_and_listed(client: AsgiClient) -> None:
    """What was told stands in the list, newest first, beside what was found."""
    status, answer = post(client, "", {"service": "shop", "version": "v2", "author": "ann"})
    assert (status, answer["recorded"][0]["service"], answer["recorded"][0]["at"]) == (200, "shop", "2026-03-02T10:00:00.000000000Z")
    listed = client.get("/api/deployments", params={"end": "2026-03-02T11:00:00Z"}).json()
    assert [(one["service"], one["version"], one["source"]) for one in listed] == [("shop", "v2", "mark"), ("mail", "7", "telemetry")]
    assert client.get("/api/deployments", params={"service": "mail"}).json()[0]["previous_version"] == "6"
    assert client.get("/api/deployments", params={"start": "now-10m"}).json() == []


def test_telling_twice_says_so(client: AsgiClient) -> None:
    """The answer tells new from known."""
    mark = {"service": "shop", "version": "v2", "at": "now-5m"}
    assert len(post(client, "", mark)[1]["recorded"]) == 1
    assert len(post(client, "", mark)[1]["known"]) == 1


@pytest.mark.parametrize(
    ("document", "status", "said"),
    [
        ({"service": "shop"}, 422, "body.version"),
        ({"service": "shop", "version": "1", "colour": "red"}, 422, "body.colour"),
        ({"service": "shop", "version": "1", "at": "soon"}, 400, "at: 'soon' is not an instant"),
        ({"service": "shop", "version": "1", "at": "2031-01-01"}, 400, "deployments.future_s_max"),
    ],
)
def test_a_wrong_mark_is_refused(client: AsgiClient, document: Any, status: int, said: str) -> None:
    """The answer names the field."""
    found, answer = post(client, "", document)
    assert (found, said in answer["error"]["message"]) == (status, True)


def test_cdevents_and_webhooks_come_in(client: AsgiClient, shelf: Shelf) -> None:
    """In binary mode, as a batch, and from GitHub; what is none of them is answered with the reason."""
    event = {"context": {"id": "1", "source": "/ci", "type": "dev.cdevents.service.deployed.0.2.0", "timestamp": "2026-03-02T09:59:00Z"},
             "subject": {"id": "cart", "content": {"artifactId": "pkg:oci/cart@1?tag=v9"}}}  # fmt: skip
    assert post(client, "/cdevents", event, {"Ce-Type": "dev.cdevents.service.deployed.0.2.0"})[1]["recorded"][0]["version"] == "v9"
    batch = [{"specversion": "1.0", "type": "x.y"}]
    assert "'x.y' is none of" in post(client, "/cdevents", batch, {"Content-Type": "application/cloudevents-batch+json"})[1]["ignored"][0]
    webhook = {"deployment": {"id": 3, "sha": "abc", "environment": "prod"}, "repository": {"full_name": "o/cart"},
               "deployment_status": {"state": "success", "created_at": "2026-03-02T09:58:00Z"}}  # fmt: skip
    assert post(client, "/github", webhook, {"X-GitHub-Event": "deployment_status"})[1]["recorded"][0]["service"] == "cart"
    assert post(client, "/github", {"zen": "x"}, {"X-GitHub-Event": "ping"})[1]["ignored"]
    assert len(shelf.kept) == 2


def test_a_server_without_them_says_so() -> None:
    """Where only telemetry is asked, nothing keeps deployments."""
    client = AsgiClient(create_application(Context(desk=FakeDesk(), clock=CLOCK)))
    assert client.get("/api/deployments").json()["error"]["code"] == "not_found"
    assert post(client, "/github", {})[0] == 404


SOMETHING = st.none() | st.integers(0, 9) | st.text(max_size=5)
FIELDS = st.sampled_from(["service", "version", "at", "context", "subject", "deployment", "id", "type"])
DOCUMENTS = st.recursive(SOMETHING, lambda inner: st.dictionaries(FIELDS, inner, max_size=3)).map(orjson.dumps)


@cache
def fuzzed() -> AsgiClient:
    """One server for all examples: making one costs more than asking it."""
    return client_of(Shelf())


@settings(max_examples=60)
@given(
    st.binary(max_size=300) | DOCUMENTS,
    st.sampled_from(["", "/cdevents", "/github"]),
    st.sampled_from(["application/json", "application/cloudevents+json", "application/x-www-form-urlencoded", "text/plain"]),
)
def test_no_body_breaks_a_door(body: bytes, path: str, media_type: str) -> None:
    """Any bytes at any door are an answer of 200 or a refusal that the caller can mend."""
    headers = {"Content-Type": media_type, "X-GitHub-Event": "deployment"}
    response = fuzzed().post(f"/api/deployments{path}", content=body, headers=headers)
    assert response.status_code in {200, 400, 413, 422}
    assert response.json()
