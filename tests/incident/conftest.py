"""A house of incidents for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.incident.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Open, empty, at START."""
    one = House(tmp_path)
    yield one
    one.close()
