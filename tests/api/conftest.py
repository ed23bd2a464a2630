"""The application over a fake desk, and a client in the same process."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.model.instant import parse_instant

NOW = parse_instant("2026-03-02T10:00:00Z")


@pytest.fixture
def desk() -> FakeDesk:
    """The desk behind `client`."""
    return FakeDesk()


@pytest.fixture
def app(desk: FakeDesk) -> FastAPI:
    """The application, its clock standing still at NOW."""
    return create_application(Context(desk=desk, clock=ReplayClock(NOW, speed=0)), hosts={"localhost"})


@pytest.fixture
def client(app: FastAPI) -> LocalClient:
    """Asks the application as a program on this machine would."""
    return LocalClient(app)
