"""What a web page on another origin can do: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient

from tocsin.api.application import create_application
from tocsin.api.browser import BODY_BYTES_MAX, host_name
from tocsin.api.context import Context
from tocsin.clock import RealClock

SQL = {"statement": "SELECT 1"}


@pytest.mark.parametrize("path", ["/api/logs", "/metrics", "/api/docs", "/v1/traces", "/healthz"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example:4318", "[", "[::1"])
def test_a_strange_host_is_refused_everywhere(client: LocalClient, desk: FakeDesk, path: str, host: str) -> None:
    """A name that is not ours, resolved to this machine, reaches nothing."""
    response = client.get(path, headers={"Host": host})
    assert response.status_code == 400
    assert "Host" in response.json()["error"]["message"]
    assert not desk.asked


def test_other_ports_of_our_names_are_fine(client: LocalClient) -> None:
    """A forwarded port changes the Host header's port, not who is asked."""
    assert client.get("/healthz", headers={"Host": "LOCALHOST:9999"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_cross_origin_writes_are_refused(client: LocalClient, desk: FakeDesk, headers: dict[str, str]) -> None:
    """A page of another origin, even one of this machine's, can't POST."""
    response = client.post("/api/sql", json=SQL, headers=headers)
    assert response.status_code == 400
    assert not desk.asked


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
def test_our_own_pages_and_programs_may_write(client: LocalClient, headers: dict[str, str]) -> None:
    """The reference page and programs are let through."""
    assert client.post("/api/sql", json=SQL, headers=headers).status_code == 200


def test_large_questions_are_refused(client: LocalClient, desk: FakeDesk) -> None:
    """A body of megabytes is no question: its declared size is enough to refuse it."""
    assert client.post("/api/sql", json={"statement": "x" * BODY_BYTES_MAX}).status_code == 413
    assert not desk.asked


def test_large_questions_of_unknown_size_are_cut_off(client: LocalClient, desk: FakeDesk) -> None:
    """A body that declares no size is read as far as a question may be long, and then no further."""
    sent: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(64):
            sent.append(number)
            yield b" " * 65_536

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(client._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as streaming:
            return await streaming.post("/api/sql", content=pieces(), headers={"Content-Type": "application/json"})

    assert asyncio.run(send()).status_code == 400
    assert len(sent) <= BODY_BYTES_MAX // 65_536 + 2
    assert not desk.asked


def test_no_cors(client: LocalClient) -> None:
    """No answer allows another origin to read it, and preflights fail."""
    response = client.get("/api/logs", headers={"Origin": "http://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = client.request("OPTIONS", "/api/sql", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code >= 400


def test_answers_can_not_be_framed_or_sniffed(client: LocalClient) -> None:
    """The headers that browsers obey are there."""
    headers = client.get("/api/docs").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_where_others_are_let_in_any_name_goes(desk: FakeDesk) -> None:
    """Listening for other machines, their names for this one are not known."""
    open_app: FastAPI = create_application(Context(desk=desk, clock=RealClock()))
    assert LocalClient(open_app).get("/healthz", headers={"Host": "desk.example"}).status_code == 200


@pytest.mark.parametrize(("host", "name"), [("[::1]:4318", "::1"), ("Desk.Example:80", "desk.example"), ("a@b", "b"), ("[x", "")])
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    """Port and brackets go, case does not matter, nonsense is no name."""
    assert host_name(host) == name
