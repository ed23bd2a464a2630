"""Journal, loader, engine and desk on one data directory."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from tests.app.otlp import logs_batch

import tocsin
from tocsin.app import house as house_module
from tocsin.app.house import House, open_directory, options_for, report_recovery
from tocsin.clock import RealClock, RealEntropy
from tocsin.errors import Conflict, JournalError, StoreError
from tocsin.journal.journal import Journal
from tocsin.journal.options import JournalOptions
from tocsin.journal.statistics import RecoveryReport
from tocsin.model.batch import Segment
from tocsin.store.faults import EngineUnavailable


def _journal(data: Path) -> Journal:
    return Journal(data / "journal", options=JournalOptions(), clock=RealClock(), entropy=RealEntropy())


def test_what_is_accepted_is_queryable_once_settled(tmp_path: Path) -> None:
    """accept, settle, ask; and accept again, because settling stops nothing."""
    with House(options_for(tmp_path)) as house:
        for text in ("first", "second"):
            house.accept(logs_batch(text)).result(10)
            house.settle(timeout_s=30)
            assert [record.body for record in house.desk.logs(limit=1).records] == [text] or text == "second"
        assert sorted(str(record.body) for record in house.desk.logs().records) == ["first", "second"]


def test_opening_a_directory_loads_what_its_journal_holds(tmp_path: Path) -> None:
    """Acknowledged by a process that ended before the engine had it: tocsin.open answers with it all the same."""
    journal = _journal(tmp_path)
    journal.start()
    journal.append(logs_batch("left behind")).result(10)
    journal.close()
    with tocsin.open(tmp_path) as desk:
        assert [record.body for record in desk.logs().records] == ["left behind"]
    with tocsin.open(str(tmp_path)) as desk:
        assert len(desk.logs().records) == 1, "opened again, nothing is doubled"


def test_a_directory_belongs_to_one(tmp_path: Path) -> None:
    """While it is open, a second opening is refused; afterwards it is not."""
    with House(options_for(tmp_path)), pytest.raises(Conflict):
        open_directory(tmp_path)
    open_directory(tmp_path).close()


def test_a_directory_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    """A file where the directory should be."""
    (tmp_path / "data").write_text("not a directory", encoding="utf-8")
    with pytest.raises(JournalError, match="can't be opened"):
        open_directory(tmp_path / "data")


def test_an_engine_that_refuses_for_long_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settling does not wait for ever for an engine without disk, and nothing is lost by giving up."""
    monkeypatch.setattr(house_module, "STUCK_S", 0.0)

    def refuse(_: Segment) -> None:
        raise EngineUnavailable("no space is left on the disk")

    with House(options_for(tmp_path)) as house:
        monkeypatch.setattr(house.store, "load", refuse)
        house.accept(logs_batch("patient")).result(10)
        with pytest.raises(StoreError, match="no space is left"):
            house.settle(timeout_s=30)
    with tocsin.open(tmp_path) as desk:
        assert [record.body for record in desk.logs().records] == ["patient"]


def test_recovery_is_said_as_loudly_as_it_deserves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is left over is information, a cut tail a warning, damage an error."""
    report = RecoveryReport(
        segments=2, frames=3, records=40, tails_cut=1, bytes_cut=7, corrupt=("logs-1",), unreadable=("x: EIO",), ignored=("notes.txt",)
    )
    with caplog.at_level(logging.INFO, logger="tocsin"):
        report_recovery(report, _journal(tmp_path))
    levels = [(record.levelname, record.getMessage().split()[2]) for record in caplog.records]
    assert [level for level, _ in levels] == ["INFO", "WARNING", "ERROR", "ERROR", "WARNING"]
    assert "40 records" in caplog.text
    assert "notes.txt" in caplog.text


def test_importing_tocsin_loads_no_server() -> None:
    """`import tocsin` is what a user's own service does: none of the server's packages comes along."""
    code = "import sys, tocsin; print(*sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    heavy = ["fastapi", "starlette", "chdb", "grpc", "pydantic", "uvicorn", "typer", "rich", "httpx", "yaml", "google", "orjson", "luqum"]
    found = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
