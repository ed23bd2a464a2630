"""Records as rows: every value that is taken comes back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.state.builders import exclusion, progress

from tocsin.errors import InvalidInput
from tocsin.model.budget import CountProgress, Exclusion
from tocsin.state.options import StateOptions
from tocsin.state.rows import checked, row_of
from tocsin.state.state import State
from tocsin.state.tables import EXCLUSIONS

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """One SQLite database for all examples."""
    with State.open(tmp_path_factory.mktemp("rows"), StateOptions()) as state:
        yield state


@given(st.builds(CountProgress, TEXT, TEXT, INT64, st.booleans(), INT64, INT64))
def test_a_record_comes_back_as_it_was(file: State, record: CountProgress) -> None:
    """Any text and any 64 bits go through the database unchanged, with their types."""
    file.progress.put([record])
    found = file.progress.all()[record.objective]
    assert found == record
    assert type(found.backfilled) is bool
    file.progress.remove([record.objective])


@given(st.text() | INT64 | st.integers() | st.floats() | st.booleans() | st.none())
def test_any_value_is_taken_or_refused(value: object) -> None:
    """What no database could keep is the caller's mistake, and everything else passes as it is."""
    with suppress(InvalidInput):
        assert checked("version", value) is value


def test_a_row_has_the_columns_of_its_table() -> None:
    """Fields that are no columns are left out; every column but those of a withdrawal has a value."""
    row = row_of(exclusion(), EXCLUSIONS)
    assert set(EXCLUSIONS.columns.keys()) - set(row) == {"withdrawn_at", "withdrawn_by", "withdrawn_reason"}
    assert Exclusion(**row) == exclusion()
    assert progress().objective == "availability"
