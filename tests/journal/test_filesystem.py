"""The real disk, behind the interface that simulations replace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.journal.builders import BROKEN, FailingDisk

from tocsin.journal.filesystem import BUFFERS_MAX, DiskFileSystem, store_file, write_all


class HaltingDisk(DiskFileSystem):
    """Takes a few bytes per write, and no more buffers than allowed."""

    def write(self, handle: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Seven bytes at most."""
        assert len(buffers) <= BUFFERS_MAX
        return os.write(handle, b"".join(buffers)[:7])


def test_partial_writes_are_continued(tmp_path: Path) -> None:
    """Every byte arrives once and in order, however little the operating system takes at a time."""
    disk = HaltingDisk()
    handle = disk.create(tmp_path / "file")
    buffers = [bytes([number % 256]) * (number % 5) for number in range(3000)]
    write_all(disk, handle, buffers)
    disk.close(handle)
    assert disk.read(tmp_path / "file") == b"".join(buffers)


def test_a_new_file_does_not_replace_one(tmp_path: Path) -> None:
    """Creating refuses a name that exists: segment names are never used twice."""
    disk = DiskFileSystem()
    disk.close(disk.create(tmp_path / "file"))
    with pytest.raises(FileExistsError):
        disk.create(tmp_path / "file")


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    """Missing parents are made too; making it again is nothing."""
    disk = DiskFileSystem()
    for _ in range(2):
        disk.make_directory(tmp_path / "one" / "two")
    assert (tmp_path / "one" / "two").is_dir()
    assert disk.free_bytes(tmp_path) > 0


def test_names_are_those_of_files(tmp_path: Path) -> None:
    """Folders inside a folder are not listed."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert DiskFileSystem().names(tmp_path) == ["file"]


def test_a_cut_file_can_be_appended_to(tmp_path: Path) -> None:
    """After a cut, the next write stands directly behind what is left."""
    disk = DiskFileSystem()
    path = tmp_path / "file"
    handle = disk.create(path)
    disk.write(handle, [b"keep", b"cut"])
    disk.truncate(path, 4)
    disk.write(handle, [b"next"])
    disk.sync(handle)
    disk.close(handle)
    assert disk.read(path) == b"keepnext"


@pytest.mark.parametrize("call", ["write", "sync", "rename"])
def test_a_stored_file_is_there_whole_or_not_at_all(tmp_path: Path, disk: FailingDisk, call: str) -> None:
    """A failure leaves neither half a file nor its unfinished form, and what stood there before stays."""
    path = tmp_path / "note"
    store_file(disk, path, [b"old"], unfinished=".tmp")
    disk.failures[call] = BROKEN
    with pytest.raises(OSError, match="Input/output error"):
        store_file(disk, path, [b"new"], unfinished=".tmp")
    assert disk.names(tmp_path) == ["note"]
    assert path.read_bytes() == b"old"


def test_a_left_over_unfinished_file_is_in_nobodys_way(tmp_path: Path, disk: FailingDisk) -> None:
    """What a crash left under the unfinished name is replaced."""
    (tmp_path / "note.tmp").write_bytes(b"half")
    store_file(disk, tmp_path / "note", [b"whole"], unfinished=".tmp")
    assert disk.names(tmp_path) == ["note"]
    assert (tmp_path / "note").read_bytes() == b"whole"
