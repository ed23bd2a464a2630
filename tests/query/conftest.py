"""A store of its own for each test that asks questions, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.query.telemetry import NOW, World

from tocsin.clock import ReplayClock
from tocsin.query.desk import Desk
from tocsin.store.options import StoreOptions
from tocsin.store.store import Store


def open_world(folder: Path) -> Iterator[World]:
    """A world in `folder`, closed afterwards."""
    clock = ReplayClock(NOW, speed=0)
    store = Store.open(folder / "data", StoreOptions(), clock=clock)
    desk = Desk(store, clock, on_close=store.close)
    try:
        yield World(store, desk, folder)
    finally:
        desk.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty store with its desk."""
    yield from open_world(tmp_path)
