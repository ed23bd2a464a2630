"""
What a start finds in a lane's folder, and how it becomes segments again.

    file            frames                                     becomes
    .tmp            any                                        removed: it never had its name
    halves          beside the segment they were made from     removed: nobody got them yet, the whole one goes on
    .open           valid, then a torn end                     cut behind the last valid frame, closed
    .open .segment  damage, or valid frames behind a bad one   the original is copied to quarantine; its valid frames, wherever
                                                               they stand, replace it under the same token
    any             none at all                                removed

Why the same token: should the engine have the segment already (a crash before its file was removed), a second insert is dropped.

What always holds: after a crash at any moment of this, running it again gives the same result; a file that can't be read or
repaired stays where it is and is named in the report.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tocsin.journal.filesystem import FileSystem, store_file
from tocsin.journal.naming import CLOSED, OPEN, UNFINISHED, SegmentName
from tocsin.journal.quarantine import Quarantine
from tocsin.journal.scan import Scan, scan_frames
from tocsin.journal.statistics import RecoveryReport
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal


class Recovery:
    """
    Recovers one lane.

    Args:
        signal: What the lane carries.
        directory: Its folder; it exists.
        filesystem: The disk.
        quarantine: Where damaged originals go.
    """

    def __init__(self, signal: Signal, directory: Path, *, filesystem: FileSystem, quarantine: Quarantine) -> None:
        self._signal = signal
        self._directory = directory
        self._filesystem = filesystem
        self._quarantine = quarantine
        self.segments: list[Segment] = []
        self.report = RecoveryReport()
        self.next_sequence = 1

    def run(self) -> RecoveryReport:
        """
        Bring the folder in order; `segments` then lists what is to be offered, oldest first, `next_sequence` a free number.

        Raises:
            OSError: The folder itself can't be read or changed.
        """
        found: dict[SegmentName, str] = {}
        for file_name in sorted(self._filesystem.names(self._directory)):
            path = Path(file_name)
            name = SegmentName.parse(path.stem)
            if path.suffix == UNFINISHED:
                self._filesystem.remove(self._directory / file_name)
            elif name and path.suffix in {OPEN, CLOSED}:
                if path.suffix == CLOSED and name in found:
                    # A crash inside _replace: the repaired file has its name, so the original is in quarantine already.
                    self._filesystem.remove(self._directory / (name.stem + OPEN))
                found[name] = path.suffix
            else:
                self.report += RecoveryReport(ignored=(file_name,))
        self._drop_halves(found)
        for name in sorted(found):
            self.next_sequence = max(self.next_sequence, name.sequence + 1)
            self._recover_or_report(name, found[name])
        self._filesystem.sync_directory(self._directory)
        return self.report

    def recover_file(self, name: SegmentName, ending: str) -> Segment | None:
        """
        One file, as the table above says; None when nothing was left of it.

        Raises:
            OSError: It could not be read or repaired and is as it was.
        """
        path = self._directory / (name.stem + ending)
        closed = self._directory / (name.stem + CLOSED)
        data = self._filesystem.read(path)
        scan = scan_frames(data, salt=name.salt)
        if not scan.intact and not (ending == OPEN and scan.torn and scan.whole_front):
            self._replace(name, path, data, scan)
            path = closed
        elif ending == OPEN and data:
            self._cut(path, scan)
        if not scan.frames:
            with suppress(FileNotFoundError):
                self._filesystem.remove(path)
            return None
        if path != closed:
            self._filesystem.rename(path, closed)
        return self._segment(name, scan, scan.valid_bytes)

    def _drop_halves(self, found: dict[SegmentName, str]) -> None:
        # Halves are handed out only when the removal of the whole is durable (`journal.split`), so here the whole is complete.
        halves = [name for name in found if any(name.is_part_of(whole) for whole in found)]
        for name in halves:
            self._filesystem.remove(self._directory / (name.stem + found.pop(name)))
        if halves:
            self._filesystem.sync_directory(self._directory)

    def _recover_or_report(self, name: SegmentName, ending: str) -> None:
        try:
            segment = self.recover_file(name, ending)
        except OSError as error:
            self.report += RecoveryReport(unreadable=(f"{name.stem}{ending}: {error}",))
            return
        if segment:
            self.segments.append(segment)
            self.report += RecoveryReport(segments=1, frames=segment.frames, records=segment.records)

    def _cut(self, path: Path, scan: Scan) -> None:
        # Also when nothing is to be cut: the last frames may not have been synced yet, and a closed segment is durable as a whole.
        if scan.frames:
            self._filesystem.truncate(path, scan.valid_bytes)
        if not scan.intact:
            self.report += RecoveryReport(tails_cut=1, bytes_cut=scan.size_bytes - scan.valid_bytes)

    def _replace(self, name: SegmentName, path: Path, data: bytes, scan: Scan) -> None:
        lost_bytes = scan.size_bytes - scan.valid_bytes
        damaged = self._segment(name, scan, scan.size_bytes)
        reason = f"{lost_bytes} of {scan.size_bytes} bytes belong to no valid frame; {scan.frames} valid frames were kept"
        self._quarantine.keep_original(damaged, data, reason)
        closed = self._directory / (name.stem + CLOSED)
        if scan.frames:
            view = memoryview(data)
            spans = [view[start:end] for start, end in scan.spans]
            store_file(self._filesystem, closed, spans, unfinished=UNFINISHED)
            self._filesystem.sync_directory(self._directory)
        if path != closed:
            self._filesystem.remove(path)
        self.report += RecoveryReport(corrupt=(damaged.token,), bytes_corrupt=lost_bytes)

    def _segment(self, name: SegmentName, scan: Scan, size_bytes: int) -> Segment:
        path = self._directory / (name.stem + CLOSED)
        return Segment(self._signal, path, name.token(self._signal), scan.frames, scan.records, size_bytes)
