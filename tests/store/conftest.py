"""
A store to load into, once per module and engine: planning a load costs a tenth of a second, opening a store more.

This process holds one data path at a time, so every fixture here closes what it opened before another may open; a test that asks for
`store` must not open a second one. Tests of one module share the tables: they tell their rows apart by the service name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from tests.store.builders import NOW, Folder, Request
from tests.store.clickhouse_double import ClickHouseDouble

from tocsin.clock import RealEntropy, ReplayClock
from tocsin.model.batch import Segment
from tocsin.store.clickhouse import ClickHouseEngine
from tocsin.store.options import EngineOptions, StoreOptions
from tocsin.store.sql import Sql
from tocsin.store.store import Store

SERVER_URL = os.environ.get("TOCSIN_TEST_CLICKHOUSE_URL", "")
ENGINES = ("chdb", "double", *(["server"] if SERVER_URL else []))


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store on each engine: embedded, behind the HTTP interface, on a real server where one is named."""
    folder = tmp_path_factory.mktemp("store")
    match request.param:
        case "chdb":
            yield from opened(folder, StoreOptions())
        case "double":
            double = ClickHouseDouble(folder)
            try:
                yield from opened(folder, at_url(double.url))
            finally:
                double.close()
        case _:
            yield from on_server(folder)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store on the embedded engine alone, for what does not depend on the engine."""
    yield from opened(tmp_path_factory.mktemp("store"), StoreOptions())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Where a test writes its segments; their tokens are used by no other test."""
    return Folder(tmp_path, prefix=str(tmp_path))


@pytest.fixture
def load(store: Store, folder: Folder) -> LoadRequests:
    """Loads requests as one segment into `store`."""
    return LoadRequests(store, folder)


class LoadRequests:
    """Loads requests as one segment and returns it."""

    def __init__(self, store: Store, folder: Folder) -> None:
        self._store = store
        self._folder = folder

    def __call__(self, *requests: Request, received: int = NOW) -> Segment:
        """One frame per request."""
        segment = self._folder.segment(*requests, received=received)
        self._store.load(segment)
        return segment


def opened(folder: Path, options: StoreOptions) -> Iterator[Store]:
    """An open store, closed at the end."""
    store = Store.open(folder, options, clock=ReplayClock(NOW, speed=0))
    try:
        yield store
    finally:
        store.close()


def at_url(url: str) -> StoreOptions:
    """Options of a store on a server."""
    return StoreOptions(engine=EngineOptions(url=SecretStr(url)))


def on_server(folder: Path) -> Iterator[Store]:
    """A store in a database of its own on the real server."""
    database = f"tocsin_test_{RealEntropy().token_hex(6)}"
    engine = ClickHouseEngine(SERVER_URL, EngineOptions())
    engine.execute(Sql(f"CREATE DATABASE {database}"))
    try:
        yield from opened(folder, at_url(urlsplit(SERVER_URL)._replace(path=f"/{database}").geturl()))
    finally:
        engine.execute(Sql(f"DROP DATABASE {database}"))
        engine.close()
