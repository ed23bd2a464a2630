"""The embedded engine: parallel statements, one directory per process, one process per directory, limits, closing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tocsin.errors import Conflict, InvalidInput, LimitExceeded, StoreError, TocsinError
from tocsin.store.chdb import ChdbEngine, parse_rows
from tocsin.store.options import EngineOptions
from tocsin.store.sql import Sql

LONG = Sql("SELECT sum(sipHash64(number)) FROM numbers(20000000)")
WAIT_S = 30.0

SECOND_PROCESS = """
import sys
from pathlib import Path
from tocsin.errors import Conflict
from tocsin.store.chdb import ChdbEngine
from tocsin.store.options import EngineOptions
try:
    ChdbEngine(Path(sys.argv[1]), EngineOptions())
except Conflict as error:
    print("conflict:", error)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ChdbEngine]:
    """An engine with three connections at most."""
    opened = ChdbEngine(tmp_path / "engine", EngineOptions(connections_max=3, memory_bytes_max=200_000_000))
    yield opened
    opened.close()


def test_rows_and_types(engine: ChdbEngine) -> None:
    """Integers of 64 bits are exact, maps are dictionaries, dates are texts, NaN is a text."""
    found = engine.query(
        Sql("SELECT toUInt64(18446744073709551615) AS n, map('a', 1) AS m, toDate('2025-06-15') AS d, nan AS f, (1, 'x') AS t")
    )
    assert found.columns == ["n", "m", "d", "f", "t"]
    assert found.types == ["UInt64", "Map(String, UInt8)", "Date", "Float64", "Tuple(UInt8, String)"]
    assert found.rows == [[2**64 - 1, {"a": 1}, "2025-06-15", "nan", [1, "x"]]]
    assert found.records()[0]["d"] == "2025-06-15"
    assert found.elapsed_ms >= 0


def test_no_rows(engine: ChdbEngine) -> None:
    """An empty result has its columns; a statement without a result has none."""
    assert engine.query(Sql("SELECT 1 AS a WHERE 0")).columns == ["a"]
    engine.execute(Sql("CREATE TABLE t (a Int64) ENGINE = Memory"))
    assert parse_rows(b"").rows == []


def test_statements_run_in_parallel(engine: ChdbEngine) -> None:
    """Several threads ask at once and each gets its own answer, more of them than there are connections."""
    together = threading.Barrier(8, timeout=WAIT_S)

    def ask(number: int) -> int:
        together.wait()
        found = engine.query(Sql("SELECT {n:Int64} + sum(number) - 499500 FROM numbers(1000)", {"n": number}))
        return int(found.rows[0][0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == list(range(8))
    assert len(engine._connections) <= 3


def test_counters(engine: ChdbEngine) -> None:
    """Statements and failures are counted."""
    before = engine.statistics()
    engine.query(Sql("SELECT 1"))
    with pytest.raises(TocsinError):
        engine.query(Sql("SELEC"))
    after = engine.statistics()
    assert (after.queries - before.queries, after.queries_failed - before.queries_failed) == (3, 1)
    assert after.loads == 0
    assert after.memory_bytes >= 0


def test_memory_is_bounded(engine: ChdbEngine) -> None:
    """A statement that wants more than the engine may have fails as 'too large', and the engine goes on."""
    with pytest.raises(LimitExceeded, match="MEMORY_LIMIT_EXCEEDED"):
        engine.query(Sql("SELECT length(groupArray(repeat(toString(number), 100))) FROM numbers(10000000)"))
    assert engine.query(Sql("SELECT 1")).rows == [[1]]


def test_nothing_of_a_failed_answer_reaches_the_next(engine: ChdbEngine) -> None:
    """A statement that fails in the middle of its answer leaves nothing behind, however often, whichever connection is used."""
    halfway = Sql("SELECT number, throwIf(number = 500000) FROM numbers(1000000)")
    for number in range(4):
        with pytest.raises(InvalidInput):
            engine.query(halfway)
        assert engine.query(Sql("SELECT {n:Int64}", {"n": number})).rows == [[number]]
    assert len(engine._connections) == 1, "failed connections are given back"


def test_a_second_path_in_one_process_is_refused(engine: ChdbEngine, tmp_path: Path) -> None:
    """The message names the directory that was asked for, and says what to do."""
    with pytest.raises(Conflict, match=r"close it before opening .*other"):
        ChdbEngine(tmp_path / "other", EngineOptions())


def test_a_second_process_is_refused(engine: ChdbEngine, tmp_path: Path) -> None:
    """Another process on the same directory is told that somebody has it."""
    command = [sys.executable, "-c", SECOND_PROCESS, str(tmp_path / "engine")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "conflict: another process has" in done.stdout, done.stderr[-2000:]


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    """Closing twice is harmless; asking afterwards is refused."""
    opened = ChdbEngine(tmp_path / "engine", EngineOptions())
    opened.close()
    opened.close()
    with pytest.raises(StoreError, match="closed"):
        opened.query(Sql("SELECT 1"))


def test_closing_waits_for_what_runs(tmp_path: Path) -> None:
    """A statement that runs while the engine is closed ends in order; those that wait for a connection fail, none hangs."""
    opened = ChdbEngine(tmp_path / "engine", EngineOptions(connections_max=2))
    outcomes: list[str] = []
    begun = threading.Barrier(7, timeout=WAIT_S)

    def ask() -> None:
        begun.wait()
        try:
            opened.query(LONG)
            outcomes.append("answered")
        except StoreError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    begun.wait()
    opened.close()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(outcomes) == 6
    assert set(outcomes) <= {"answered", "the engine is closed"}


def test_a_directory_with_odd_characters(tmp_path: Path) -> None:
    """Spaces, quotes and letters of any language in a path are part of the path, for tables and for segments."""
    place = tmp_path / "it's a Grüße dir & more %20"
    opened = ChdbEngine(place, EngineOptions())
    try:
        opened.execute(Sql("CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a"))
        assert opened.query(Sql("SELECT count() FROM t")).rows == [[0]]
    finally:
        opened.close()
    assert list(place.iterdir())


def test_fetched_bytes_stay_when_their_result_is_gone(engine: ChdbEngine) -> None:
    """A view over the engine's memory keeps it, whatever the engine does next."""
    number = Sql("SELECT number FROM numbers(200000)")
    fetched = engine.fetch(number, output_format="RowBinary")
    before = bytes(fetched)
    for _ in range(5):
        engine.fetch(Sql("SELECT number + 7 FROM numbers(200000)"), output_format="RowBinary")
    assert len(before) == 1_600_000
    assert bytes(fetched) == before
    assert fetched.readonly
    assert engine.fetch(Sql("SELECT 1 WHERE 0"), output_format="RowBinary").nbytes == 0


def test_rows_made_here(engine: ChdbEngine, tmp_path: Path) -> None:
    """They go in with their token once, and leave no file behind; what a killed process left is removed at the next start."""
    engine.execute(
        Sql("CREATE TABLE rows (n UInt32, s String) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10")
    )
    for _ in range(2):
        engine.insert("rows", {"n": "UInt32", "s": "String"}, b"\1\0\0\0\2a'", settings={"insert_deduplication_token": "t"})
    assert engine.query(Sql("SELECT n, s FROM rows")).rows == [[1, "a'"]]
    with pytest.raises(TocsinError):
        engine.insert("rows", {"n": "UInt32", "s": "String"}, b"\1\0\0\0\2")
    assert list((tmp_path / "engine").glob("insert-*")) == []
    engine.close()
    (tmp_path / "engine" / "insert-0.rowbinary").write_bytes(b"half")
    ChdbEngine(tmp_path / "engine", EngineOptions()).close()
    assert list((tmp_path / "engine").glob("insert-*")) == []
