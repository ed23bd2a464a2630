"""The telemetry of a guard, read from its files: lines of series, spans and logs, compressed or not, within a limit."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.query.promql.answer import SeriesAnswer
from tocsin.replay.guards.definition import SERIES_FILE
from tocsin.replay.guards.series_lines import read_series_line
from tocsin.replay.held_series import HeldSeries

GZIP = ".gz"
LINE_BYTES_MAX = 64 << 20


def is_series(path: Path) -> bool:
    """Whether a file of telemetry holds lines of series; others hold what `tocsin import` reads."""
    return path.name.removesuffix(GZIP) == SERIES_FILE.removesuffix(GZIP)


def series_in(path: Path, *, bytes_max: int) -> Iterator[SeriesAnswer]:
    """
    The series of a file.

    Raises:
        InvalidInput: It can't be read, or a line is no series; says which.
        LimitExceeded: It holds more than `bytes_max`, uncompressed.
    """
    with _opened(path) as file:
        for number, line in enumerate(_lines(path, file, bytes_max), 1):
            try:
                yield read_series_line(line)
            except ParseError as error:
                raise ParseError(f"{path}:{number}: {error}") from error


def held_series(paths: Iterable[Path], *, bytes_max: int) -> HeldSeries:
    """All series of some files, in memory; raises as `series_in` does."""
    held = HeldSeries()
    for path in paths:
        for answer in series_in(path, bytes_max=bytes_max):
            held.add_answer(answer.labels, answer)
    return held


def _opened(path: Path) -> IO[bytes]:
    try:
        return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == GZIP else path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}") from error


def _lines(path: Path, file: IO[bytes], bytes_max: int) -> Iterator[bytes]:
    read = 0
    while True:
        try:
            line = file.readline(LINE_BYTES_MAX)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(f"{path} can't be read to its end: {error}") from error
        read += len(line)
        if read > bytes_max:
            raise LimitExceeded(f"{path} holds more than {bytes_max >> 20} MB (replay.slice_mb_max)")
        if not line:
            return
        if line.strip():
            yield line
