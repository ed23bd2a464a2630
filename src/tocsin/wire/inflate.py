"""
Compressed request bodies, inflated step by step so that no body can make us hold more than the limit allows.

A step inflates at most `STEP_BYTES`, but for zstd, whose Python binding has no bound on its output: there a step takes a slice of input
so small (512 bytes, at best 128 KiB for every 4 of them) that it can't yield more than 16 MiB.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import zstandard

from tocsin.errors import LimitExceeded, ParseError

STEP_BYTES = 1024 * 1024
ZSTD_SLICE_BYTES = 512
ZSTD_WINDOW_BYTES_MAX = 8 * 1024 * 1024  # what RFC 8878 asks every decoder to bear; a frame that wants more memory is refused
GZIP_WBITS = 16 + zlib.MAX_WBITS
ENCODINGS = ("identity", "gzip", "deflate", "zstd")


def inflate(body: bytes, encoding: str, *, bytes_max: int) -> bytes:
    """
    The body as it was before it was compressed.

    Args:
        body: What came over the wire.
        encoding: One of ENCODINGS; `deflate` takes the zlib format (as HTTP means it) and raw deflate (as some clients send it).
        bytes_max: The largest result that is let through.

    Raises:
        ParseError: The body is not of that encoding, is damaged or cut short.
        LimitExceeded: The result is larger than `bytes_max`; at most that much was held.
    """
    if encoding == "identity":
        steps: Iterator[bytes] = iter((body,))
    elif encoding == "zstd":
        steps = _zstd_steps(body)
    elif encoding == "gzip":
        steps = _zlib_steps(body, GZIP_WBITS, encoding)
    else:
        steps = _zlib_steps(body, zlib.MAX_WBITS if _has_zlib_header(body) else -zlib.MAX_WBITS, encoding)
    out = io.BytesIO()
    try:
        for step in steps:
            if out.tell() + len(step) > bytes_max:
                raise LimitExceeded(
                    f"the body inflates to more than {bytes_max} bytes; send smaller batches or raise wire.http.inflated_bytes_max"
                )
            out.write(step)
    except (zlib.error, zstandard.ZstdError) as error:
        raise ParseError(f"the body is not {encoding}: {error}") from error
    return out.getvalue()


def _has_zlib_header(body: bytes) -> bool:
    """Whether the body starts as RFC 1950 says: method 8, and two bytes that are a multiple of 31."""
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _zlib_steps(body: bytes, wbits: int, encoding: str) -> Iterator[bytes]:
    while True:
        decoder = zlib.decompressobj(wbits)
        pending = body
        while not decoder.eof:
            step = decoder.decompress(pending, STEP_BYTES)
            pending = decoder.unconsumed_tail
            yield step
            if not step and not pending and not decoder.eof:
                raise ParseError(f"the {encoding} body is cut short; was the upload interrupted?")
        body = decoder.unused_data
        if not body:
            return
        if encoding != "gzip":
            raise ParseError(f"{len(body)} bytes follow the end of the {encoding} body")
        # A gzip body may have several members (RFC 1952, 2.2): go on with the next one.


def _zstd_steps(body: bytes) -> Iterator[bytes]:
    context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
    decoder = context.decompressobj()
    position = 0
    ended = False
    while position < len(body):
        if ended:  # several frames in a row are one body (RFC 8878, 3.1)
            decoder = context.decompressobj()
        piece = body[position : position + ZSTD_SLICE_BYTES]
        yield decoder.decompress(piece)
        ended = decoder.eof
        position += len(piece) - (len(decoder.unused_data) if ended else 0)
    if not ended:
        raise ParseError("the zstd body is cut short; was the upload interrupted?")
