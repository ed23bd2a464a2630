"""
One segment into two, so that a frame which the engine refuses can be found by halving.

    1. write both halves beside the whole, sync them, give them their names, sync the folder
    2. remove the whole, sync the folder
    3. only now hand the halves out

A crash before the end of 2 leaves the whole: recovery removes the halves and starts from it. A crash behind it leaves the halves.
Called again after a failure it goes on where it stopped. Frames move byte for byte: the halves share the whole one's salt.
"""

from __future__ import annotations

from contextlib import suppress

from tocsin.errors import JournalError
from tocsin.journal.filesystem import FileSystem, store_file
from tocsin.journal.frame import Frame
from tocsin.journal.naming import CLOSED, UNFINISHED, SegmentName, parse_token
from tocsin.journal.scan import read_frames, scan_frames
from tocsin.model.batch import Segment


def split_segment(filesystem: FileSystem, segment: Segment) -> list[Segment]:
    """
    Replace a segment by its halves (`<token>-a`, `<token>-b`); one of a single frame comes back as it is.

    Raises:
        OSError: The disk refused; call again.
        JournalError: The file is damaged.
    """
    parsed = parse_token(segment.token)
    assert parsed, f"{segment.token!r} is no segment's token"
    halves = parsed[1].split
    try:
        data = filesystem.read(segment.path)
    except FileNotFoundError:
        parts = [_read_part(filesystem, segment, half) for half in halves]
    else:
        frames = list(read_frames(data, salt=parsed[1].salt))
        if not frames or frames[-1].end != len(data):
            raise JournalError(f"segment {segment.token} was damaged since it was closed; restart to have it repaired")
        if len(frames) == 1:
            return [segment]
        middle = len(frames) // 2
        parts = [
            _write_part(filesystem, segment, half, data, part)
            for half, part in zip(halves, (frames[:middle], frames[middle:]), strict=True)
        ]
        filesystem.sync_directory(segment.path.parent)
        with suppress(FileNotFoundError):
            filesystem.remove(segment.path)
    filesystem.sync_directory(segment.path.parent)
    return parts


def _write_part(filesystem: FileSystem, whole: Segment, name: SegmentName, data: bytes, frames: list[Frame]) -> Segment:
    path = whole.path.with_name(name.stem + CLOSED)
    start, end = frames[0].start, frames[-1].end
    store_file(filesystem, path, [memoryview(data)[start:end]], unfinished=UNFINISHED)
    records = sum(frame.records for frame in frames)
    return Segment(whole.signal, path, name.token(whole.signal), len(frames), records, end - start)


def _read_part(filesystem: FileSystem, whole: Segment, name: SegmentName) -> Segment:
    path = whole.path.with_name(name.stem + CLOSED)
    scan = scan_frames(filesystem.read(path), salt=name.salt)
    return Segment(whole.signal, path, name.token(whole.signal), scan.frames, scan.records, scan.size_bytes)
