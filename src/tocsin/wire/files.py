"""
File import: lines in, checked batches out, every line accounted for.

    InputFile.lines -> one reader per Format -> LogRequest (or an OTLP request of its own) -> Door.admit -> Imported

Always holds: lines = records + bad lines + blank lines (for the three log formats); nothing is skipped without being counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from typing import Any, TypeAlias

import orjson

from tocsin.clock import Clock
from tocsin.errors import InvalidInput, ParseError
from tocsin.model.batch import Batch
from tocsin.model.signal import Signal
from tocsin.wire.access_log import add_access, matches_access
from tocsin.wire.door import Checked, Door
from tocsin.wire.input_file import InputFile, Line
from tocsin.wire.log_request import LogRequest
from tocsin.wire.logfmt import parse_logfmt
from tocsin.wire.options import ImportOptions
from tocsin.wire.otlp_json import OtlpJson

TEXT_CHARACTERS_MAX = 200
DETECT_LINES = 50
OTLP_KEYS = {"resourceSpans": Signal.TRACES, "resourceLogs": Signal.LOGS, "resourceMetrics": Signal.METRICS}


class Format(Enum):
    """What the lines of a file are; the value is its word on the command line."""

    JSON_LINES = "jsonl"
    LOGFMT = "logfmt"
    ACCESS_LOG = "access"
    OTLP_JSON = "otlp-json"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is not in, and why; `text` is its start, at most 200 characters."""

    number: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Imported:
    """
    A step of an import.

    Args:
        batch: What is to be stored; None when nothing of this step is.
        lines: Lines read in this step.
        records: Records in the batch.
        rejected: Records that the door did not let in.
        message: Why not, for a human; empty when none was rejected.
        bad_lines: Lines that could not be read.
        blank_lines: Lines without anything in them.
        times_missing: Records whose line had no time that could be understood: they got the present.
        read_bytes: How far the file was read, as it lies on disk.
        size_bytes: Its size; None when unknown.
    """

    batch: Batch | None
    lines: int
    records: int
    rejected: int
    message: str
    bad_lines: tuple[BadLine, ...]
    blank_lines: int
    times_missing: int
    read_bytes: int
    size_bytes: int | None


AddLine: TypeAlias = Callable[[LogRequest, bytes], None]
"""Adds a line's record to the request; raises ParseError for a bad line."""


def detect(lines: Sequence[bytes]) -> Format:
    """
    What the first lines of a file look like; bad ones among them are borne as long as most are good.

    Raises:
        InvalidInput: They look like none of the formats.
    """
    looked_at = [line for line in lines[:DETECT_LINES] if line.strip()]
    votes = [_guess(line) for line in looked_at]
    best = max(Format, key=votes.count)
    if votes.count(best) * 2 <= len(votes):
        sample = _text(looked_at[0])[:80] if looked_at else "nothing"
        raise InvalidInput(f"the format can't be told from the first lines ({sample!r}); name one of {', '.join(f.value for f in Format)}")
    return best


def read(
    path: str, line_format: Format | None, *, service: str, clock: Clock, door: Door, options: ImportOptions | None = None
) -> Iterator[Imported]:
    """
    Read a file, step by step.

    Args:
        path: The file, plain or compressed with gzip or zstd; `-` for standard input.
        line_format: What its lines are; None looks at the first ones.
        service: The service of log records whose line names none.
        clock: The present: for lines without a time, and for the door's bounds.
        door: Checks the records as it checks what comes over the network.
        options: Sizes of steps and lines.

    Returns:
        Steps with at most `batch_records` lines each; the one that ends the file is the last.

    Raises:
        NotFound: The file can't be opened.
        InvalidInput: No format was given, and none fits.
    """
    options = options or ImportOptions()
    with InputFile(path) as file:
        lines = file.lines(line_bytes_max=options.line_bytes_max)
        if line_format is None:
            first, failure = _peek(lines)
            line_format = detect([line.data for line in first])
            lines = chain(first, _raising(failure), lines)
        if line_format is Format.OTLP_JSON:
            yield from _read_otlp(lines, file, clock, door, OtlpJson(door.twin))
        else:
            yield from _read_logs(lines, file, _ADDERS[line_format], service, clock, door, options)


def _peek(lines: Iterator[Line]) -> tuple[list[Line], ParseError | None]:
    first: list[Line] = []
    try:
        first.extend(islice(lines, DETECT_LINES))
    except ParseError as error:
        return first, error
    return first, None


def _raising(failure: ParseError | None) -> Iterator[Line]:
    if failure is not None:
        raise failure
    yield from ()


class _Step:
    """Counts of the step that is being read."""

    def __init__(self) -> None:
        self.lines = self.size_bytes = self.blank_lines = 0
        self.bad_lines: list[BadLine] = []
        self.last_number = 0

    def take(self, line: Line) -> bool:
        """Count a line; whether there is something in it to read."""
        self.lines += 1
        self.last_number = line.number
        self.size_bytes += len(line.data)
        if line.cut:
            self.bad(line, "the line is longer than line_bytes_max")
            return False
        if not line.data.strip():
            self.blank_lines += 1
            return False
        return True

    def bad(self, line: Line, reason: str) -> None:
        """Note a line that can't be read."""
        self.bad_lines.append(BadLine(line.number, reason, _text(line.data)[:TEXT_CHARACTERS_MAX]))

    def imported(self, file: InputFile, checked: Checked, times_missing: int = 0) -> Imported:
        """The step's account."""
        return Imported(
            batch=checked.batch,
            lines=self.lines,
            records=checked.accepted,
            rejected=checked.rejected,
            message=checked.message,
            bad_lines=tuple(self.bad_lines),
            blank_lines=self.blank_lines,
            times_missing=times_missing,
            read_bytes=file.read_bytes,
            size_bytes=file.size_bytes,
        )


def _read_logs(
    lines: Iterator[Line], file: InputFile, add: AddLine, service: str, clock: Clock, door: Door, options: ImportOptions
) -> Iterator[Imported]:
    ended = False
    while not ended:
        now_ns = clock.now_ns()
        request, step = LogRequest(door.twin, service=service, now_ns=now_ns), _Step()
        ended = True
        try:
            for line in lines:
                if step.take(line):
                    try:
                        add(request, line.data)
                    except ParseError as error:
                        step.bad(line, str(error))
                if step.lines >= options.batch_records or step.size_bytes >= options.batch_bytes:
                    ended = False
                    break
        except ParseError as error:  # the file itself: what was read of it counts, and the loss is said
            step.bad_lines.append(BadLine(step.last_number + 1, str(error), ""))
        if step.lines or step.bad_lines:
            yield step.imported(file, door.admit(Signal.LOGS, request.message, now_ns=now_ns), request.times_missing)


def _read_otlp(lines: Iterator[Line], file: InputFile, clock: Clock, door: Door, reader: OtlpJson) -> Iterator[Imported]:
    step = _Step()
    try:
        for line in lines:
            step = _Step()
            checked = _NOTHING
            if step.take(line):
                try:
                    signal, document = _otlp_request(line.data)
                    checked = door.admit(signal, reader.convert(signal, document), now_ns=clock.now_ns())
                except ParseError as error:
                    step.bad(line, str(error))
            yield step.imported(file, checked)
    except ParseError as error:
        end = _Step()
        end.bad_lines.append(BadLine(step.last_number + 1, str(error), ""))
        yield end.imported(file, _NOTHING)


def _otlp_request(data: bytes) -> tuple[Signal, Any]:
    document = _load_object(data)
    for key, signal in OTLP_KEYS.items():
        if key in document:
            return signal, document
    raise ParseError(f"not an OTLP request: none of the keys {', '.join(OTLP_KEYS)} is there")


def _load_object(data: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error}", position=error.pos) from error
    if not isinstance(document, dict):
        raise ParseError("not a JSON object")
    return document


def _decode(data: bytes) -> str:
    try:
        return data.decode().strip()
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 from byte {error.start + 1}", position=error.start) from error


def _text(data: bytes) -> str:
    return data[: TEXT_CHARACTERS_MAX * 4].decode(errors="replace").strip()


def _guess(line: bytes) -> Format | None:
    try:
        if line.lstrip().startswith(b"{"):
            document = _load_object(line)
            return Format.OTLP_JSON if OTLP_KEYS.keys() & document.keys() else Format.JSON_LINES
        text = _decode(line)
        if matches_access(text):
            return Format.ACCESS_LOG
        fields = parse_logfmt(text)
    except ParseError:
        return None
    # Prose with one `a=b` in it parses as logfmt too; in true logfmt only quoted messages have words that are no pairs.
    pairs = sum(value is not True for value in fields.values())
    return Format.LOGFMT if pairs * 4 >= len(text.split()) else None


_ADDERS: dict[Format, AddLine] = {
    Format.JSON_LINES: lambda request, data: request.add_fields(_load_object(data)),
    Format.LOGFMT: lambda request, data: request.add_fields(parse_logfmt(_decode(data))),
    Format.ACCESS_LOG: lambda request, data: add_access(request, _decode(data)),
}
_NOTHING = Checked(None, 0, 0, "")
