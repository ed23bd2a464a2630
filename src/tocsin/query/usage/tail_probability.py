"""
How probable a count is that is at least so high, where counts scatter more than chance alone would have them: the negative binomial.

    mean 40, variance 60, count 70  ->  P(X >= 70) = 0.0004

Source: NIST Digital Library of Mathematical Functions, 8.17 (incomplete beta function, continued fraction 8.17.22).
"""

from __future__ import annotations

import math

SIZE_MAX = 1e6  # of the negative binomial: there it is Poisson's distribution, but for a scatter of a thousandth of the mean
STEPS_MAX = 10_000
TINY = 1e-300
PRECISION = 1e-12


def tail_probability(count: int, *, mean: float, variance: float) -> float:
    """
    P(X >= count), 0 to 1, for a negative binomial X with this mean (> 0) and variance; one below the mean is taken for the mean.
    """
    if count <= 0:
        return 1.0
    spread = max(variance - mean, mean * mean / SIZE_MAX)
    size = min(max(mean * mean / spread, 1e-9), SIZE_MAX)
    return incomplete_beta(float(count), size, mean / (size + mean))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function I_x(a, b), 0 to 1, for a, b > 0."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return min(1.0, front * _fraction(a, b, x) / a)
    return max(0.0, 1.0 - front * _fraction(b, a, 1 - x) / b)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction, by the method of Lentz."""
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for step in range(1, STEPS_MAX):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        change = 1.0
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            change = c * d
            value *= change
        if abs(change - 1.0) < PRECISION:
            break
    return value


def _away(value: float) -> float:
    """The number, or a tiny one in place of 0, by which nothing can be divided."""
    return value if abs(value) > TINY else TINY
