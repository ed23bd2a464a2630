"""
A 64-bit hash of bytes, for kernels: what finds a series by the very bytes that its labels came in.

Four lanes of multiply-rotate over 32 bytes at a time, then words, then the rest, then an avalanche. It is keyed by a seed that no sender
knows, because two label sets with one hash would be taken for one series. Never 0, which marks an empty slot.

Source: the construction follows xxHash (fast digest algorithm specification, XXH64); the values are our own and stay in this process.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_P3 = np.uint64(0x165667B19E3779F9)
_S7, _S27, _S29, _S31, _S32, _S33 = (np.uint64(bits) for bits in (7, 27, 29, 31, 32, 33))
_S8, _S16, _S24, _S40, _S48, _S56 = (np.uint64(bits) for bits in (8, 16, 24, 40, 48, 56))


@njit(cache=True, nogil=True, inline="always", boundscheck=False)
def word_at(data: NDArray[np.uint8], position: int) -> np.uint64:
    """Eight bytes, little-endian; the caller knows that they are there. Compiles to one load."""
    at = np.uint64(position)  # an unsigned index spares the check for negative ones
    return np.uint64(
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << _S8
        | np.uint64(data[at + np.uint64(2)]) << _S16
        | np.uint64(data[at + np.uint64(3)]) << _S24
        | np.uint64(data[at + np.uint64(4)]) << _S32
        | np.uint64(data[at + np.uint64(5)]) << _S40
        | np.uint64(data[at + np.uint64(6)]) << _S48
        | np.uint64(data[at + np.uint64(7)]) << _S56
    )


@njit(cache=True, nogil=True, inline="always")
def _lane(state: np.uint64, word: np.uint64) -> np.uint64:
    state = np.uint64(state + word * _P2)
    return np.uint64(((state << _S31) | (state >> _S33)) * _P1)


@njit(cache=True, nogil=True, inline="always")
def mix(state: np.uint64, word: np.uint64) -> np.uint64:
    """One more word into a hash."""
    state = np.uint64(state ^ _lane(np.uint64(0), word))
    return np.uint64(((state << _S27) | (state >> np.uint64(37))) * _P1 + _P3)


@njit(cache=True, nogil=True, inline="always")
def finish(state: np.uint64) -> np.uint64:
    """Every bit of the state into every bit of the result, which is not 0."""
    state = np.uint64((state ^ (state >> _S33)) * _P2)
    state = np.uint64((state ^ (state >> _S29)) * _P3)
    state = np.uint64(state ^ (state >> _S32))
    return np.uint64(1) if state == np.uint64(0) else state


@njit(cache=True, nogil=True)
def hash_bytes(data: NDArray[np.uint8], start: int, end: int, seed: np.uint64) -> np.uint64:
    """
    The hash of data[start:end].

    Args:
        data: [N] uint8.
        start: 0 <= start <= end.
        end: end <= N; nobody checks that here.
        seed: Any number; others give other hashes.
    """
    position = start
    state = np.uint64(np.uint64(seed) + _P3 + np.uint64(end - start))
    if end - position >= 32:
        first, second = np.uint64(state + _P1), np.uint64(state + _P2)
        third, fourth = state, np.uint64(state - _P1)
        while end - position >= 32:
            first = _lane(first, word_at(data, position))
            second = _lane(second, word_at(data, position + 8))
            third = _lane(third, word_at(data, position + 16))
            fourth = _lane(fourth, word_at(data, position + 24))
            position += 32
        state = mix(mix(mix(first, second), third), fourth)
    while end - position >= 8:
        state = mix(state, word_at(data, position))
        position += 8
    if position < end:
        rest = np.uint64(0)
        while position < end:
            rest = np.uint64(rest << _S8 | np.uint64(data[np.uint64(position)]))
            position += 1
        state = mix(state, rest)
    return finish(state)
