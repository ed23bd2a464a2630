"""Commands run in this process against a real server on a free port, with a fake desk behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.app.address import Address
from tocsin.app.lifecycle import listen
from tocsin.cli.commands import run
from tocsin.clock import ReplayClock
from tocsin.model.instant import parse_instant

NOW = parse_instant("2026-03-02T10:00:00Z")


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Tocsin = Callable[..., Outcome]


@pytest.fixture
def tocsin(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tocsin:
    """Runs a command line: `tocsin("logs", "error:true")`."""
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("TOCSIN_URL", "TOCSIN_CONFIG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> Outcome:
        capfd.readouterr()
        code = run(arguments)
        captured = capfd.readouterr()
        return Outcome(int(code), captured.out, captured.err)

    return call


@pytest.fixture
def desk() -> FakeDesk:
    """The desk behind `url`."""
    return FakeDesk()


@pytest.fixture
def url(desk: FakeDesk) -> Iterator[str]:
    """A server over the fake desk."""
    app = create_application(Context(desk=desk, clock=ReplayClock(NOW, speed=0)), hosts={"127.0.0.1"})
    with serving(app) as address:
        yield address


class serving:  # noqa: N801 (reads as a word: with serving(app) as url)
    """Serves an application on a free port while the block runs."""

    def __init__(self, app: FastAPI) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        self._listener = listen(Address("127.0.0.1", 0), key="server.http")
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve(sockets=[self._listener])), daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
