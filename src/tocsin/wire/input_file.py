"""
A file of lines to import: plain, gzip or zstd (told by its first bytes, not by its name), or standard input.

Read in pieces of bounded size, so a file larger than memory, and one line larger than memory, are no trouble.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import zstandard

from tocsin.errors import NotFound, ParseError
from tocsin.wire.inflate import GZIP_WBITS

PIECE_BYTES = 256 * 1024
ZSTD_PIECE_BYTES = 4 * 1024  # zstd gives all that a piece inflates to at once: at the very worst 128 MiB
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; `cut` when it was longer than the limit and only its start is here."""

    number: int
    data: bytes
    cut: bool = False


class InputFile:
    """
    A file that is being read; use it as a context manager.

    `read_bytes` is how far it was read (of the file as it lies on disk), `size_bytes` its size, None for standard input.

    Raises:
        NotFound: There is no such file, or it can't be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.read_bytes = 0
        self.size_bytes: int | None = None
        try:
            self._stream: BinaryIO = sys.stdin.buffer if path == STANDARD_INPUT else Path(path).open("rb")  # noqa: SIM115 (closed in __exit__)
            if path != STANDARD_INPUT:
                self.size_bytes = Path(path).stat().st_size
        except OSError as error:
            raise NotFound(f"cannot open {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.path != STANDARD_INPUT:
            self._stream.close()

    def lines(self, *, line_bytes_max: int) -> Iterator[Line]:
        """
        The lines, numbered from 1; an unfinished one at the end counts.

        Raises:
            ParseError: The file is compressed, and damaged or cut short; what came before was yielded.
        """
        number, start, cut = 0, bytearray(), False
        for piece in self._pieces():
            head, *others = piece.split(b"\n")
            room = line_bytes_max - len(start)
            start += head[: max(room, 0)]
            cut = cut or len(head) > room
            for other in others:
                number += 1
                yield Line(number, bytes(start), cut)
                start = bytearray(other[:line_bytes_max])
                cut = len(other) > line_bytes_max
        if start:
            yield Line(number + 1, bytes(start), cut)

    def _pieces(self) -> Iterator[bytes]:
        first = self._read(PIECE_BYTES)
        if first.startswith(GZIP_MAGIC):
            pieces = self._inflate_gzip(first)
        elif first.startswith(ZSTD_MAGIC):
            pieces = self._inflate_zstd(first)
        else:
            pieces = self._plain(first)
        beginning = True
        for piece in pieces:
            yield piece.removeprefix(BYTE_ORDER_MARK) if beginning else piece
            beginning = False

    def _read(self, size_bytes: int) -> bytes:
        read1 = getattr(self._stream, "read1", self._stream.read)  # what a pipe has now, rather than waiting for more
        data: bytes = read1(size_bytes)
        self.read_bytes += len(data)
        return data

    def _plain(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield data
            data = self._read(PIECE_BYTES)

    def _inflate_gzip(self, data: bytes) -> Iterator[bytes]:
        decoder = zlib.decompressobj(GZIP_WBITS)
        while data:
            try:
                piece = decoder.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise ParseError(f"{self.path} is damaged: {error}") from error
            if piece:
                yield piece
            data = decoder.unconsumed_tail
            if decoder.eof:
                data = decoder.unused_data.lstrip(b"\0") or self._read(PIECE_BYTES)
                if not data:
                    return
                decoder = zlib.decompressobj(GZIP_WBITS)
            elif not data:
                data = self._read(PIECE_BYTES)
        raise ParseError(f"{self.path} is cut short: its gzip data has no end")

    def _inflate_zstd(self, data: bytes) -> Iterator[bytes]:
        decoder = zstandard.ZstdDecompressor().decompressobj()
        while data:
            try:
                piece = decoder.decompress(data[:ZSTD_PIECE_BYTES])
            except zstandard.ZstdError as error:
                raise ParseError(f"{self.path} is damaged: {error}") from error
            if piece:
                yield piece
            data = data[ZSTD_PIECE_BYTES:]
            if decoder.eof:
                data = decoder.unused_data + data or self._read(PIECE_BYTES)
                if not data:
                    return
                decoder = zstandard.ZstdDecompressor().decompressobj()
            elif not data:
                data = self._read(PIECE_BYTES)
        raise ParseError(f"{self.path} is cut short: its zstd data has no end")
