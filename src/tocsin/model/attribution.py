"""Who and where: values of attributes, counted among bad events and among all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttributionValue:
    """
    One value of one attribute among the bad events.

    Args:
        key, value: Which attribute, which value; `operation` and `service.version` are among the keys.
        bad: Bad events with it.
        total: All events with it.
        bad_share: Share of all bad events that have it, 0 to 1.
        total_share: Share of all events that have it, 0 to 1.
        bad_ratio: bad / total of its own.
    """

    key: str
    value: str
    bad: float
    total: float
    bad_share: float
    total_share: float
    bad_ratio: float
