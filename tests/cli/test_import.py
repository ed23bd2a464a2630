"""`tocsin import`: into a server, and into a data directory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.api.fake_desk import FakeDesk
from tests.cli.conftest import Tocsin, serving

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.otlp_http import routes
from tocsin.cli import import_files
from tocsin.clock import RealClock
from tocsin.errors import JournalError, Overloaded
from tocsin.model.batch import Batch
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.door import Door

LINES = '{"time":"2026-03-02T09:30:00Z","message":"hello","request_id":"req-B"}\nnonsense\n\n{"message":"no time"}\n'


@dataclass(frozen=True)
class Receiver:
    """A server that takes telemetry, and what it took."""

    url: str
    acceptor: FakeAcceptor


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """OTLP over HTTP in front of a fake journal."""
    acceptor = FakeAcceptor()
    context = Context(desk=FakeDesk(), clock=RealClock())
    with serving(create_application(context, ingest=routes(Door(), acceptor, RealClock()))) as url:
        yield Receiver(url, acceptor)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Four lines: a good one, a bad one, a blank one, one without a time."""
    path = tmp_path / "app.jsonl"
    path.write_text(LINES, encoding="utf-8")
    return path


def test_every_line_is_accounted_for(tocsin: Tocsin, receiver: Receiver, file: Path) -> None:
    """Good lines are sent, bad ones shown with number and reason; exit code 1."""
    outcome = tocsin("import", str(file), "--url", receiver.url)
    assert outcome.code == 1
    assert receiver.acceptor.records == 2
    lines = outcome.err.splitlines()
    assert lines[0] == "app.jsonl: 2 records of 4 lines, 1 blank, 1 bad".replace("app.jsonl", str(file))
    assert lines[1].startswith("  line 2: not JSON")
    assert "which got the present: 1" in lines[2]


def test_good_files_end_with_zero(tocsin: Tocsin, receiver: Receiver, tmp_path: Path) -> None:
    """Several files, one of them compressed; nothing bad, exit code 0."""
    (tmp_path / "a.log").write_text("time=2026-03-02T09:30:00Z level=info msg=hello\n", encoding="utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"time":"2026-03-02T09:30:00Z","message":"hello"}\n' * 3))
    outcome = tocsin("import", str(tmp_path / "a.log"), str(tmp_path / "b.jsonl.gz"), "--url", receiver.url)
    assert (outcome.code, receiver.acceptor.records) == (0, 4)
    assert outcome.err.count("\n") == 2


def test_many_bad_lines_are_counted_not_listed(tocsin: Tocsin, receiver: Receiver, tmp_path: Path) -> None:
    """Ten are shown, the others counted."""
    file = tmp_path / "bad.jsonl"
    file.write_text("{\n" * 25, encoding="utf-8")
    outcome = tocsin("import", str(file), "--format", "jsonl", "--url", receiver.url)
    assert outcome.err.count("  line ") == 10
    assert "... and 15 more bad lines" in outcome.err


def test_a_busy_server_is_waited_for(tocsin: Tocsin, receiver: Receiver, file: Path) -> None:
    """A server that says 'not now' is asked again after the time that it names."""

    class BusyOnce(FakeAcceptor):
        def __call__(self, batch: Batch) -> Future[None]:
            self.refusal, refusal = None, self.refusal
            if refusal:
                raise refusal
            return super().__call__(batch)

    acceptor = BusyOnce()
    acceptor.refusal = Overloaded("not now", retry_after_s=0.01)
    context = Context(desk=FakeDesk(), clock=RealClock())
    with serving(create_application(context, ingest=routes(Door(), acceptor, RealClock()))) as url:
        assert tocsin("import", str(file), "--url", url).code == 1
    assert acceptor.records == 2


def test_a_server_that_can_not_keep_it_ends_the_import(
    tocsin: Tocsin, receiver: Receiver, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that does not pass is said in the server's words, exit code 4; nothing is skipped silently."""
    monkeypatch.setattr(import_files, "ATTEMPTS_MAX", 1)
    receiver.acceptor.refusal = JournalError("the disk is full")
    outcome = tocsin("import", str(file), "--url", receiver.url)
    assert outcome.code == 4
    assert "did not take a batch, 1 times in a row: the disk is full" in outcome.err


@pytest.mark.parametrize(("arguments", "said"), [(("nowhere.log",), "cannot open nowhere.log"), ((), "files")], ids=["missing", "none"])
def test_no_file_is_a_wrong_command_line(tocsin: Tocsin, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2."""
    outcome = tocsin("import", *arguments, "--url", "http://127.0.0.1:9")
    assert outcome.code == 2
    assert said in outcome.err


def test_a_data_directory_takes_and_answers_without_a_server(tocsin: Tocsin, file: Path, tmp_path: Path) -> None:
    """Imported with --data, asked with --data: the same application answers, in this process."""
    data = str(tmp_path / "data")
    assert tocsin("import", str(file), "--data", data).code == 1
    outcome = tocsin("correlate", "req-B", "--data", data, "--json")
    assert outcome.code == 0
    assert [entry["log"]["body"] for entry in json.loads(outcome.out)["entries"]] == ["hello"]
    listed = tocsin("journal", "--data", data)
    assert (listed.code, listed.out) == (0, "nothing is in quarantine\n")


def test_a_data_directory_that_is_not_there_is_said(tocsin: Tocsin, tmp_path: Path) -> None:
    """Asking creates nothing; exit code 2."""
    outcome = tocsin("logs", "--data", str(tmp_path / "none"))
    assert outcome.code == 2
    assert "there is no data directory" in outcome.err
    assert not (tmp_path / "none").exists()
