"""Files that are followed: which ones patterns match, and what changes with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tocsin.query.followed_files import GONE, files_matching, files_of, stamp_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, a folder whose name looks like a file's, and a file within it."""
    (tmp_path / "inner.yaml").mkdir()
    for name in ("b.yaml", "a.yaml", "inner.yaml/c.yaml"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_patterns_match_files_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted; folders are none; paths from the root and from the working directory."""
    monkeypatch.chdir(folder)
    assert files_matching(f"{folder}/*.yaml") == [folder / "a.yaml", folder / "b.yaml"]
    assert files_matching("?.yaml") == [Path("a.yaml"), Path("b.yaml")]
    assert files_matching("**/c.yaml") == [Path("inner.yaml/c.yaml")]
    assert files_matching("a.yaml") == [Path("a.yaml")]


@pytest.mark.parametrize("pattern", ["", "gone.yaml", "inner.yaml", "*.yml", "/", "[", "**a/*", "a\0b", "a\0*"])
def test_what_matches_nothing_gives_nothing(pattern: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever somebody wrote as a pattern."""
    monkeypatch.chdir(folder)
    assert files_matching(pattern) == []


def test_a_file_that_two_patterns_match_is_one(folder: Path) -> None:
    """In the order of the patterns, with those that match nothing named."""
    patterns = [f"{folder}/b.yaml", f"{folder}/*.yaml", f"{folder}/*.toml"]
    assert files_of(patterns) == ([folder / "b.yaml", folder / "a.yaml"], [f"{folder}/*.toml"])


def test_a_stamp_changes_with_its_file(tmp_path: Path) -> None:
    """Another size, another time, another file under the name, or none."""
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("1")
    other.write_text("2")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = stamp_of(path)
    assert stamp_of(path) == before
    other.rename(path)
    assert stamp_of(path) != before
    path.unlink()
    assert stamp_of(path) == GONE
