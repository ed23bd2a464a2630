"""
Where segments go that nobody may delete and the engine won't have.

    quarantine/traces-000000000012-9f31c07a55e2d4b8.segment         refused by the engine; can be replayed
    quarantine/traces-000000000012-9f31c07a55e2d4b8.segment.json    why, when, how much
    quarantine/logs-000000000003-0c55e2d49f31b807.corrupt           original of a damaged file, kept as evidence: its valid
    quarantine/logs-000000000003-0c55e2d49f31b807.corrupt.json      frames went on in a segment of the same token

A note is durable before its file arrives, so no file stands here without its reason; a note without a file is the trace of a crash
in between and is removed at the next start.
"""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tocsin.clock import Clock
from tocsin.journal.filesystem import FileSystem, store_file
from tocsin.journal.naming import UNFINISHED, parse_token
from tocsin.model.batch import Segment
from tocsin.model.instant import Instant, format_instant, parse_instant
from tocsin.model.signal import Signal

NOTE = ".json"

logger = logging.getLogger(__name__)


class QuarantineKind(Enum):
    """Why a file is here; the value is its ending without the dot."""

    REFUSED = "segment"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class QuarantinedSegment:
    """
    A file in quarantine.

    Args:
        token: The segment's, see `model.batch.Segment`.
        signal: What its frames hold.
        kind: Refused by the engine (can be replayed), or damaged (kept as evidence).
        reason: What the engine or the recovery said.
        frames: Requests in it that are valid.
        records: Spans, log records or data points in those.
        size_bytes: Its size.
        time: When it came here.
        path: The file.
    """

    token: str
    signal: Signal
    kind: QuarantineKind
    reason: str
    frames: int
    records: int
    size_bytes: int
    time: Instant
    path: Path


class Quarantine:
    """The folder and the list of what is in it. Safe to use from several threads."""

    def __init__(self, filesystem: FileSystem, directory: Path, *, clock: Clock) -> None:
        self._filesystem = filesystem
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, QuarantinedSegment] = {}

    def open(self) -> None:
        """Create the folder when it is missing, read its notes, remove what a crash left half done."""
        self._filesystem.make_directory(self._directory)
        names = set(self._filesystem.names(self._directory))
        for name in sorted(names):
            if name.endswith(UNFINISHED) or (name.endswith(NOTE) and name.removesuffix(NOTE) not in names):
                with suppress(OSError):
                    self._filesystem.remove(self._directory / name)
            elif not name.endswith(NOTE) and (entry := self._read_entry(name)):
                self._entries[name] = entry

    def entries(self) -> list[QuarantinedSegment]:
        """Everything in quarantine, by token."""
        with self._lock:
            return [self._entries[name] for name in sorted(self._entries)]

    def take_in(self, segment: Segment, reason: str) -> None:
        """
        Move a refused segment here; durable on return.

        Raises:
            OSError: It is still where it was, or here already; call again.
        """
        entry = self._entry(segment.token, segment.signal, QuarantineKind.REFUSED, reason, segment)
        self._write_note(entry)
        # Not when it stands here already: moved by an earlier call whose syncs failed.
        if entry.path.name not in self._filesystem.names(self._directory):
            self._filesystem.rename(segment.path, entry.path)
        self._filesystem.sync_directory(self._directory)
        self._filesystem.sync_directory(segment.path.parent)
        with self._lock:
            self._entries[entry.path.name] = entry

    def keep_original(self, damaged: Segment, data: bytes, reason: str) -> None:
        """
        Store a copy of a damaged file; durable on return.

        Args:
            damaged: Counts of its valid frames; `size_bytes` of the whole file.
            data: The whole file.
            reason: What is wrong with it.
        """
        entry = self._entry(damaged.token, damaged.signal, QuarantineKind.CORRUPT, reason, damaged)
        self._write_note(entry)
        store_file(self._filesystem, entry.path, [data], unfinished=UNFINISHED)
        self._filesystem.sync_directory(self._directory)
        logger.error("journal segment %s is damaged: %s; its original is kept as %s", damaged.token, reason, entry.path)
        with self._lock:
            self._entries[entry.path.name] = entry

    def release(self, entry: QuarantinedSegment, target: Path) -> None:
        """
        Move a refused segment to `target`, durably, and forget it here.

        Raises:
            OSError: It is still listed here; call again.
        """
        # Not when it is gone: moved by an earlier call whose syncs failed.
        if entry.path.name in self._filesystem.names(self._directory):
            self._filesystem.rename(entry.path, target)
        self._filesystem.sync_directory(target.parent)
        self._filesystem.sync_directory(self._directory)
        with self._lock:
            self._entries.pop(entry.path.name, None)
        with suppress(OSError):  # only now, else a crash could leave the file without its reason; alone it is removed at the next start
            self._filesystem.remove(entry.path.with_name(entry.path.name + NOTE))

    def _entry(self, token: str, signal: Signal, kind: QuarantineKind, reason: str, segment: Segment) -> QuarantinedSegment:
        path = self._directory / f"{token}.{kind.value}"
        now = self._clock.now_ns()
        return QuarantinedSegment(token, signal, kind, reason, segment.frames, segment.records, segment.size_bytes, now, path)

    def _write_note(self, entry: QuarantinedSegment) -> None:
        note = {
            "token": entry.token,
            "signal": entry.signal.value,
            "kind": entry.kind.name.lower(),
            "reason": entry.reason,
            "frames": entry.frames,
            "records": entry.records,
            "size_bytes": entry.size_bytes,
            "time": format_instant(entry.time),
        }
        text = json.dumps(note, indent=2, ensure_ascii=False) + "\n"
        store_file(
            self._filesystem,
            entry.path.with_name(entry.path.name + NOTE),
            [text.encode("utf-8", "replace")],
            unfinished=UNFINISHED,
        )
        self._filesystem.sync_directory(self._directory)

    def _read_entry(self, name: str) -> QuarantinedSegment | None:
        token, _, ending = name.partition(".")
        kind = next((kind for kind in QuarantineKind if kind.value == ending), None)
        parsed = parse_token(token)
        if kind is None or parsed is None:
            logger.warning("quarantine holds %s, which is none of the journal's files; it is left alone", name)
            return None
        path = self._directory / name
        try:
            note = json.loads(self._filesystem.read(path.with_name(name + NOTE)))
            figures = int(note["frames"]), int(note["records"]), int(note["size_bytes"])
            return QuarantinedSegment(token, parsed[0], kind, str(note["reason"]), *figures, parse_instant(note["time"]), path)
        except (OSError, ValueError, LookupError, TypeError) as error:
            # A lost note must not hide the data: listed without figures it can still be replayed.
            return QuarantinedSegment(token, parsed[0], kind, f"its note can't be read: {error}", 0, 0, 0, self._clock.now_ns(), path)
