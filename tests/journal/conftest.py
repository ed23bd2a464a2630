"""A journal on a real disk that can be told to fail, and a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.journal.builders import FailingDisk, FakeClock, Opener, options

from tocsin.clock import RealEntropy
from tocsin.journal.journal import Journal
from tocsin.journal.options import JournalOptions


@pytest.fixture
def clock() -> FakeClock:
    """Stands at 2023-11-14T22:13:20Z."""
    return FakeClock()


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    """The machine's disk with faults to switch on; whatever still waits for it goes on when the test ends."""
    disk = FailingDisk()
    yield disk
    disk.failures.clear()
    disk.release_sync()


@pytest.fixture
def opened(tmp_path: Path, disk: FailingDisk, clock: FakeClock) -> Iterator[Opener]:
    """Opens journals in the test's folder; all of them are closed when it ends."""
    journals: list[Journal] = []

    def open_journal(journal_options: JournalOptions | None = None, *, threads: bool = True) -> Journal:
        journal = Journal(tmp_path / "journal", options=journal_options or options(), clock=clock, entropy=RealEntropy(), filesystem=disk)
        journals.append(journal)
        journal.start(threads=threads)
        return journal

    yield open_journal
    disk.failures.clear()
    disk.release_sync()
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened: Opener) -> Journal:
    """An open journal whose segments may be closed at any age."""
    return opened()


@pytest.fixture
def crashed(opened: Opener) -> Callable[[Journal], None]:
    """Lets go of a journal as a killed process does: nothing is drained or closed, only its lock goes."""

    def crash(journal: Journal) -> None:
        journal._release()

    return crash
