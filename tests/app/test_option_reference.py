"""The reference page and the sample file."""

from __future__ import annotations

from pathlib import Path

from tocsin.app.option_reference import reference_page, sample_file
from tocsin.app.option_sources import load
from tocsin.app.option_tree import option_keys
from tocsin.app.options import Options


def test_the_sample_file_is_the_defaults(tmp_path: Path) -> None:
    """The sample is a valid configuration, and changes nothing."""
    file = tmp_path / "tocsin.yaml"
    file.write_text(sample_file(), encoding="utf-8")
    assert load(file=file) == Options()


def test_every_option_is_documented() -> None:
    """Each option stands on the page with a sentence."""
    page = reference_page()
    for key in option_keys():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{key}`"))
        assert row.rstrip("| ").endswith("."), f"{key} is not explained by a sentence"
