"""
Reading a whole segment file: which of its bytes are frames.

On an intact file this is one pass at the speed of zlib's CRC. Behind a damaged place it finds its way back by (1) the damaged
frame's own length, (2) the next trailer, behind which a frame must start, (3) a short search before that trailer. Its work is
bounded whatever the bytes are: see the two budgets below. What it does not find is still in the original, which recovery keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.journal.frame import (
    LENGTH_BYTES_MAX,
    TRAILER_BYTES,
    Frame,
    FrameDefect,
    checksum_agrees,
    locate_frame,
    read_frame,
    read_varint,
)

RESYNC_POSITIONS_MAX = 1 << 20  # offsets looked at per file: about a second
RESYNC_CHECKSUM_FILES_MAX = 4  # bytes checksummed while searching, in multiples of the file: four times the time of the good path
RESYNC_WINDOW_BYTES = 16 << 10  # how far before a trailer its frame's start is searched
TRAILER_PATTERN = re.compile(rb"\xc1\x3e(?=.{8}\xcd\x3e.{4}\xd5\x3e)", re.DOTALL)  # a look-ahead, so that overlapping ones are seen


@dataclass(frozen=True, slots=True)
class Scan:
    """
    What a file holds.

    Args:
        spans: Runs of valid frames as (start, end) offsets, in order, not touching.
        frames: Valid frames in them.
        records: Spans, log records or data points in those.
        size_bytes: The file's size.
        torn: The rest behind the last run looks like a write that did not finish, not like damage.
    """

    spans: tuple[tuple[int, int], ...]
    frames: int
    records: int
    size_bytes: int
    torn: bool

    @property
    def valid_bytes(self) -> int:
        """How many bytes belong to valid frames."""
        return sum(end - start for start, end in self.spans)

    @property
    def intact(self) -> bool:
        """Every byte belongs to a valid frame."""
        return self.valid_bytes == self.size_bytes

    @property
    def whole_front(self) -> bool:
        """All valid frames stand at the front, without a gap."""
        return not self.spans or (len(self.spans) == 1 and self.spans[0][0] == 0)


def scan_frames(data: bytes, *, salt: int) -> Scan:
    """Find every valid frame of a file; never raises, whatever the bytes."""
    search = _Search(data, salt)
    spans: list[tuple[int, int]] = []
    frames = records = 0
    start: int | None = 0
    torn = False
    while start is not None and start < len(data):
        end = start
        frame = read_frame(data, start, salt=salt)
        while isinstance(frame, Frame):
            frames, records, end = frames + 1, records + frame.records, frame.end
            frame = read_frame(data, end, salt=salt)
        if end > start:
            spans.append((start, end))
        torn = end < len(data) and _looks_torn(data, end, frame)
        start = search.next_frame(end) if end < len(data) else None
    return Scan(tuple(spans), frames, records, len(data), torn)


def read_frames(data: bytes, *, salt: int) -> Iterator[Frame]:
    """The valid frames from the file's start to its end or its first defect, in order."""
    offset = 0
    while offset < len(data) and isinstance(frame := read_frame(data, offset, salt=salt), Frame):
        yield frame
        offset = frame.end


def _looks_torn(data: bytes, offset: int, defect: FrameDefect) -> bool:
    # A crash leaves the front of a frame, or, where the file's length reached the disk before its pages did, zeros.
    return defect is FrameDefect.CUT_SHORT or data.count(0, offset) == len(data) - offset


class _Search:
    """Finds the way back behind damage, within the budgets of one file."""

    def __init__(self, data: bytes, salt: int) -> None:
        self._data = data
        self._salt = salt
        self._positions_left = RESYNC_POSITIONS_MAX
        self._checksum_bytes_left = RESYNC_CHECKSUM_FILES_MAX * len(data)

    def next_frame(self, offset: int) -> int | None:
        """Start of the next valid frame behind the defect at `offset`, None when none was found."""
        length, body = read_varint(self._data, offset)
        if length is not None and self._valid_at(body + length) is not None:
            return body + length
        for match in TRAILER_PATTERN.finditer(self._data, offset):
            end = match.start() + TRAILER_BYTES
            start = self._start_of_frame_to(end, lowest=offset + 1)
            if start is None and self._valid_at(end) is not None:
                start = end
            if start is not None or self._positions_left <= 0:
                return start
        return None

    def _start_of_frame_to(self, end: int, *, lowest: int) -> int | None:
        lowest = max(lowest, end - RESYNC_WINDOW_BYTES)
        for start in range(end - TRAILER_BYTES - 1, lowest - 1, -1):
            # The length must lead exactly to the trailer; most offsets fail this by their first byte alone.
            length, body = read_varint(self._data, start)
            if length == end - body and self._valid_at(start) == end:
                return start
            self._positions_left -= 1
            if self._positions_left <= 0:
                return None
        return None

    def _valid_at(self, offset: int) -> int | None:
        """End of the valid frame at `offset`, None when there is none or the budget for looking is spent."""
        self._positions_left -= 1
        if offset + TRAILER_BYTES + 1 > len(self._data):
            return None
        frame = locate_frame(self._data, offset)
        if not isinstance(frame, Frame) or self._checksum_bytes_left < frame.end - frame.start - LENGTH_BYTES_MAX:
            return None
        self._checksum_bytes_left -= frame.end - frame.start
        return frame.end if checksum_agrees(self._data, frame, salt=self._salt) else None
