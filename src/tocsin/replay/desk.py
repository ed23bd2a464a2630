"""The one door of this room for `api/` and `app/`."""

from __future__ import annotations


class ReplayDesk:
    """Backtests and guards over what is stored. Safe to use from several threads."""
