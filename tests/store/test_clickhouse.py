"""A server over HTTP: what it is asked, what its failures become, and that no credential ever shows."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from tests.store.clickhouse_double import PASSWORD, USER, ClickHouseDouble

from tocsin.errors import ConfigError, InvalidInput, LimitExceeded, StoreError, TocsinError
from tocsin.store.clickhouse import ClickHouseEngine
from tocsin.store.faults import EngineUnavailable
from tocsin.store.options import EngineOptions, StoreOptions
from tocsin.store.sql import Sql

OPTIONS = EngineOptions()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseDouble]:
    """A server's double."""
    double = ClickHouseDouble(tmp_path_factory.mktemp("server"))
    yield double
    double.close()


@pytest.fixture
def engine(server: ClickHouseDouble) -> Iterator[ClickHouseEngine]:
    """An engine that speaks to it."""
    opened = ClickHouseEngine(server.url, OPTIONS)
    yield opened
    server.failure = None
    opened.close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_questions_and_answers(engine: ClickHouseEngine) -> None:
    """Parameters arrive, types come back, as with the embedded engine."""
    found = engine.query(Sql("SELECT {t:String} AS t, {n:UInt64} AS n, nan AS f", {"t": "ä&=+%'\\\n\0", "n": 2**64 - 1}))
    assert found.records() == [{"t": "ä&=+%'\\\n\0", "n": 2**64 - 1, "f": "nan"}]
    assert engine.statistics().queries_failed == 0


def test_statements_without_a_result(engine: ClickHouseEngine) -> None:
    """Tables are made and filled."""
    engine.execute(Sql("CREATE TABLE IF NOT EXISTS t (a Int64) ENGINE = Memory"))
    engine.execute(Sql("INSERT INTO t SELECT {a:Int64}", {"a": 7}))
    assert engine.query(Sql("SELECT a FROM t")).rows == [[7]]


def test_settings_travel_beside_the_statement(engine: ClickHouseEngine, server: ClickHouseDouble) -> None:
    """The text stays the same for both engines: settings are arguments of the URL."""
    with pytest.raises(LimitExceeded):
        engine.query(Sql("SELECT number FROM numbers(100)"), settings={"max_rows_to_read": 10})
    assert server.requests[-1]["max_rows_to_read"] == "10"
    assert server.requests[-1]["database"] == "default"
    assert engine.statistics().queries_failed == 1


def test_failures_are_the_same_as_embedded(engine: ClickHouseEngine) -> None:
    """The error tree does not depend on where the engine runs."""
    with pytest.raises(InvalidInput, match="SYNTAX_ERROR"):
        engine.query(Sql("SELEC 1"))
    with pytest.raises(InvalidInput, match="UNKNOWN_TABLE"):
        engine.execute(Sql("DROP TABLE missing"))


def test_a_server_without_space_is_a_fault_of_the_machine(engine: ClickHouseEngine, server: ClickHouseDouble) -> None:
    """A failure in the answer's header is one, and the loader will wait for it to pass."""
    server.failure = (243, "Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)")
    with pytest.raises(EngineUnavailable, match="NOT_ENOUGH_SPACE"):
        engine.query(Sql("SELECT 1"))


def test_a_server_that_is_away() -> None:
    """Nobody there: said with the place, without the credentials, and worth another attempt."""
    url = f"http://{USER}:geheim@127.0.0.1:{closed_port()}/default"
    with pytest.raises(EngineUnavailable, match=r"not reachable at http://127\.0\.0\.1:\d+") as caught:
        ClickHouseEngine(url, OPTIONS)
    assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.retryable


def test_a_wrong_password_is_said_without_it(server: ClickHouseDouble) -> None:
    """The server's refusal is passed on; neither the wrong nor the right password is."""
    with pytest.raises(StoreError, match="Authentication failed") as caught:
        ClickHouseEngine(server.address("not-the-one"), OPTIONS)
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert "not-the-one" not in shown
    assert PASSWORD not in shown


def test_a_database_that_is_missing(server: ClickHouseDouble) -> None:
    """The database of the address is the one asked."""
    with pytest.raises(InvalidInput, match="Database other does not exist"):
        ClickHouseEngine(server.address(PASSWORD, database="other"), OPTIONS)


@pytest.mark.parametrize(
    "url",
    [
        "", "db", "ftp://db", "http://", "http://:8123", "http://u:p%40ss@:8123", "http://u:geheim@db:port/x", "http://u:ge#heim@db:8123",
        "http://u:ge/heim@db:8123", "http://u:geheim@db:0", "http://u:geheim@db:99999", "http://u:geheim@[::1",
    ],
)  # fmt: skip
def test_an_address_that_is_none(url: str) -> None:
    """A broken address is a mistake in the configuration, and the complaint does not repeat the password in it."""
    with pytest.raises(ConfigError, match="expected http") as caught:
        ClickHouseEngine(url, OPTIONS)
    assert caught.value.key == "store.engine.url"
    assert "heim" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://db", "http://db:8123"),
        ("https://db", "https://db:8443"),
        ("http://u:p@db:9/x", "http://db:9"),
        ("http://u@[::1]:9", "http://[::1]:9"),
    ],
)
def test_ports_and_places(url: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheme's port is the default; addresses of IPv6 keep their brackets; the engine shows its place and nothing else."""
    monkeypatch.setattr(ClickHouseEngine, "query", lambda *_, **__: None)
    engine = ClickHouseEngine(url, OPTIONS)
    assert repr(engine) == f"ClickHouseEngine({place})"
    engine.close()
    engine.close()


def test_options_do_not_show_the_address() -> None:
    """However options are printed or serialized, the credentials in the address do not appear."""
    options = StoreOptions(engine=EngineOptions(url=SecretStr("http://u:geheim@db:8123")))
    assert "geheim" not in f"{options!r} {options} {options.model_dump()} {options.model_dump_json()}"


def test_an_answer_that_is_none(engine: ClickHouseEngine, server: ClickHouseDouble) -> None:
    """Something else on the port, with an answer that is no ClickHouse's, is a failure that says what came."""
    server.failure = (0, "<html>gateway</html>")
    with pytest.raises(TocsinError, match="gateway"):
        engine.query(Sql("SELECT 1"))


def test_binary_answers_and_binary_rows(engine: ClickHouseEngine) -> None:
    """Rows made here go in as RowBinary and come out as the engine wrote them."""
    engine.execute(Sql("CREATE TABLE IF NOT EXISTS b (id UInt64, text String) ENGINE = MergeTree ORDER BY id"))
    body = b"".join(struct.pack("<QB", number, 3) + b"\0'\xff" for number in range(3))
    engine.insert("b", {"id": "UInt64", "text": "String"}, body, settings={"insert_deduplication_token": "one"})
    assert (
        bytes(engine.fetch(Sql("SELECT id, text FROM b WHERE id < {n:UInt8} ORDER BY id", {"n": 2}), output_format="RowBinary"))
        == body[:24]
    )
    assert bytes(engine.fetch(Sql("SELECT id FROM b WHERE id > 7"), output_format="RowBinary")) == b""
    with pytest.raises(InvalidInput, match="nothing_here"):
        engine.fetch(Sql("SELECT nothing_here FROM b"), output_format="RowBinary")
