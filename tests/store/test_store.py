"""A store from opening to closing: what its options change, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.store.builders import Folder, logs, record, rows
from tests.store.clickhouse_double import ClickHouseDouble
from tests.store.conftest import at_url, opened

from tocsin.clock import RealClock
from tocsin.errors import Conflict
from tocsin.store.faults import EngineUnavailable
from tocsin.store.options import RedactionOptions, StoreOptions
from tocsin.store.sql import Sql
from tocsin.store.store import Store

SECRET = "hunter2-Zq9"


def test_redaction_can_be_off(tmp_path: Path, folder: Folder) -> None:
    """Who switches it off gets what was sent, and nothing is counted."""
    for store in opened(tmp_path, StoreOptions(redaction=RedactionOptions(enabled=False))):
        store.load(folder.segment(logs("off", record(f"password={SECRET}", attributes={"token": SECRET}))))
        assert rows(store, "SELECT body, attributes, redactions FROM logs") == [[f"password={SECRET}", {"token": SECRET}, 0]]


def test_the_limit_of_texts_is_an_option(tmp_path: Path, folder: Folder) -> None:
    """Texts are kept up to the size that the option says."""
    for store in opened(tmp_path, StoreOptions(attribute_bytes_max=256)):
        store.load(folder.segment(logs("cut", record("y" * 257), record("z" * 256))))
        assert rows(store, "SELECT length(body) > 256, cuts FROM logs ORDER BY body") == [[1, 1], [0, 0]]


def test_data_is_there_after_opening_again(tmp_path: Path, folder: Folder) -> None:
    """A store that was closed has its rows when it is opened again, and still knows which segments are in."""
    segment = folder.segment(logs("kept", record()))
    for _ in range(2):
        for store in opened(tmp_path, StoreOptions()):
            store.load(segment)
            assert rows(store, "SELECT count() FROM logs") == [[1]]


def test_a_second_path_is_refused(tmp_path: Path) -> None:
    """The engine serves one directory per process; asking for a second one says so, and closing the first frees the way."""
    first = Store.open(tmp_path / "a", StoreOptions(), clock=RealClock())
    with pytest.raises(Conflict, match="close it before opening"):
        Store.open(tmp_path / "b", StoreOptions(), clock=RealClock())
    first.close()
    first.close()
    Store.open(tmp_path / "b", StoreOptions(), clock=RealClock()).close()


def test_a_server_that_goes_away(tmp_path: Path) -> None:
    """A server that stops between two statements is not reachable from then on, for questions and for loads."""
    double = ClickHouseDouble(tmp_path / "server")
    store = Store.open(tmp_path, at_url(double.url), clock=RealClock())
    double.close()
    try:
        with pytest.raises(EngineUnavailable, match="not reachable"):
            store.engine.query(Sql("SELECT 1"))
        with pytest.raises(EngineUnavailable, match="not reachable"):
            store.load(Folder(tmp_path).segment(logs("s", record())))
    finally:
        store.close()
