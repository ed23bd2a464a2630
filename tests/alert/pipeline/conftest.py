"""A relational state in a file, a virtual clock, receivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.alert.pipeline.builders import Receivers, VirtualClock
from tests.state.prepared import open_state

from tocsin.state.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Empty."""
    with open_state(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> VirtualClock:
    """Stands at START."""
    return VirtualClock()


@pytest.fixture
def receivers() -> Receivers:
    """All of them take everything."""
    return Receivers()
