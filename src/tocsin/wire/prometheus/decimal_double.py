"""
A kernel that rounds a decimal number to the nearest double, for the 16 to 19 digits that Python's and Go's clients write.

The mantissa is multiplied with the upper 128 bits of the power of ten. Those are too small by less than one in their last place, so in
nearly all cases the upper 54 bits of the product are certain; where they are not, it says so, and the slow way is taken.

Source: D. Lemire, "Number parsing at a gigabyte per second", 2021 (after M. Eisel).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

POWER_MAX = 64
"""Powers of ten from -64 to 64: beyond what is measured, and none of the products leaves the range of normal doubles."""


def _upper_bits(power: int) -> tuple[int, int]:
    """The upper 128 bits of 10^power, cut off, the first one set; as two numbers of 64 bits."""
    if power >= 0:
        number = 10**power
        shift = number.bit_length() - 128
        number = number >> shift if shift > 0 else number << -shift
    else:
        divisor = 10**-power
        number = (1 << (divisor.bit_length() + 127)) // divisor
        number >>= number.bit_length() - 128
    return number >> 64, number & (2**64 - 1)


POWERS = np.array([_upper_bits(power) for power in range(-POWER_MAX, POWER_MAX + 1)], np.uint64)

_ONE = np.uint64(1)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDING_BITS = np.uint64(0x1FF)
_ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True, nogil=True)
def multiply_wide(left: np.uint64, right: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The product of two numbers of 64 bits: its upper and its lower 64 bits."""
    left_high, left_low = left >> _HALF, left & _LOW_HALF
    right_high, right_low = right >> _HALF, right & _LOW_HALF
    low = left_low * right_low
    middle = left_high * right_low + (low >> _HALF)
    other = left_low * right_high + (middle & _LOW_HALF)
    return left_high * right_high + (middle >> _HALF) + (other >> _HALF), left * right


@njit(cache=True, nogil=True)
def leading_zeros(number: np.uint64) -> int:
    """How many bits of a number, not 0, stand above its first one."""
    zeros = 0
    for width in (32, 16, 8, 4, 2, 1):
        if number >> np.uint64(64 - width) == np.uint64(0):
            zeros += width
            number <<= np.uint64(width)
    return zeros


@njit(cache=True, nogil=True)
def round_decimal(mantissa: np.uint64, power: int) -> tuple[float, bool]:
    """
    The double nearest to `mantissa * 10^power`, and whether that is certain.

    Args:
        mantissa: Not 0, exact.
        power: -64 to 64.
    """
    zeros = leading_zeros(mantissa)
    shifted = mantissa << np.uint64(zeros)
    high, low = multiply_wide(shifted, POWERS[power + POWER_MAX, 0])
    if high & _ROUNDING_BITS == _ROUNDING_BITS and low + shifted < shifted:
        more_high, more_low = multiply_wide(shifted, POWERS[power + POWER_MAX, 1])
        merged = low + more_high
        if merged < low:
            high += _ONE
        if high & _ROUNDING_BITS == _ROUNDING_BITS and merged == _ALL_BITS and more_low + shifted < shifted:
            return 0.0, False
        low = merged
    upper = high >> np.uint64(63)
    bits = high >> (upper + np.uint64(9))  # 54 of them: one more than a double has
    if low == np.uint64(0) and high & _ROUNDING_BITS == np.uint64(0) and bits & np.uint64(3) == _ONE:
        return 0.0, False
    bits = (bits + (bits & _ONE)) >> _ONE
    # 217706 / 65536 is log2(10), near enough for these powers; the bits count as 2^52 and up.
    exponent = (217706 * power >> 16) + 64 - zeros - (0 if upper == _ONE else 1) - 52
    return math.ldexp(float(bits), exponent), True
