"""Files of targets: read when they change, kept as they were while they are broken."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.collect.builders import HandClock

from tocsin.collect.discovery import FileTargets
from tocsin.collect.options import FileDiscovery


def files_of(folder: Path, *patterns: str, clock: HandClock | None = None) -> FileTargets:
    """The targets of these files."""
    config = FileDiscovery.model_validate({"files": list(patterns), "refresh_interval": "1m"})
    return FileTargets([config], clock=clock or HandClock(), directory=folder)


def addresses(files: FileTargets) -> list[str]:
    """All addresses, sorted."""
    return sorted(target for group in files.groups() for target in group.targets)


def test_json_and_yaml_are_read(tmp_path: Path) -> None:
    """Both formats list groups as static_configs do, and every target knows its file."""
    (tmp_path / "a.json").write_text(json.dumps([{"targets": ["a:1"], "labels": {"team": "web"}}]), encoding="utf-8")
    (tmp_path / "b.yml").write_text("- targets: [b:1]\n  labels: {port: 80}\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("", encoding="utf-8")
    files = files_of(tmp_path, "*.json", "*.yml", "c.yaml")
    assert files.refresh()
    assert addresses(files) == ["a:1", "b:1"]
    labels = {group.targets[0]: dict(group.labels) for group in files.groups()}
    assert labels["a:1"] == {"team": "web", "__meta_filepath": str(tmp_path / "a.json")}
    assert labels["b:1"]["port"] == "80"
    assert not files.mistakes()


def test_a_change_is_noticed_and_silence_costs_nothing(tmp_path: Path) -> None:
    """Only a different file is news; a new file that matches is found, one that is gone takes its targets along."""
    path = tmp_path / "a.json"
    path.write_text('[{"targets": ["a:1"]}]', encoding="utf-8")
    files = files_of(tmp_path, "*.json")
    assert files.refresh()
    assert not files.refresh()
    path.write_text('[{"targets": ["a:1", "a:2"]}]', encoding="utf-8")
    assert files.refresh()
    assert addresses(files) == ["a:1", "a:2"]
    (tmp_path / "b.json").write_text('[{"targets": ["b:1"]}]', encoding="utf-8")
    assert files.refresh()
    path.unlink()
    assert files.refresh()
    assert addresses(files) == ["b:1"]


@pytest.mark.parametrize(
    "broken", ['[{"targets": ["b', '{"targets": ["b:1"]}', '[{"target": ["b:1"]}]', '[{"targets": [["b"]]}]', "\ufffe", "7"]
)
def test_a_broken_file_keeps_its_last_good_targets(tmp_path: Path, broken: str) -> None:
    """Half a file is said, and changes nothing until it is whole again."""
    path = tmp_path / "a.json"
    path.write_text('[{"targets": ["a:1"]}]', encoding="utf-8")
    files = files_of(tmp_path, "a.json")
    files.refresh()
    path.write_text(broken, encoding="utf-8")
    assert not files.refresh()
    assert addresses(files) == ["a:1"]
    (mistake,) = files.mistakes()
    assert str(path) in mistake
    assert "last good targets stay" in mistake
    path.write_text('[{"targets": ["c:1"]}]', encoding="utf-8")
    assert files.refresh()
    assert (addresses(files), files.mistakes()) == (["c:1"], [])


def test_a_file_that_looks_the_same_is_read_again_when_due(tmp_path: Path) -> None:
    """Where time and size did not change, the interval of the configuration decides."""
    path = tmp_path / "a.json"
    path.write_text('[{"targets": ["a:1"]}]', encoding="utf-8")
    clock = HandClock()
    files = files_of(tmp_path, "a.json", clock=clock)
    files.refresh()
    status = path.stat()
    with path.open("r+", encoding="utf-8") as file:
        file.write('[{"targets": ["b:1"]}]')
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    clock.advance(59)
    assert not files.refresh()
    clock.advance(1)
    assert files.refresh()
    assert addresses(files) == ["b:1"]


def test_a_file_that_is_not_there_yet_is_no_mistake(tmp_path: Path) -> None:
    """It may come later."""
    files = files_of(tmp_path, "later.yml")
    assert not files.refresh()
    assert not files.mistakes()
