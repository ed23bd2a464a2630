"""Inflating request bodies within bounds."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import LimitExceeded, ParseError
from tocsin.wire.inflate import ENCODINGS, inflate

MEBIBYTE = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    """Deflate without the zlib header, as some clients send it."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def streamed_zstd(data: bytes) -> bytes:
    """Zstd whose header does not tell the size."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(data) + compressor.flush()


COMPRESSORS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "zstd": ("zstd", zstandard.compress),
    "streamed zstd": ("zstd", streamed_zstd),
}
each = pytest.mark.parametrize(("encoding", "compress"), COMPRESSORS.values(), ids=COMPRESSORS)


@each
@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 2000])
def test_round_trip(encoding: str, compress: Callable[[bytes], bytes], data: bytes) -> None:
    """What was compressed comes back, also when it is as large as the limit."""
    assert inflate(compress(data), encoding, bytes_max=len(data)) == data


def test_identity_is_bounded_too() -> None:
    """A body that is not compressed passes, up to the limit."""
    assert inflate(b"abc", "identity", bytes_max=3) == b"abc"
    with pytest.raises(LimitExceeded):
        inflate(b"abcd", "identity", bytes_max=3)


@each
def test_one_byte_over_the_limit_is_refused(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    """The limit is exact."""
    with pytest.raises(LimitExceeded, match="99 bytes"):
        inflate(compress(b"x" * 100), encoding, bytes_max=99)


@each
def test_a_bomb_is_refused_without_holding_what_it_inflates_to(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    """256 MiB of zeros against a limit of 1 MiB: less than 32 MiB are ever held."""
    bomb = compress(bytes(256 * MEBIBYTE))
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            inflate(bomb, encoding, bytes_max=MEBIBYTE)
        assert tracemalloc.get_traced_memory()[1] < 32 * MEBIBYTE
    finally:
        tracemalloc.stop()


@each
def test_a_body_cut_short_is_refused(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    """However much of its end is missing."""
    whole = compress(bytes(range(256)) * 50)
    for missing in (1, 5, len(whole) - 1, len(whole)):
        with pytest.raises(ParseError):
            inflate(whole[: len(whole) - missing], encoding, bytes_max=MEBIBYTE)


def test_members_and_frames_in_a_row_are_one_body() -> None:
    """As the gzip and zstd formats say."""
    assert inflate(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", bytes_max=100) == b"one two"
    assert inflate(zstandard.compress(b"one ") + zstandard.compress(b"two"), "zstd", bytes_max=100) == b"one two"


@each
def test_bytes_after_the_end_are_refused(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    """A body with garbage behind it is not what its encoding says."""
    with pytest.raises(ParseError):
        inflate(compress(b"x" * 10) + b"garbage", encoding, bytes_max=MEBIBYTE)


def test_a_zstd_window_beyond_eight_mebibytes_is_refused() -> None:
    """A frame can't make us allocate the window it asks for."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=0)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(ParseError, match="zstd"):
        inflate(compressor.compress(b"x" * MEBIBYTE) + compressor.flush(), "zstd", bytes_max=64 * MEBIBYTE)


@given(st.binary(max_size=200), st.sampled_from(ENCODINGS))
def test_random_bytes_never_crash(body: bytes, encoding: str) -> None:
    """Any bytes either inflate or end in an error of the tree."""
    with contextlib.suppress(ParseError, LimitExceeded):
        inflate(body, encoding, bytes_max=1000)


@given(st.sampled_from(list(COMPRESSORS.values())), st.integers(0, 10_000), st.integers(1, 255))
def test_damaged_bodies_never_crash(compressor: tuple[str, Callable[[bytes], bytes]], position: int, flip: int) -> None:
    """One byte changed anywhere."""
    encoding, compress = compressor
    body = bytearray(compress(b"the quick brown fox " * 50))
    body[position % len(body)] ^= flip
    with contextlib.suppress(ParseError, LimitExceeded):
        inflate(bytes(body), encoding, bytes_max=2000)
