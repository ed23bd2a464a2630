"""Figures and verdicts as people read them: `5,000 ms`, `0.42 %`, `1.2 k/s`, `10.0x`."""

from __future__ import annotations

from tocsin.model.signals import Baseline, Unit

NOTHING = "-"
NEAR_TWICE = 0.05


def show(value: float | None, unit: Unit) -> str:
    """
    A value with its unit; a dash for none.

    Example: `show(0.1, Unit.RATIO)` is `10.0 %`.
    """
    if value is None:
        return NOTHING
    match unit:
        case Unit.MILLISECONDS:
            return f"{_round(value)} ms"
        case Unit.RATIO:
            return f"{value * 100:.2f} %" if 0 < value < 0.01 else f"{value * 100:.1f} %"
        case Unit.PER_SECOND:
            return f"{value / 1000:,.1f} k/s" if value >= 1000 else f"{_round(value)} /s"
        case Unit.TIMES:
            return f"{value:,.1f}x"
        case _:
            return _round(value)


def show_multiple(multiple: float) -> str:
    """`twice`, `3.4 times`."""
    return "twice" if abs(multiple - 2) < NEAR_TWICE else f"{multiple:,.1f} times"


def show_count(number: int, one: str, many: str = "") -> str:
    """`1 request`, `1,250 requests`; `many` for a plural without an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def show_usual(baseline: Baseline | None, unit: Unit) -> str:
    """`; 240 ms is usual at this hour`, nothing where nobody knows."""
    if baseline is None or baseline.median is None:
        return ""
    return f"; {show(baseline.median, unit)} is usual at this hour"


def _round(value: float) -> str:
    """Three digits that say something, thousands with commas, no trailing zeros."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.2g}"
