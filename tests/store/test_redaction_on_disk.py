"""Redaction as it happens while loading: in every place of a record, counted, and nothing of a secret on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Gauge, Metric, NumberDataPoint
from tests.store.builders import NOW, Folder, Json, attributes, event, link, logs, metrics, number, record, records, rows, span, traces
from tests.store.conftest import opened

from tocsin.store.options import StoreOptions
from tocsin.store.redact import MARK
from tocsin.store.sql import Sql
from tocsin.store.store import Store
from tocsin.store.tables import TELEMETRY_TABLES

SECRET = "hunter2-Zq9"  # so odd that no file holds it by chance
CARD = "4111 1111 1111 1111"
STORED_COLUMNS = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {t:String} AND default_kind = ''"


class Vault:
    """A store, and the folder that its files are in."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path

    def files_with(self, text: str) -> list[str]:
        """Files of the engine that hold the text; parts are written uncompressed here, so that it would be seen."""
        needle = text.encode()
        files = (path for path in (self.path / "engine").rglob("*") if path.is_file())
        return [str(path) for path in files if needle in path.read_bytes()]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A store with the default options whose tables are not compressed."""
    path = tmp_path_factory.mktemp("vault")
    for store in opened(path, StoreOptions()):
        for table in TELEMETRY_TABLES:
            columns = rows(store, STORED_COLUMNS, t=table)
            changes = ", ".join(f"MODIFY COLUMN {name} {kind} CODEC(NONE)" for name, kind in columns)
            store.engine.execute(Sql(f"ALTER TABLE {table} {changes}"))
        yield Vault(store, path)


def secretive(name: str) -> dict[str, Any]:
    """Attributes with four secrets and two that are none."""
    return {
        "db.password": f"{SECRET} {name}",
        "note": f"password={SECRET} and {CARD}",
        "pin_code": 987654321,
        "config": Json({"user": "x", "token": SECRET}),
        "user.id": 7,
        "plain": "kept",
    }


CLEAN = {
    "db.password": MARK,
    "note": f"password={MARK} and {MARK}",
    "pin_code": MARK,
    "config": f'{{"user":"x","token":"{MARK}"}}',
    "user.id": "7",
    "plain": "kept",
}


def test_spans_are_clean_everywhere(vault: Vault, folder: Folder) -> None:
    """Attributes of spans, events, links and resources and the status message are redacted, and counted per span."""
    given = span(
        attributes=secretive("span"),
        events=[event("e", secretive("event"))],
        links=[link(secretive("link"))],
        status={"code": 2, "message": f"bad token={SECRET}"},
    )
    vault.store.load(folder.segment(traces("spans", given, span(attributes={"plain": "kept"}), resource_attributes=secretive("resource"))))
    columns = "attributes, attribute_types, event_attributes, link_attributes, status_message, redactions"
    dirty, clean = records(vault.store, f"SELECT {columns} FROM spans WHERE service = 'spans' ORDER BY redactions DESC")
    assert dirty["attributes"] == CLEAN
    assert dirty["attribute_types"] == list("sssjis")
    assert dirty["event_attributes"] == [CLEAN]
    assert dirty["link_attributes"] == [CLEAN]
    assert dirty["status_message"] == f"bad token={MARK}"
    assert (dirty["redactions"], clean["redactions"]) == (13, 0)
    assert number(vault.store, "SELECT sum(redactions) FROM intake WHERE service = 'spans'") == 13
    assert vault.files_with(SECRET) == []


def test_logs_are_clean_everywhere(vault: Vault, folder: Folder) -> None:
    """Attributes and bodies of every type are redacted, and counted per record."""
    bodies = [f"login password={SECRET}", Json({"password": SECRET, "n": 1}), f"paid {CARD}", "clean"]
    given = [record(body, time_unix_nano=NOW + place, attributes=secretive("log")) for place, body in enumerate(bodies)]
    vault.store.load(folder.segment(logs("logs", *given, resource_attributes=secretive("resource"))))
    found = rows(vault.store, "SELECT body, body_type, redactions FROM logs WHERE service = 'logs' ORDER BY ts")
    assert found == [
        [f"login password={MARK}", "s", 5],
        [f'{{"password":"{MARK}","n":1}}', "j", 5],
        [f"paid {MARK}", "s", 5],
        ["clean", "s", 4],
    ]
    assert number(vault.store, "SELECT sum(redactions) FROM intake WHERE service = 'logs'") == 19
    assert rows(vault.store, "SELECT DISTINCT attributes FROM logs WHERE service = 'logs'") == [[CLEAN]]
    assert vault.files_with(SECRET) == []


def test_resources_are_clean(vault: Vault, folder: Folder) -> None:
    """A resource's JSON holds no secret and is still JSON."""
    vault.store.load(folder.segment(logs("resource", record(), resource_attributes=secretive("resource"))))
    columns = ", ".join(f"JSONExtractString(resource, '{key}')" for key in CLEAN if key not in ("user.id", "config"))
    for table in ("logs", "resources"):
        (found,) = rows(vault.store, f"SELECT DISTINCT isValidJSON(resource), {columns} FROM {table} WHERE service = 'resource'")
        assert found == [1, *(text for key, text in CLEAN.items() if key not in ("user.id", "config"))]
        config = number(vault.store, f"SELECT DISTINCT JSONExtractRaw(resource, 'config') FROM {table} WHERE service = 'resource'")
        assert config == CLEAN["config"], "a map is still a map"
    assert vault.files_with(SECRET) == []


def test_metrics_are_clean(vault: Vault, folder: Folder) -> None:
    """Labels and the attributes of exemplars are redacted; points that differ in a secret alone are one series."""
    points = [
        NumberDataPoint(time_unix_nano=NOW + place, as_int=place, attributes=attributes({"token": f"{SECRET}{place}", "plain": "kept"}))
        for place in range(2)
    ]
    points[0].exemplars.append(Exemplar(time_unix_nano=NOW, as_int=1, filtered_attributes=attributes(secretive("exemplar"))))
    given = metrics("metrics", Metric(name="m", gauge=Gauge(data_points=points)), resource_attributes=secretive("resource"))
    vault.store.load(folder.segment(given))
    assert rows(vault.store, "SELECT attributes FROM series WHERE metric = 'm'") == [[{"token": MARK, "plain": "kept"}]]
    assert rows(vault.store, "SELECT attributes FROM exemplars WHERE name = 'm'") == [[CLEAN]]
    assert number(vault.store, "SELECT sum(redactions) FROM intake WHERE service = 'metrics'") == 2
    assert vault.files_with(SECRET) == []


def test_no_file_of_the_engine_holds_a_secret(vault: Vault, folder: Folder) -> None:
    """Neither before nor after merges; and the search would find what is there."""
    given = logs("disk", record(f"password={SECRET} card {CARD}", attributes=secretive("log")), record("findable-Zq9"))
    vault.store.load(folder.segment(given, logs("disk", record(f"Authorization: Bearer {SECRET}"))))
    for _ in range(2):
        assert vault.files_with("findable-Zq9")
        assert vault.files_with(SECRET) == []
        assert vault.files_with(CARD) == []
        assert vault.files_with("987654321") == []
        for table in TELEMETRY_TABLES:
            vault.store.engine.execute(Sql(f"OPTIMIZE TABLE {table} FINAL"))
