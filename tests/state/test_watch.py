"""Whether the state can be used: seen without waiting, and a file that is not there any more is noticed."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.state.builders import deployment
from tests.state.postgresql import PostgreSQL

from tocsin.clock import RealClock
from tocsin.errors import StoreError
from tocsin.state.options import StateOptions
from tocsin.state.state import State
from tocsin.state.watch import EVERY_S, StateWatch


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ns(self) -> int:
        """Never asked."""
        raise AssertionError

    def monotonic_s(self) -> float:
        """Where the hand is."""
        return self.seconds


def test_a_database_that_works_is_said_to(state: State) -> None:
    """Nothing is wrong, and the look is not counted as a change."""
    before = state.statistics().transactions
    assert StateWatch(state.database.probe, clock=RealClock(), wait_s=30).problem() == ""
    assert state.statistics().transactions == before


def test_the_database_is_looked_at_now_and_then() -> None:
    """However often somebody asks, there is one look in three seconds; what it found holds until the next."""
    hand, looks = Hand(), []

    def probe() -> None:
        looks.append(hand.seconds)
        if len(looks) == 1:
            raise StoreError("its disk is full")

    watch = StateWatch(probe, clock=hand, wait_s=30)
    assert [watch.problem() for _ in range(3)] == ["its disk is full"] * 3
    hand.seconds = EVERY_S
    assert [watch.problem() for _ in range(3)] == [""] * 3
    assert looks == [0.0, EVERY_S]


def test_nobody_waits_for_a_database_that_hangs() -> None:
    """While a look is under way it is said for how long, no second one starts, and its end is seen."""
    hand, go = Hand(), threading.Event()
    started = []

    def probe() -> None:
        started.append(hand.seconds)
        go.wait(30)

    watch = StateWatch(probe, clock=hand, wait_s=0.01)
    assert watch.problem().startswith("it has not answered for 0.0 s; see whether another process")
    hand.seconds = 12
    assert watch.problem().startswith("it has not answered for 12.0 s")
    assert started == [0.0]
    go.set()
    patient = StateWatch(probe, clock=hand, wait_s=30)
    assert patient.problem() == ""


def test_a_locked_file_is_not_ready(tmp_path: Path) -> None:
    """Another process that holds the write lock is named, and nothing is wrong once it lets go."""
    with State.open(tmp_path, StateOptions(busy_timeout_s=0.05)) as state:
        with _locked(tmp_path / "state.sqlite"):
            assert "is locked by another process" in StateWatch(state.database.probe, clock=RealClock(), wait_s=30).problem()
        assert StateWatch(state.database.probe, clock=RealClock(), wait_s=30).problem() == ""


@pytest.mark.parametrize(("replaced", "said"), [(False, "was deleted"), (True, "was replaced by another file")])
def test_a_file_that_is_gone_takes_nothing(tmp_path: Path, *, replaced: bool, said: str) -> None:
    """Changes are refused for good, not answered and lost; no empty file appears in its place, and the words say what to do."""
    file = tmp_path / "state.sqlite"
    with State.open(tmp_path, StateOptions()) as state:
        state.deployments.record(deployment())
        if replaced:
            shutil.copy(file, tmp_path / "copy")
            (tmp_path / "copy").replace(file)
        else:
            file.unlink()
        for change in (lambda: state.deployments.record(deployment(id="d2")), state.database.probe):
            with pytest.raises(StoreError, match=rf"state\.sqlite {said} while it was open.*restart Tocsin") as caught:
                change()
            assert not caught.value.retryable
        with state.database.reading(), pytest.raises(StoreError, match=said), state.database.reading():
            pass  # the second connection would be a new one
        assert file.exists() == replaced


def test_a_file_that_goes_during_a_change_loses_nothing_silently(tmp_path: Path) -> None:
    """Deleted between the first statement and the commit: the caller is told, and nothing is committed."""
    with State.open(tmp_path, StateOptions()) as state, pytest.raises(StoreError, match="was deleted"), state.database.transaction():
        (tmp_path / "state.sqlite").unlink()


@pytest.mark.slow
def test_a_server_that_takes_no_changes_is_not_ready(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """A PostgreSQL whose transactions are read-only, as a standby's are, answers, and is not ready all the same."""
    url = postgresql.new_place()
    with State.open(tmp_path, StateOptions(url=SecretStr(url))) as state:
        state.database.probe()
    read_only = StateOptions(url=SecretStr(f"{url}%20-cdefault_transaction_read_only%3Don"))
    with State.open(tmp_path, read_only) as state, pytest.raises(StoreError, match="takes no changes: it is a standby"):
        state.database.probe()


@pytest.mark.slow
def test_a_server_that_goes_away_is_seen(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """A PostgreSQL that ended can't be reached, and is found again."""
    with State.open(tmp_path, StateOptions(url=SecretStr(postgresql.new_place()))) as state:
        postgresql.stop()
        try:
            assert "can't be reached" in StateWatch(state.database.probe, clock=RealClock(), wait_s=30).problem()
        finally:
            postgresql.start()
        assert StateWatch(state.database.probe, clock=RealClock(), wait_s=30).problem() == ""


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE").close()
        yield
        other.execute("ROLLBACK").close()
