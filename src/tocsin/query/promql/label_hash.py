"""
A hash of label sets that is the same in every process, for `limit_ratio`: XXH64 over names and values.

Source: xxHash specification, version 0.1.1, 'XXH64'.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.query.promql.compiled import compiled

_PRIME_1 = np.uint64(0x9E3779B185EBCA87)
_PRIME_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_3 = np.uint64(0x165667B19E3779F9)
_PRIME_4 = np.uint64(0x85EBCA77C2B2AE63)
_PRIME_5 = np.uint64(0x27D4EB2F165667C5)


def label_hash(labels: Labels) -> int:
    """
    0 to 2^64 - 1.

    Each name and value is preceded by its length: one byte, or 255 and three bytes from 255 on.
    """
    data = b"".join(_prefixed(text) for pair in labels.pairs for text in pair)
    return int(xxh64(np.frombuffer(bytearray(data), dtype=np.uint8)))


def _prefixed(text: str) -> bytes:
    data = text.encode("utf-8")
    return (bytes([len(data)]) if len(data) < 255 else b"\xff" + len(data).to_bytes(3, "little")) + data


@compiled
def _rotated(value: np.uint64, bits: int) -> np.uint64:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


@compiled
def _word(data: NDArray[np.uint8], at: int, size: int) -> np.uint64:
    word = np.uint64(0)
    for i in range(size):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word


@compiled
def _round(lane: np.uint64, word: np.uint64) -> np.uint64:
    return _rotated(lane + word * _PRIME_2, 31) * _PRIME_1


@compiled
def _stripes(data: NDArray[np.uint8]) -> np.uint64:
    a, b, c, d = _PRIME_1 + _PRIME_2, _PRIME_2, np.uint64(0), np.uint64(0) - _PRIME_1
    for at in range(0, data.size // 32 * 32, 32):
        a = _round(a, _word(data, at, 8))
        b = _round(b, _word(data, at + 8, 8))
        c = _round(c, _word(data, at + 16, 8))
        d = _round(d, _word(data, at + 24, 8))
    total = _rotated(a, 1) + _rotated(b, 7) + _rotated(c, 12) + _rotated(d, 18)
    for lane in (a, b, c, d):
        total = (total ^ _round(np.uint64(0), lane)) * _PRIME_1 + _PRIME_4
    return total


@compiled
def xxh64(data: NDArray[np.uint8]) -> np.uint64:
    """XXH64 with seed 0."""
    size = data.size
    total = _stripes(data) if size >= 32 else _PRIME_5
    total += np.uint64(size)
    at = size // 32 * 32
    while at + 8 <= size:
        total = _rotated(total ^ _round(np.uint64(0), _word(data, at, 8)), 27) * _PRIME_1 + _PRIME_4
        at += 8
    if at + 4 <= size:
        total = _rotated(total ^ (_word(data, at, 4) * _PRIME_1), 23) * _PRIME_2 + _PRIME_3
        at += 4
    while at < size:
        total = _rotated(total ^ (np.uint64(data[at]) * _PRIME_5), 11) * _PRIME_1
        at += 1
    total = (total ^ (total >> np.uint64(33))) * _PRIME_2
    total = (total ^ (total >> np.uint64(29))) * _PRIME_3
    return total ^ (total >> np.uint64(32))
