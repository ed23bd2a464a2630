"""
Kernels over the bytes of a text: ends of lines, of labels and of values.

Positions count from 0. Where a loop runs over most bytes, its index is unsigned: with a signed one the compiler asks for each byte whether
the index is negative and counts from the end, and never loads eight bytes at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tocsin.wire.prometheus.hashing import word_at

ONE = np.uint64(1)
EIGHT = np.uint64(8)
LOW_BITS = np.uint64(0x0101010101010101)
HIGH_BITS = np.uint64(0x8080808080808080)
QUOTES = np.uint64(0x2222222222222222)
BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)


@njit(cache=True, nogil=True)
def is_name(byte: int) -> bool:
    """Whether a metric's name may hold this byte without quotes."""
    return 97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 58 or byte == 95


@njit(cache=True, nogil=True)
def line_end(body: NDArray[np.uint8], start: int) -> int:
    """Where the line feed stands, or the text ends."""
    at, size = np.uint64(start), np.uint64(len(body))
    while at < size and body[at] != 10:
        at += ONE
    return np.int64(at)  # type: ignore[return-value]  # signed again


@njit(cache=True, nogil=True)
def quoted_end(body: NDArray[np.uint8], start: np.uint64) -> np.uint64:
    """Where the quote stands that ends what begins at `start`; beyond the end of the text without one."""
    at, size = start, np.uint64(len(body))
    while at < size:
        while at + EIGHT <= size:
            # A byte is zero where it was the one looked for; the subtraction borrows into the high bit of the lowest zero byte.
            word = word_at(body, at)  # type: ignore[arg-type]  # unsigned on purpose
            quotes, backslashes = word ^ QUOTES, word ^ BACKSLASHES
            if ((quotes - LOW_BITS) & ~quotes | (backslashes - LOW_BITS) & ~backslashes) & HIGH_BITS:
                break
            at += EIGHT
        while at < size and body[at] != 34 and body[at] != 92:
            at += ONE
        if at >= size or body[at] == 34:
            return at
        at += ONE + ONE
    return size


@njit(cache=True, nogil=True)
def labels_end(body: NDArray[np.uint8], brace: int) -> int:
    """Behind the brace that closes the one at `brace`; -1 where none does on this line. Quoted texts may hold line feeds."""
    at, size = np.uint64(brace) + ONE, np.uint64(len(body))
    while at < size:
        byte = body[at]
        at += ONE
        if byte == 34:
            at = quoted_end(body, at) + ONE
        elif byte == 125:
            return np.int64(at)  # type: ignore[return-value]  # signed again
        elif byte == 10:
            break
    return -1


@njit(cache=True, nogil=True)
def blanks_end(body: NDArray[np.uint8], at: int) -> int:
    """Behind spaces and tabs."""
    while at < len(body) and (body[at] == 32 or body[at] == 9):
        at += 1
    return at


@njit(cache=True, nogil=True)
def token_end(body: NDArray[np.uint8], at: int, openmetrics: bool) -> int:
    """Behind a value: the next space or line feed; in Prometheus text also a tab or a brace."""
    size = len(body)
    while at < size:
        byte = body[at]
        if byte in (32, 10) or (not openmetrics and byte in (9, 123)):
            break
        at += 1
    return at


@njit(cache=True, nogil=True)
def is_eof(body: NDArray[np.uint8], at: int) -> bool:
    """Whether `# EOF` stands at `at`."""
    return (
        at + 5 <= len(body) and body[at] == 35 and body[at + 1] == 32 and body[at + 2] == 69 and body[at + 3] == 79 and body[at + 4] == 70
    )


@njit(cache=True, nogil=True)
def is_exemplar(body: NDArray[np.uint8], at: int) -> bool:
    """Whether ` # {` stands at `at`."""
    return at + 4 <= len(body) and body[at] == 32 and body[at + 1] == 35 and body[at + 2] == 32 and body[at + 3] == 123


@njit(cache=True, nogil=True)
def is_metadata(body: NDArray[np.uint8], at: int, openmetrics: bool) -> bool:
    """Whether the comment at `at` may be HELP, TYPE or UNIT."""
    word = at + 2 if openmetrics and at + 1 < len(body) and body[at + 1] == 32 else at + 1
    if not openmetrics:
        word = blanks_end(body, at + 1)
        if word == at + 1:
            return False
    return word < len(body) and (body[word] == 72 or body[word] == 84 or (openmetrics and body[word] == 85))


@njit(cache=True, nogil=True)
def series_end(body: NDArray[np.uint8], start: int, openmetrics: bool) -> int:
    """Behind the series that begins at `start`; -1 where none begins, -2 where its labels do not end."""
    size = len(body)
    end = start
    if not 48 <= body[start] <= 57:
        while end < size and is_name(body[end]):
            end += 1
    brace = end if openmetrics else blanks_end(body, end)
    if brace < size and body[brace] == 123:
        closed = labels_end(body, brace)
        return closed if closed >= 0 else -2
    return end if end > start else -1
