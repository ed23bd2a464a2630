"""A state on SQLite whose tables are made once for all tests of a process, and copied for each: making them takes a tenth of a second."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from tocsin.state.address import address_of
from tocsin.state.options import StateOptions
from tocsin.state.state import State


def open_state(folder: Path) -> State:
    """The state of a folder; where it has none yet, with empty tables."""
    put_tables(folder)
    return State.open(folder, StateOptions())


def put_tables(folder: Path) -> None:
    """Put a state with empty tables into a folder that has none yet."""
    path = _file(folder)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty())


@cache
def _empty() -> bytes:
    """The file of a state that was opened and closed."""
    folder = Path(tempfile.mkdtemp())
    try:
        State.open(folder, StateOptions()).close()
        return _file(folder).read_bytes()
    finally:
        shutil.rmtree(folder)


def _file(folder: Path) -> Path:
    return Path(address_of(folder, StateOptions()).url.database or "")
