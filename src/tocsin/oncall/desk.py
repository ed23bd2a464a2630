"""The one door of this room for `api/` and `app/`."""

from __future__ import annotations


class OncallDesk:
    """Questions and orders about shifts, swaps and pages. Safe to use from several threads."""
