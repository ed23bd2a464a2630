"""
What every test can ask for.

`golden(name, text)` compares a text with the file `tests/golden/<name>`; `make golden` writes those files anew, so that a
change of them is read in review rather than typed by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

# A test never asserts a time: on a busy machine an example takes what it takes, and the first one may compile.
settings.register_profile("tocsin", deadline=None)
settings.load_profile("tocsin")

GOLDEN = Path(__file__).parent / "golden"


class Golden(Protocol):
    """Compares `text` with the golden file of that name (`store/trace_by_id.sql`)."""

    def __call__(self, name: str, text: str) -> None:
        """Fail with the difference, or write the file under `--rewrite-golden`."""
        ...


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The comparison with golden files, see the head of this file."""
    rewrite = bool(request.config.getoption("--rewrite-golden"))

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if rewrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"tests/golden/{name} does not exist; `make golden` writes it"
        assert text == path.read_text(encoding="utf-8"), f"tests/golden/{name} differs; if the change is meant, run `make golden`"

    return compare


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--rewrite-golden`."""
    parser.addoption("--rewrite-golden", action="store_true", help="write tests/golden anew instead of comparing with it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that compare with golden files, so that `make golden` runs those alone."""
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.golden)
